from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import Predictions, compare, equivalent, non_inferior
from yori.statistics.comparison import Comparison


def of(values: np.ndarray) -> Comparison:
    ids = np.arange(len(values))
    before, after = Predictions(ids, loss=np.zeros(len(values))), Predictions(ids, loss=values)
    return compare(before, after, metric="loss", rng=np.random.default_rng(0))


VALUES = np.random.default_rng(0).standard_normal(60) * 0.1 + 0.01


def test_non_inferiority_is_a_one_sided_t_test_against_the_margin() -> None:
    for margin in (0.005, 0.02, 0.05):
        wanted = stats.ttest_1samp(VALUES, margin, alternative="less").pvalue  # a loss may rise by less than the margin
        found = non_inferior(of(VALUES), margin)
        assert found.p_value == pytest.approx(wanted)
        assert found.holds == (wanted <= 0.05)


def test_equivalence_is_two_one_sided_tests() -> None:
    for margin in (0.005, 0.02, 0.05):
        wanted = max(
            stats.ttest_1samp(VALUES, margin, alternative="less").pvalue,
            stats.ttest_1samp(VALUES, -margin, alternative="greater").pvalue,
        )
        assert equivalent(of(VALUES), margin).p_value == pytest.approx(wanted)


@pytest.mark.parametrize("margin", np.linspace(0.001, 0.08, 25).tolist())
def test_equivalence_holds_when_the_ninety_percent_interval_lies_within(margin: float) -> None:
    low, high = stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)
    assert equivalent(of(VALUES), margin).holds == (-margin <= low and high <= margin)


def test_identical_arms_are_equivalent_at_any_margin() -> None:
    assert equivalent(of(np.zeros(10)), 1e-9).p_value == 0.0
    assert non_inferior(of(np.zeros(10)), 1e-9).holds


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan, math.inf])
def test_bad_margins_are_refused(margin: float) -> None:
    with pytest.raises(ValuesError):
        equivalent(of(VALUES), margin)
