import ast
import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
from tests.flywheel import mixture_world
from tests.flywheel.test_gate import TASK, changed, run, some_examples

import yori
from yori.flywheel.turn_words import SAID, TurnWords, turn_catalogue
from yori.flywheel.verdicts import decide
from yori.task import CoverageRequirement, Requirements

SOURCE = Path(yori.__file__).parent
WRITERS = {  # functions whose English ends up in what a turn writes down
    "flywheel/gate.py": ("_verdict", "_of_domains", "_requirements", "_threshold", "_alarms"),
    "statistics/verdict.py": ("_sentence",),
    "labels/guard.py": ("reason",),
    "flywheel/turn.py": ("_end",),
}
NAMES = {"coverage at risk", "model size", "swapped classes"}  # keys and what is only compared with


def literals(node):
    """Every text of a function but its docstring, in pieces as they stand between the places."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    for part in body:
        for one in ast.walk(part):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value.strip(" ;,:().")


def written():
    for path, names in WRITERS.items():
        tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
        found = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name in names]
        assert len(found) == len(names)
        for function in found:
            yield from ((path, text) for text in literals(function) if " " in text and text not in NAMES)


@pytest.mark.parametrize(("path", "text"), sorted(set(written())))
def test_what_the_code_writes_is_in_the_catalogue(path, text):
    known = [entry["en"] for name, entry in turn_catalogue().items() if name.startswith(SAID)]
    assert any(text in each for each in known), f"{path} writes {text!r}; add it to flywheel/turn_wording.yaml"


def in_korean(text):
    told, language = TurnWords("ko").told(text)
    assert language == "ko", text
    left = re.sub(r"aurc|augrc|site\d|ms|bytes|dawid_skene", "", told)
    assert not re.search(r"[A-Za-z]{2,}", left), told
    return told


@pytest.fixture(scope="module")
def release():
    return mixture_world.released()[1]


def test_every_question_of_many_gates_is_told(release):
    worse = changed(release, noise=1.5)
    limits = Requirements(latency_ms=5.0, model_bytes=1000, coverage_at_risk=CoverageRequirement(0.5, 0.2))
    asking = dataclasses.replace(TASK, requirements=limits)
    margin = dataclasses.replace(TASK, endpoint=dataclasses.replace(TASK.endpoint, margin=0.001))
    test = some_examples(200)
    tiny = np.where(np.arange(200) < 9, "site8", np.where(np.arange(200) < 18, "site9", test.domains)).astype(object)
    bigger = np.where(np.arange(200) < 15, "site8", np.where(np.arange(200) < 30, "site9", test.domains)).astype(object)
    gates = [
        run(release, release),
        run(worse, release, task=margin, largest_shift=0.5),
        run(release, worse, task=asking, latency_ms=4.0),
        run(worse, dataclasses.replace(release, threshold=-math.inf), test=test),
        run(worse, dataclasses.replace(release, threshold=math.inf), test=dataclasses.replace(test, domains=None)),
        run(worse, release, test=dataclasses.replace(test, domains=tiny, stream=np.arange(200) > 120)),
        run(worse, release, test=dataclasses.replace(test, domains=bigger, stream=np.arange(200) < 90)),
    ]
    for found in gates:
        for each in found.questions:
            in_korean(each.sentence)
            assert f"question.{each.name}" in turn_catalogue()
    assert in_korean(f"turn 3: {gates[1].questions[0].sentence}").startswith("3번째 순환: 개선됨: ")


def test_numbers_stay():
    text = "12 of 72 examples are answered wrongly, promised 0.05 (p = 0.01); the release that serves lets 15 through"
    assert in_korean(text).startswith("예제 72개 중 12개에 틀리게 답함, 약속 0.05(p = 0.01); ")
    assert "15개" in in_korean(text)
    assert "n ≥ 1 234" in in_korean(
        "too few examples to tell: n ≥ 1 234: augrc 0.1 → 0.09, change -0.01 (97.5 % interval -0.03 to +0.01), 40 examples"
    )


def answered(*rows):
    return [
        {"item_id": item, "person": person, "verdict": verdict, "label": label, "gold": None}
        for item, person, verdict, label in rows
    ]


def test_why_heads_were_counted_is_told():
    rng = np.random.default_rng(0)
    few = answered(("1", "ann", "relabel", "a"), ("2", "ben", "relabel", "b"))
    many = answered(*(
        (str(item), person, "relabel", str(rng.choice(["a", "b"], p=[0.9, 0.1] if item % 2 else [0.1, 0.9])))
        for item in range(200)
        for person in ("ann", "ben", "cem")
    ))  # fmt: skip
    for rows in (few, many, answered(("1", "ann", "drop", ""))):
        _, people = decide(rows, classes=("a", "b"), several=False, rng=rng)
        in_korean(people.reason)


def test_what_is_not_known_stays_as_it_is():
    assert TurnWords("ko").told("by hand; because") == ("by hand; because", "en")
    assert TurnWords("en").told("none of 3 domains significantly worse")[1] == "en"
