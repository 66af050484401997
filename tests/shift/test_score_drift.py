from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ShapeError
from yori.shift import score_drift


def test_distance_and_p_value_agree_with_scipy(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=80), rng.normal(0.2, 1, size=60)
    truth = stats.ks_2samp(x, y, method="exact")
    found = [score_drift(x, y, permutations=1999, rng=rng) for _ in range(5)]
    assert found[0].statistic == pytest.approx(truth.statistic)
    assert np.mean([each.p_value for each in found]) == pytest.approx(truth.pvalue, rel=0.2)
    assert 0.01 < truth.pvalue < 0.9


def test_ties_enter_together(rng: np.random.Generator) -> None:
    x, y = np.array([1.0, 1.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, 2.0])
    assert score_drift(x, y, permutations=99, rng=rng).statistic == 0.25


def test_false_alarms_keep_their_level_on_tied_scores() -> None:
    rng = np.random.default_rng(2)
    p = np.array(
        [
            score_drift(
                rng.integers(0, 4, 50).astype(float), rng.integers(0, 4, 40).astype(float), permutations=99, rng=rng
            ).p_value
            for _ in range(150)
        ]
    )
    assert (p <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_it_has_no_word_for_nothing(rng: np.random.Generator) -> None:
    with pytest.raises(ShapeError):
        score_drift(np.zeros(0), np.zeros(5), rng=rng)
