import re
import string

import pytest

from yori.flywheel.history_page import history_page, write_history
from yori.flywheel.serving import Served
from yori.flywheel.turn import Turn
from yori.flywheel.turn_words import TurnWords, turn_catalogue

QUESTION = {"name": "verdict", "passed": False, "sentence": "too few examples to tell: n ≥ 300", "facts": {}}
MERGED = {
    "added": 40, "relabelled": 2, "dropped": 1, "conflicts": 2, "seconds": 600.0, "agreement": 0.9,
    "people": {"answers": {"ann": 30, "<b>ben</b>": 12}, "skill": {"ann": 0.97, "<b>ben</b>": 0.8}, "reason": "Majority."},
}  # fmt: skip
STEPS = {
    "mine": {"asked": 43, "serving": "a" * 64},
    "merge": MERGED,
    "train": {"edits": 3, "training_flops": 5_000_000_000},
    "gate": {"look": 1, "examples": 120, "deciding": 44, "level": 0.975, "questions": [QUESTION]},
    "end": {"promoted": None, "serving": "a" * 64, "why": ["too few examples to tell: n ≥ 300"]},
}
WORLD = {
    "labels": [0, 60], "coverage": 0.8,
    "risk": {"yori": [0.2, 0.101], "random": [0.2, 0.153]}, "served": {"yori": [0.2, 0.101], "random": [0.2, 0.2]},
    "promoted": {"yori": ["b" * 64], "random": [None]},
}  # fmt: skip
SERVED = [Served("a" * 64, "promote", "ann", "the first", 1_800_000_000.0)]


def turned(**end):
    return Turn(1, {**STEPS, "end": {**STEPS["end"], **end}})


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_a_turn_did_stands_on_the_page(lang):
    page = history_page("ships", [turned()], SERVED, world=WORLD, lang=lang)
    words = TurnWords(lang)
    assert words("turns.word.kept", n=1) in page
    assert "43" in page
    assert "5 GFLOP" in page
    assert words("section.world") in page
    assert words("arm.random") in page
    assert "2027-01-15" in page
    assert "&lt;b&gt;ben" in page
    assert "<b>ben" not in page


def test_a_promotion_is_said():
    page = history_page("ships", [turned(promoted="b" * 64)], SERVED)
    assert "Turn 1 was promoted" in page
    assert "Beside random labels" not in page


def section(page, name):
    return page.split(f'id="{name}"')[1].split("</section>")[0]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_world_says_what_was_promoted_and_what_served(lang):
    words = TurnWords(lang)
    world = section(history_page("ships", [turned()], SERVED, world=WORLD, lang=lang), "world")
    rows = [re.findall(r"([\d.]+)\s*%", re.sub(r"<[^>]+>", " ", row)) for row in world.split("<tr")[1:]]
    told = [row for row in rows if row]
    assert told == [["20.0", "20.0"], ["10.1", "10.1"], ["20.0", "20.0"], ["15.3", "20.0"]]
    table = world.split("<table")[1]
    assert table.count(words("outcome.promoted")) == table.count(words("outcome.kept")) == 1
    newest, served = world.split("<figure")[1:]
    assert newest.count('Z"') == served.count('Z"') == 1  # a ring around the one promotion, and nowhere else


def test_a_korean_page_has_no_english_sentence():
    questions = [
        {"name": "verdict", "passed": True, "facts": {},
         "sentence": "improved: augrc 0.15 → 0.1, change -0.05 (97.5 % interval -0.09 to -0.01), 44 examples"},
        {"name": "domains", "passed": True, "facts": {},
         "sentence": "none of 3 domains significantly worse; small domains asked together: 2"},
        {"name": "threshold", "passed": False, "facts": {},
         "sentence": "9 of 44 examples are answered wrongly, promised 0.05 (p = 0.00175); "
                     "the release that serves lets 8 through"},
    ]  # fmt: skip
    reason = "Majority vote: too few control questions and too few answers per example to judge anything else."
    steps = {
        **STEPS,
        "merge": {**MERGED, "people": {**MERGED["people"], "reason": reason}},
        "gate": {**STEPS["gate"], "deciding": 44, "questions": questions},
        "end": {"promoted": None, "serving": "a" * 64, "why": [questions[2]["sentence"]]},
    }
    served = [Served("a" * 64, "promote", "앤", f"turn 1: {questions[0]['sentence']}", 1_800_000_000.0)]
    page = history_page("배", [Turn(1, steps)], served, world=WORLD, lang="ko")
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", " ", page.split("<body")[1], flags=re.DOTALL))
    assert not re.findall(r"(?:[A-Za-z]{2,}[ ,]+){2}[A-Za-z]{2,}", text)


def test_a_turn_under_way_and_none_at_all():
    assert "is under way" in history_page("ships", [Turn(2, {"mine": STEPS["mine"]})], [])
    assert "No turn yet" in history_page("ships", [], [])


def test_both_languages_have_the_same_places():
    for name, entry in turn_catalogue().items():
        places = [{field for _, field, _, _ in string.Formatter().parse(entry[lang]) if field} for lang in ("en", "ko")]
        assert places[0] == places[1], name


def test_it_is_written_in_one_step(tmp_path):
    out = write_history("ships", [turned()], SERVED, tmp_path / "deep" / "turns.html")
    assert out.read_text().startswith("<!DOCTYPE html>") or "<!DOCTYPE html>" in out.read_text()[:40]
    assert [each.name for each in out.parent.iterdir()] == ["turns.html"]
