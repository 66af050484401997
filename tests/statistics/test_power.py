from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import minimum_detectable_effect, paired_power
from yori.statistics.power import t_cumulative, t_quantile


def test_power_grows_with_examples_and_falls_with_discordance() -> None:
    by_n = [paired_power(n, delta=0.02, discordance=0.1) for n in (100, 500, 2000, 8000)]
    assert by_n == sorted(by_n)
    assert by_n[-1] > 0.99
    assert paired_power(2000, delta=0.02, discordance=0.2) < paired_power(2000, delta=0.02, discordance=0.1)


def test_no_true_change_is_found_half_of_the_error_rate_in_each_direction() -> None:
    assert paired_power(1000, delta=0.0, discordance=0.1) == pytest.approx(0.025)


def test_power_is_what_a_simulation_finds() -> None:
    n, delta, psi = 600, 0.03, 0.10
    drawn = np.random.default_rng(0).multinomial(n, [(psi + delta) / 2, (psi - delta) / 2, 1 - psi], 20_000)
    gain = (drawn[:, 0] - drawn[:, 1]) / n
    error = np.sqrt(((drawn[:, 0] + drawn[:, 1]) / n - gain**2) / n)
    assert (gain / error > 1.96).mean() == pytest.approx(paired_power(n, delta=delta, discordance=psi), abs=0.02)


def test_when_every_example_changes_the_answer_is_certain() -> None:
    assert paired_power(2, delta=1.0, discordance=1.0) == 0.0
    assert paired_power(5, delta=1.0, discordance=1.0) == 1.0


def test_clusters_cost_power() -> None:
    alone = paired_power(1000, delta=0.03, discordance=0.1)
    assert paired_power(3700, delta=0.03, discordance=0.1, cluster_size=10, icc=0.3) == pytest.approx(alone)


def test_minimum_detectable_effect_is_found_with_the_wanted_power() -> None:
    effect = minimum_detectable_effect(1.0, power=0.9)
    assert stats.norm.sf(1.959964 - effect) == pytest.approx(0.9, abs=1e-6)
    assert minimum_detectable_effect(0.0) == 0.0
    assert minimum_detectable_effect(1.0, df=3) > minimum_detectable_effect(1.0, df=300) > 2.8


@pytest.mark.parametrize("df", [1.0, 2.5, 40.0, math.inf])
def test_t_equals_scipy(df: float) -> None:
    for p in (0.001, 0.3, 0.975):
        assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)
        assert t_cumulative(t_quantile(p, df), df) == pytest.approx(p)


@pytest.mark.parametrize(
    "arguments",
    [
        {"n": 0, "delta": 0.1, "discordance": 0.2},
        {"n": 10, "delta": 0.3, "discordance": 0.2},
        {"n": 10, "delta": 0.0, "discordance": 0.0},
        {"n": 10, "delta": 0.1, "discordance": 1.2},
        {"n": 10, "delta": float("nan"), "discordance": 0.2},
        {"n": 10, "delta": 0.1, "discordance": 0.2, "level": 0.0},
    ],
)
def test_bad_input_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValuesError):
        paired_power(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [-1.0, math.nan, math.inf])
def test_bad_standard_errors_are_refused(error: float) -> None:
    with pytest.raises(ValuesError):
        minimum_detectable_effect(error)
