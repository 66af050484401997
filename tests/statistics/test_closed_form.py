from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ShapeError, ValuesError
from yori.statistics import clustered_standard_error
from yori.statistics.closed_form import spreadless_interval, t_interval


def test_without_clusters_it_is_the_usual_standard_error() -> None:
    x = np.random.default_rng(0).standard_normal(50)
    assert clustered_standard_error(x) == (pytest.approx(stats.sem(x)), 50)


def test_clusters_of_equal_size_are_their_means() -> None:
    x = np.random.default_rng(1).standard_normal((30, 4))
    error, clusters = clustered_standard_error(x.ravel(), np.repeat(np.arange(30), 4))
    assert error == pytest.approx(stats.sem(x.mean(axis=1)))
    assert clusters == 30


def test_copies_of_rows_in_one_cluster_add_nothing() -> None:
    x = np.random.default_rng(2).standard_normal(20)
    assert clustered_standard_error(np.repeat(x, 5), np.repeat(np.arange(20), 5))[0] == pytest.approx(stats.sem(x))


def test_interval_and_p_value_are_those_of_the_t_test() -> None:
    x = np.random.default_rng(3).standard_normal(15) + 0.3
    wanted = stats.ttest_1samp(x, 0.0)
    found = t_interval(float(x.mean()), float(stats.sem(x)), 14, 0.9)
    assert found.p_value == pytest.approx(wanted.pvalue)
    low, high = wanted.confidence_interval(0.9)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_no_change_and_no_spread_is_p_one() -> None:
    found = t_interval(0.0, 0.0, 10, 0.95)
    assert (found.low, found.high, found.p_value) == (0.0, 0.0, 1.0)


def test_a_change_without_spread_is_not_certain() -> None:
    found = spreadless_interval(1.0, 10, 0.95)
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    assert found.p_value == pytest.approx(2 / 2**10)
    assert spreadless_interval(1.0, 1000, 0.95).low > 0.99
    half = found.standard_error * stats.t.ppf(0.975, found.degrees_of_freedom)
    assert found.high - found.low == pytest.approx(2 * half)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("values", "clusters", "error"),
    [
        ([], None, ShapeError),
        ([1.0], None, ValuesError),
        ([1.0, 2.0], [0, 0], ValuesError),
        ([1.0, 2.0], [0], ShapeError),
        ([1.0, np.nan], None, ValuesError),
    ],
)
def test_bad_input_is_refused(values: list[float], clusters: list[int] | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        clustered_standard_error(values, clusters)  # type: ignore[arg-type]
