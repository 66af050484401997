from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.statistics.domains import hierarchical_interval, spread_over_domains, t_over_domains


def test_t_over_domains_is_the_t_test() -> None:
    deltas = np.array([0.01, 0.03, -0.01, 0.02])
    wanted = stats.ttest_1samp(deltas, 0)
    found = t_over_domains(deltas, 0.95, within=0.5)
    low, high = wanted.confidence_interval(0.95)
    assert (found.low, found.high, found.p_value) == tuple(pytest.approx(x) for x in (low, high, wanted.pvalue))


def test_alike_domains_fall_back_to_the_spread_within() -> None:
    found = t_over_domains(np.full(3, 0.02), 0.95, within=0.01)
    assert found.standard_error == 0.01
    assert found.p_value > 0.05
    assert spread_over_domains(np.zeros(4), within=0.0) == 0.0


def test_symmetric_replicates_give_the_t_interval() -> None:
    rng = np.random.default_rng(0)
    deltas = rng.standard_normal(10) * 0.02 + 0.01
    replicates = deltas.mean() + 0.5 * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found, wanted = hierarchical_interval(deltas, replicates, 0.95, 0.0), t_over_domains(deltas, 0.95, 0.0)
    assert found.low == pytest.approx(wanted.low, rel=0.01)
    assert found.high == pytest.approx(wanted.high, rel=0.01)
    assert found.p_value == pytest.approx(wanted.p_value, rel=0.02)


def test_skewed_replicates_give_a_skewed_interval() -> None:
    rng = np.random.default_rng(1)
    deltas = rng.standard_normal(9) * 0.01
    found = hierarchical_interval(deltas, rng.exponential(size=5000), 0.95, 0.0)
    assert found.high - deltas.mean() > 1.5 * (deltas.mean() - found.low)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_the_p_value_is_the_level_at_which_the_interval_touches_zero(level: float) -> None:
    rng = np.random.default_rng(2)
    deltas = rng.standard_normal(12) * 0.01
    replicates = rng.gamma(4, size=2000)
    end = hierarchical_interval(deltas, replicates, level, 0.0)
    for shift in (end.low, end.high):
        moved = hierarchical_interval(deltas - shift, replicates, 0.95, 0.0)
        assert moved.p_value == pytest.approx(1 - level, rel=1e-6)


def test_no_spread_at_all() -> None:
    found = hierarchical_interval(np.zeros(8), np.zeros(100), 0.95, 0.0)
    assert (found.low, found.high, found.p_value) == (0.0, 0.0, 1.0)
