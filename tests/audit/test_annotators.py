import numpy as np
import pytest

from yori.audit.annotators import Answers, annotator_error_findings, annotator_findings, unknown_answer_findings
from yori.errors import ShapeError


def crowd(*, adversary: bool, seed: int = 0) -> Answers:
    """Five people answer the same 60 questions, right nine times in ten; ``eve`` is wrong three times in four."""
    rng = np.random.default_rng(seed)
    rows = []
    for question in range(60):
        truth = int(rng.integers(0, 3))
        for name in ("ann", "ben", "cho", "dee", "eve"):
            right = rng.random() < (0.25 if adversary and name == "eve" else 0.9)
            rows.append((f"q{question}", name, "xyz"[truth if right else (truth + 1 + int(rng.integers(0, 2))) % 3]))
    return Answers(*zip(*rows, strict=True))


def apart(answers: Answers) -> list[str]:
    return [each.values["annotator"] for each in annotator_findings(answers) if each.code == "annotator_apart"]


def test_the_adversary_is_named_and_nobody_else():
    assert apart(crowd(adversary=True)) == ["eve"]


@pytest.mark.parametrize("seed", range(5))
def test_equally_good_people_are_left_in_peace(seed):
    assert apart(crowd(adversary=False, seed=seed)) == []


def test_split_answers_are_examples_to_look_at():
    answers = Answers(["q"] * 4, list("abcd"), ["x", "x", "y", "z"])
    [found] = [each for each in annotator_findings(answers) if each.code == "answers_split"]
    assert (found.severity, found.values["answers"]) == ("medium", "x × 2, y × 1, z × 1")


def test_nothing_shared_and_one_answer():
    answers = Answers(["p", "q"], ["ann", "ben"], ["x", "y"])
    assert [each.code for each in annotator_findings(answers)] == ["annotator_alone"] * 2
    assert annotator_findings(Answers(["p"], ["ann"], ["x"])) == []
    assert annotator_findings(Answers([], [], [])) == []


def test_the_last_answer_of_a_person_counts():
    answers = Answers(["q", "q", "q"], ["ann", "ben", "ben"], ["x", "y", "x"])
    assert not [each for each in annotator_findings(answers) if each.code == "answers_split"]


def test_careless_annotators_by_their_labels():
    who = ["ann"] * 100 + ["ben"] * 100 + [None] * 20
    wrong = [k % 4 == 0 for k in range(100)] + [k % 50 == 0 for k in range(100)] + [True] * 20
    assert [each.values["annotator"] for each in annotator_error_findings(who, wrong)] == ["ann"]
    assert annotator_error_findings(who[:100], wrong[:100]) == []
    with pytest.raises(ShapeError):
        annotator_error_findings(who, wrong[:3])


def test_columns_of_one_length(unchecked):
    with pytest.raises(ShapeError):
        Answers(["a"], ["b", "c"], ["d"])


def test_answers_about_nothing_that_is_there_are_said():
    answers = Answers(["x", "gone", "lost"], ["ann", "ann", "ben"], ["cat", "cow", "cow;dog"])
    found = {each.code: each for each in unknown_answer_findings(answers, {"x"}, {"cat", "dog"})}
    assert found["answers_no_example"].values == {"n": 2, "examples": "gone, lost"}
    assert found["answers_no_class"].values == {"label": "cow", "n": 2}
    assert unknown_answer_findings(Answers(["x"], ["ann"], ["cat"]), {"x"}, {"cat"}) == []
