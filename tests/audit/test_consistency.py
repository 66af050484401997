import numpy as np
import pytest

from yori.audit.annotators import Answers
from yori.audit.consistency import class_consistency, consistency_change
from yori.errors import ValuesError


def rng():
    return np.random.default_rng(0)


def drawn(rate: float, n: int, seed: int) -> Answers:
    """Three people; each says the true one of two classes with a probability."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, n)
    rows = [
        (f"q{k}", f"p{j}", "xy"[int(truth[k] if draw.random() < rate else 1 - truth[k])])
        for k in range(n)
        for j in range(3)
    ]
    return Answers(*zip(*rows, strict=True))


def test_specific_agreement_in_closed_form():
    # Two people: 2·(both) / (2·both + one) for each class.
    answers = Answers([f"q{k}" for k in range(10) for _ in range(2)], ["a", "b"] * 10,
                      ["x", "x"] * 6 + ["x", "y"] * 3 + ["y", "y"])  # fmt: skip
    x, y = class_consistency(answers, rng=rng())
    assert x.agreement == pytest.approx(12 / 15)
    assert y.agreement == pytest.approx(2 / 5)
    assert x.chance == pytest.approx(15 / 20)
    assert (x.examples, y.examples) == (9, 4)
    assert x.low < x.agreement < x.high


def test_chance_is_what_random_answers_reach():
    found = class_consistency(drawn(0.5, 3000, 0), rng=rng())
    assert all(each.agreement == pytest.approx(each.chance, abs=0.03) for each in found)


def test_a_better_guide_shows_and_the_same_one_does_not():
    better = consistency_change(drawn(0.7, 200, 1), drawn(0.95, 200, 2), rng=rng())
    assert [each.verdict for each in better] == ["better", "better"]
    same = consistency_change(drawn(0.8, 200, 3), drawn(0.8, 200, 4), rng=rng())
    assert [each.verdict for each in same] == ["no difference shown"] * 2
    worse = consistency_change(drawn(0.95, 200, 5), drawn(0.7, 200, 6), rng=rng())
    assert worse[0].verdict == "worse"


def test_a_class_of_one_guide_only():
    before = Answers(["q", "q"], ["a", "b"], ["x", "x"])
    after = Answers(["q", "q"], ["a", "b"], ["y", "y"])
    assert {each.verdict for each in consistency_change(before, after, rng=rng())} == {"too few answers"}


def test_refusals():
    with pytest.raises(ValuesError, match="two people"):
        class_consistency(Answers(["q"], ["a"], ["x"]), rng=rng())
    with pytest.raises(ValuesError, match="'z'"):
        class_consistency(Answers(["q", "q"], ["a", "b"], ["z", "x"]), ["x"], rng=rng())
