from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from yori.shift import energy_distance


def test_it_is_the_definition(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(15, 3)), rng.normal(1, 1, size=(11, 3))
    within = [cdist(a, a).sum() / (len(a) * (len(a) - 1)) for a in (x, y)]
    truth = 2 * cdist(x, y).mean() - sum(within)
    assert energy_distance(x, y, permutations=19, rng=rng).statistic == pytest.approx(truth, rel=1e-5)


def test_it_comes_near_scipy_in_one_dimension(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=1500), rng.normal(1, 2, size=1200)
    found = energy_distance(x[:, None], y[:, None], permutations=1, rng=rng)
    assert found.statistic == pytest.approx(stats.energy_distance(x, y) ** 2, rel=0.02)


def test_false_alarms_keep_their_level_and_drift_is_seen() -> None:
    rng = np.random.default_rng(3)
    quiet = [
        energy_distance(rng.normal(size=(60, 4)), rng.normal(size=(40, 4)), permutations=99, rng=rng).p_value
        for _ in range(100)
    ]
    assert np.mean(np.array(quiet) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)
    assert energy_distance(rng.normal(size=(200, 4)), rng.normal(0.5, 1, (100, 4)), rng=rng).p_value == 0.001


def test_of_many_rows_a_part_is_used_and_groups_stay_whole(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(900, 2)), rng.normal(2, 1, size=(700, 2))
    assert energy_distance(x, y, rows=100, permutations=199, rng=rng).p_value == 0.005
    groups = np.repeat(np.arange(90), 10), np.repeat(np.arange(70), 10)
    grouped = energy_distance(
        x, y, reference_groups=groups[0], sample_groups=groups[1], rows=200, permutations=199, rng=rng
    )
    assert grouped.p_value == 0.005
