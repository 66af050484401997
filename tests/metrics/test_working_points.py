import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics
from yori.errors import ValuesError

quick = settings(max_examples=60, deadline=None)

tied_rows = st.lists(st.tuples(st.sampled_from([-1.5, 0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=25)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


@quick
@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=6), st.integers(1, 20))
def test_risk_at_coverage_is_the_mean_over_all_orders_of_tied_rows(rows, twentieths):
    confidence, correct = columns(rows)
    taken = -(-twentieths * len(rows) // 20)
    orders = [
        order
        for order in permutations(range(len(rows)))
        if all(confidence[a] >= confidence[b] for a, b in pairwise(order))
    ]
    wanted = np.mean([(~correct[list(order[:taken])]).mean() for order in orders])
    assert metrics.risk_at_coverage(confidence, correct, twentieths / 20) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("coverage", "n", "rows"),
    [
        (0.55, 100, 55),
        (0.1 + 0.2, 10, 3),
        (1 / 3, 12, 4),
        (2 / 3, 12, 8),
        (0.07, 100, 7),
        (0.29, 100, 29),
        (1e-12, 5, 1),
    ]
    + [(k / 997, 997, k) for k in (1, 400, 613, 996)],
)
def test_the_number_of_rows_is_counted_in_integers(coverage, n, rows):
    correct = np.ones(n, dtype=bool)
    correct[rows:] = False
    assert metrics.risk_at_coverage(np.linspace(1, 0, n), correct, coverage) == 0
    correct[rows - 1] = False
    assert metrics.risk_at_coverage(np.linspace(1, 0, n), correct, coverage) == 1 / rows


def test_full_coverage_is_the_error_rate():
    assert metrics.risk_at_coverage(np.array([0.9, 0.9, 0.1]), np.array([True, False, False]), 1.0) == 2 / 3


@quick
@given(tied_rows, st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 1.0]))
def test_coverage_at_risk_is_the_largest_that_a_threshold_reaches(rows, risk):
    confidence, correct = columns(rows)
    reached = [
        (confidence >= level).mean()
        for level in set(confidence.tolist())
        if (~correct[confidence >= level]).mean() <= risk
    ]
    assert metrics.coverage_at_risk(confidence, correct, risk) == pytest.approx(max(reached, default=0.0), abs=1e-15)


@quick
@given(tied_rows, st.sampled_from([0.05, 0.3, 0.5, 0.8, 1.0]))
def test_a_working_point_is_what_its_threshold_does(rows, target):
    confidence, correct = columns(rows)
    for point in (
        metrics.working_point_at_coverage(confidence, correct, target),
        metrics.working_point_at_risk(confidence, correct, target),
    ):
        accepted = confidence >= point.threshold
        assert point.coverage == accepted.mean()
        if accepted.any():
            assert point.risk == pytest.approx((~correct[accepted]).mean(), abs=1e-15)
        else:
            assert math.isnan(point.risk)
            assert point.threshold == math.inf
    assert metrics.working_point_at_coverage(confidence, correct, target).coverage >= target


def test_smallest_coverage_that_is_enough():
    confidence, correct = np.array([0.9, 0.8, 0.8, 0.5]), np.array([True, True, False, True])
    assert metrics.working_point_at_coverage(confidence, correct, 0.25).coverage == 0.25
    assert metrics.working_point_at_coverage(confidence, correct, 0.26).coverage == 0.75


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("coverage", [0, -0.1, 1.1, math.nan, math.inf])
def test_an_impossible_coverage_is_refused(coverage):
    for function in (metrics.risk_at_coverage, metrics.working_point_at_coverage):
        with pytest.raises(ValuesError, match=r"coverage in \(0, 1\]"):
            function(np.array([0.5]), np.array([True]), coverage)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("risk", [-0.1, 1.1, math.nan])
def test_an_impossible_risk_is_refused(risk):
    for function in (metrics.coverage_at_risk, metrics.working_point_at_risk):
        with pytest.raises(ValuesError, match=r"risk in \[0, 1\]"):
            function(np.array([0.5]), np.array([True]), risk)
