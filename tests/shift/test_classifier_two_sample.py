from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from yori.errors import ValuesError
from yori.shift import classifier_two_sample
from yori.shift.classifier_two_sample import _area


def test_the_area_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    scores = rng.integers(0, 8, 60).astype(float)
    sides = rng.random((5, 60)) < 0.4
    truth = [roc_auc_score(row, scores) for row in sides]
    np.testing.assert_allclose(_area(scores)(sides), truth)


def test_false_alarms_keep_their_level() -> None:
    rng = np.random.default_rng(4)
    p = np.array(
        [
            classifier_two_sample(rng.normal(size=(50, 5)), rng.normal(size=(40, 5)), permutations=99, rng=rng).p_value
            for _ in range(80)
        ]
    )
    assert (p <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)


def test_it_knows_which_rows_are_new(rng: np.random.Generator) -> None:
    old = rng.normal(size=(400, 10))
    new = rng.normal(size=(200, 10))
    new[:100, 0] += 4
    found = classifier_two_sample(old, new, permutations=199, rng=rng)
    assert found.p_value <= 0.01
    assert found.auc > 0.65
    assert found.newness.shape == (200,)
    assert found.newness[:100].mean() > 0.9
    assert found.newness[100:].mean() < 0.7


def test_groups_are_not_mistaken_for_drift() -> None:
    rng = np.random.default_rng(8)
    false = 0
    for _ in range(30):
        rows = np.repeat(rng.normal(size=(24, 4)), 8, axis=0) + 0.05 * rng.normal(size=(192, 4))
        groups = np.repeat(np.arange(24), 8)
        found = classifier_two_sample(
            rows[:112], rows[112:], reference_groups=groups[:112], sample_groups=groups[112:], permutations=99, rng=rng
        )
        false += found.p_value <= 0.05
    assert false <= 5


def test_too_few_rows_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValuesError, match="at least two"):
        classifier_two_sample(rng.normal(size=(30, 2)), rng.normal(size=(1, 2)), rng=rng)
    with pytest.raises(ValuesError, match="at least four"):
        classifier_two_sample(rng.normal(size=(30, 2)), rng.normal(size=(3, 2)), rng=rng)
