from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ShapeError, ValuesError
from yori.statistics import mcnemar

pytestmark = pytest.mark.usefixtures("unchecked")


def arms(only_a: int, only_b: int, both: int = 5, neither: int = 3) -> tuple[np.ndarray, np.ndarray]:
    a = np.repeat([True, False, True, False], [only_a, only_b, both, neither])
    b = np.repeat([False, True, True, False], [only_a, only_b, both, neither])
    return a, b


@pytest.mark.parametrize(("b", "c"), [(1, 7), (0, 3), (12, 30), (100, 61), (24, 0), (3, 3), (40, 40)])
def test_exact_is_the_two_sided_binomial_test(b: int, c: int) -> None:
    assert mcnemar(*arms(b, c), method="exact").p_value == pytest.approx(
        stats.binomtest(b, b + c, 0.5).pvalue, rel=1e-10
    )


@pytest.mark.parametrize(("b", "c"), [(1, 7), (0, 3), (12, 30), (100, 61), (24, 0)])
def test_mid_p_counts_half_of_the_observed_outcome(b: int, c: int) -> None:
    few, n = min(b, c), b + c
    wanted = 2 * stats.binom.cdf(few, n, 0.5) - stats.binom.pmf(few, n, 0.5)
    assert mcnemar(*arms(b, c), exact_below=0).p_value == pytest.approx(wanted, rel=1e-10)


def test_published_values() -> None:
    assert mcnemar(*arms(1, 7), method="exact").p_value == pytest.approx(0.0703125)
    assert mcnemar(*arms(1, 7), exact_below=0).p_value == pytest.approx(0.0390625)


def test_few_discordant_examples_are_tested_exactly_and_the_result_says_so() -> None:
    assert mcnemar(*arms(8, 16)).method == "exact"
    assert mcnemar(*arms(8, 17)).method == "mid-p"


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 3), (50, 50)])
def test_equal_counts_give_exactly_one(b: int, c: int, method: str) -> None:
    result = mcnemar(*arms(b, c), method=method)
    assert result.p_value == 1.0
    assert float(result) == 1.0
    assert result.odds == (None if b == 0 else 1.0)


def test_counts_odds_and_symmetry() -> None:
    a, b = arms(10, 30)
    result, swapped = mcnemar(a, b), mcnemar(b, a)
    assert (result.only_a, result.only_b, result.n) == (10, 30, 48)
    assert result.odds == pytest.approx(1 / 3)
    assert result.p_value == swapped.p_value
    assert mcnemar(*arms(4, 0)).odds == float("inf")


def test_a_huge_table_neither_overflows_nor_leaves_the_unit_interval() -> None:
    result = mcnemar(*arms(60_000, 60_900))
    assert result.p_value == pytest.approx(2 * stats.norm.sf(900 / np.sqrt(120_900)), rel=0.01)


def test_zeros_and_ones_and_lists_are_welcome() -> None:
    assert mcnemar([1, 0, 0], [0, 1, 1]).only_b == 2


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (np.array([], dtype=bool), np.array([], dtype=bool), ShapeError),
        (np.ones(3, bool), np.ones(4, bool), ShapeError),
        (np.ones((2, 2), bool), np.ones((2, 2), bool), ShapeError),
        (np.array([0.2, 1.0]), np.ones(2, bool), ValuesError),
        (np.array([np.nan, 1.0]), np.ones(2, bool), ValuesError),
        (np.array(["a", "b"]), np.ones(2, bool), ValuesError),
    ],
)
def test_bad_input_is_refused(a: np.ndarray, b: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error, match="mcnemar"):
        mcnemar(a, b)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValuesError, match="chi"):
        mcnemar(*arms(1, 2), method="chi2")
