from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ShapeError
from yori.shift import class_mix_drift


def test_two_categories_agree_with_fisher(rng: np.random.Generator) -> None:
    x, y = np.arange(60) < 12, np.arange(40) < 16
    truth = stats.fisher_exact([[12, 48], [16, 24]]).pvalue
    found = [class_mix_drift(x, y, permutations=1999, rng=rng) for _ in range(5)]
    assert found[0].statistic == pytest.approx(0.2)
    # Fisher orders tables by probability, this by distance from the margins' share: near, not equal.
    assert np.mean([each.p_value for each in found]) == pytest.approx(truth, rel=0.5)


def test_a_new_category_counts(rng: np.random.Generator) -> None:
    found = class_mix_drift(np.array(["a", "b"] * 50), np.array(["a", "b", "c", "c"] * 20), permutations=199, rng=rng)
    assert (found.statistic, found.p_value) == (0.5, 0.005)


def test_false_alarms_keep_their_level() -> None:
    rng = np.random.default_rng(6)
    p = np.array(
        [
            class_mix_drift(rng.integers(0, 5, 60), rng.integers(0, 5, 50), permutations=99, rng=rng).p_value
            for _ in range(150)
        ]
    )
    assert (p <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_nothing_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ShapeError):
        class_mix_drift(np.array([], dtype=int), np.array([1, 2]), rng=rng)
