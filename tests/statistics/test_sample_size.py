from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import minimum_detectable_effect, paired_power, sample_size, settling_size


def test_one_accuracy_within_one_point() -> None:
    assert sample_size(accuracy=0.8, half_width=0.01) == 6147
    assert sample_size(accuracy=0.8, half_width=0.02) == 1537
    assert sample_size(accuracy=0.8, half_width=0.01, interval="wilson") == 6145


def test_wilson_size_is_the_smallest_that_is_narrow_enough() -> None:
    def half(n: int) -> float:
        found = stats.binomtest(round(0.8 * n), n).proportion_ci(method="wilson")
        return (found.high - found.low) / 2

    n = sample_size(accuracy=0.8, half_width=0.05, interval="wilson")
    assert n % 5 == 0 or half(5 * math.ceil(n / 5)) <= 0.05
    assert half(5 * (n // 5 - 1)) > 0.05


@pytest.mark.parametrize(
    ("delta", "discordance", "n"), [(0.01, 0.05, 3923), (0.01, 0.10, 7847), (0.01, 0.20, 15696), (0.02, 0.10, 1960)]
)
def test_paired_sizes(delta: float, discordance: float, n: int) -> None:
    assert sample_size(delta=delta, discordance=discordance) == n
    assert sample_size(delta=-delta, discordance=discordance) == n
    assert paired_power(n, delta=delta, discordance=discordance) >= 0.8
    assert paired_power(n - 1, delta=delta, discordance=discordance) < 0.8


def test_unpaired_size_per_arm() -> None:
    assert sample_size(delta=0.01, accuracy=0.8) == 24638


def test_clusters_multiply_by_the_design_effect() -> None:
    alone = sample_size(delta=0.02, discordance=0.1)
    assert sample_size(delta=0.02, discordance=0.1, cluster_size=10, icc=0.3) == pytest.approx(3.7 * alone, rel=1e-3)
    assert sample_size(delta=0.02, discordance=0.1, cluster_size=10, icc=0.0) == alone


def test_the_planned_power_is_found_when_simulated() -> None:
    rng = np.random.default_rng(0)
    delta, discordance = 0.04, 0.12
    n = sample_size(delta=delta, discordance=discordance)
    repaired = rng.multinomial(n, [(discordance + delta) / 2, (discordance - delta) / 2, 1 - discordance], 20_000)
    gain = (repaired[:, 0] - repaired[:, 1]) / n
    error = np.sqrt(((repaired[:, 0] + repaired[:, 1]) / n - gain**2) / n)
    assert (gain / error > 1.959964).mean() == pytest.approx(0.8, abs=0.02)


def test_settling_size_inverts_the_detectable_effect() -> None:
    error = 0.013
    n = settling_size(500, error, 0.02)
    assert minimum_detectable_effect(error * math.sqrt(500 / n)) <= 0.02
    assert minimum_detectable_effect(error * math.sqrt(500 / (n - 1))) > 0.02


def test_settling_size_agrees_with_planning_when_the_pilot_is_typical() -> None:
    delta, discordance, n = 0.02, 0.10, 400
    error = math.sqrt((discordance - delta**2) / n)
    assert settling_size(n, error, delta) == pytest.approx(sample_size(delta=delta, discordance=discordance), rel=0.01)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"accuracy": 0.8},
        {"delta": 0.01},
        {"accuracy": 0.8, "half_width": 0.01, "delta": 0.1},
        {"accuracy": 1.0, "half_width": 0.01},
        {"accuracy": 0.8, "half_width": 0.0},
        {"accuracy": 0.8, "half_width": 0.01, "interval": "exact"},
        {"delta": 0.2, "discordance": 0.1},
        {"delta": 0.0, "discordance": 0.1},
        {"delta": 0.0, "accuracy": 0.8},
        {"delta": 0.3, "accuracy": 0.8},
        {"delta": float("nan"), "discordance": 0.1},
        {"delta": 0.01, "discordance": 0.1, "power": 1.0},
        {"delta": 0.01, "discordance": 0.1, "level": 95.0},
        {"delta": 0.01, "discordance": 0.1, "cluster_size": 0.0},
    ],
)
def test_bad_questions_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValuesError):
        sample_size(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n", "error", "distance"), [(0, 0.1, 0.1), (10, 0.1, 0.0), (10, -0.1, 0.1), (10, 0.1, math.nan)]
)
def test_bad_pilots_are_refused(n: int, error: float, distance: float) -> None:
    with pytest.raises(ValuesError):
        settling_size(n, error, distance)
