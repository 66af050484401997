from __future__ import annotations

import copy

import pytest
from tests.report.reading import texts
from tests.report.sample import Sample

from yori.report.certificate_schema import WORDS
from yori.report.comparisons import verdict_tone
from yori.report.verdict_section import headline
from yori.report.wording import Words


def test_the_sentence_has_every_number_of_the_claim(sample: Sample) -> None:
    shown = headline(sample.certificate, Words("en"))
    found = sample.certificate["primary"]["comparison"]
    assert (shown.word, shown.tone) == ("improved", "good")
    for number in (found["before"], found["after"], abs(found["delta"]), abs(found["low"]), abs(found["high"])):
        assert f"{number:.4f}" in shown.sentence
    assert "AURC (raw, lower is better), Random groups" in shown.sentence
    facts = texts(shown.blocks)
    for words in ("720 examples in 180 independent groups", "Seeds: 3", "1 domain", "12 edits", "1.00", "equal:",
                  "28.5", "identical: 2", "80 % power", "any change counts", "2.5 %"):  # fmt: skip
        assert words in facts.replace("\u202f", " ") or words in facts, words


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("word", WORDS)
def test_every_verdict_has_its_own_word_colour_and_meaning(sample: Sample, word: str, language: str) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["verdict"] |= {"word": word, "needed_examples": 6147, "needed_domains": 9}
    shown = headline(changed, Words(language))
    assert shown.word == Words(language)(f"verdict.{word}")
    assert shown.tone == verdict_tone(word)
    assert "6\u202f147" in texts(shown.blocks)
    assert len({verdict_tone(each) for each in WORDS}) == len(WORDS)


def test_unequal_cost_or_model_is_an_alarm(sample: Sample) -> None:
    for part, name in (("parity", "equal"), ("flops", "counter_agrees")):
        changed = copy.deepcopy(sample.certificate)
        changed[part][name] = False
        shown = headline(changed, Words("en"))
        assert any(getattr(block, "alert", False) for block in shown.blocks)
    assert not any(getattr(block, "alert", False) for block in headline(sample.certificate, Words("en")).blocks)


def test_a_margin_and_fixed_domains_are_named(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["verdict"]["margin"] = 0.01
    changed["primary"]["comparison"] |= {"n_domains": 3, "domains_fixed": True, "relative": None}
    facts = texts(headline(changed, Words("en")).blocks)
    assert "counts): 0.0100" in facts
    assert "3 domains (these very ones)" in facts
