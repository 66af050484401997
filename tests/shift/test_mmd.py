from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from yori.errors import ValuesError
from yori.shift import mmd
from yori.shift.mmd import median_distance, squared_distances


def brute_force(x: np.ndarray, y: np.ndarray, width: float) -> float:
    """Unbiased MMD², term by term."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-((a - b) ** 2).sum() / (2 * width**2)))

    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return xx + yy - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_it_is_the_definition(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(12, 3)), rng.normal(0.5, 1, size=(9, 3))
    found = mmd(x, y, bandwidth=1.3, permutations=19, rng=rng)
    assert found.statistic == pytest.approx(brute_force(x, y, 1.3), abs=1e-6)


def test_random_features_come_near_the_kernel(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(400, 5)), rng.normal(0.7, 1, size=(300, 5))
    whole = mmd(x, y, bandwidth=3.0, permutations=19, rng=rng)
    features = mmd(x, y, bandwidth=3.0, permutations=19, exact_rows=0, rng=rng)
    assert features.statistic == pytest.approx(whole.statistic, rel=0.25)


@pytest.mark.parametrize("exact_rows", [4000, 0])
def test_false_alarms_keep_their_level_and_drift_is_seen(exact_rows: int) -> None:
    rng = np.random.default_rng(3)
    quiet = [
        mmd(rng.normal(size=(60, 4)), rng.normal(size=(40, 4)), permutations=99, exact_rows=exact_rows, rng=rng).p_value
        for _ in range(100)
    ]
    assert np.mean(np.array(quiet) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)
    moved = mmd(
        rng.normal(size=(200, 4)), rng.normal(0.5, 1, (100, 4)), permutations=499, exact_rows=exact_rows, rng=rng
    )
    assert moved.p_value == 0.002


def test_it_sees_a_change_of_spread_that_leaves_the_mean(rng: np.random.Generator) -> None:
    assert mmd(rng.normal(size=(300, 2)), rng.normal(0, 2, (300, 2)), permutations=199, rng=rng).p_value == 0.005


def test_distances_agree_with_scipy(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(30, 6))
    np.testing.assert_allclose(squared_distances(x, y), cdist(x, y, "sqeuclidean"), rtol=1e-10)
    both = np.concatenate([x, y])
    upper = cdist(both, both)[np.triu_indices(50, 1)]
    assert median_distance(both, rng=rng) == pytest.approx(np.median(upper))
    assert median_distance(np.ones((5, 2)), rng=rng) == 1.0


def test_input_is_not_changed_and_the_seed_decides(rng: np.random.Generator) -> None:
    x, y = rng.normal(3, 1, size=(30, 3)).astype(np.float32), rng.normal(3, 1, size=(20, 3)).astype(np.float32)
    copies = x.copy(), y.copy()
    first = mmd(x, y, permutations=99, rng=np.random.default_rng(1))
    assert first == mmd(x, y, permutations=99, rng=np.random.default_rng(1))
    assert (x == copies[0]).all()
    assert (y == copies[1]).all()


def test_rows_that_are_all_alike_are_no_drift(rng: np.random.Generator) -> None:
    assert mmd(np.ones((9, 2)), np.ones((5, 2)), permutations=99, rng=rng).p_value == 1.0


def test_bad_input_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValuesError, match="bandwidth above 0"):
        mmd(np.ones((4, 2)), np.ones((4, 2)), bandwidth=0.0, rng=rng)
