import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from yori import metrics
from yori.errors import ShapeError, ValuesError
from yori.metrics.thresholds import binomial_upper_bound

quick = settings(max_examples=60, deadline=None)

tied_rows = st.lists(st.tuples(st.sampled_from([-1.0, 0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=200)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


@pytest.mark.parametrize(("errors", "rows"), [(0, 1), (0, 50), (3, 50), (49, 50), (50, 50), (120, 10_000)])
@pytest.mark.parametrize("level", [0.1, 0.001])
def test_bound_is_the_exact_binomial_one(errors, rows, level):
    bound = binomial_upper_bound(errors, rows, level)
    if errors == rows:
        assert bound == 1
        return
    assert binom.cdf(errors, rows, bound) == pytest.approx(level, rel=1e-8)
    assert bound == pytest.approx(beta.ppf(1 - level, errors + 1, rows - errors), rel=1e-10)


def test_no_error_among_n_rows_has_the_closed_form():
    assert binomial_upper_bound(0, 100, 0.05) == pytest.approx(1 - 0.05 ** (1 / 100), rel=1e-12)


@quick
@given(tied_rows, st.sampled_from([0.05, 0.2, 0.5]), st.sampled_from([0.01, 0.1]))
def test_guaranteed_threshold_is_what_it_says(rows, risk, delta):
    confidence, correct = columns(rows)
    found = metrics.guaranteed_threshold(confidence, correct, risk, delta)
    accepted = confidence >= found.threshold
    assert found.coverage == accepted.mean()
    if not accepted.any():
        assert math.isnan(found.risk)
        assert found.threshold == math.inf
        assert found.bound > risk
        return
    assert found.risk == pytest.approx((~correct[accepted]).mean())
    assert found.risk < found.bound <= risk
    tried = max(1, math.ceil(math.log2(len(rows))))
    wanted = binomial_upper_bound(int((~correct[accepted]).sum()), int(accepted.sum()), delta / tried)
    assert found.bound == wanted


@quick
@given(tied_rows, st.sampled_from([0.05, 0.2, 0.5]))
def test_conformal_threshold_is_the_largest_coverage_that_holds(rows, risk):
    confidence, correct = columns(rows)
    found = metrics.conformal_threshold(confidence, correct, risk)
    n = len(rows)
    accepted = confidence >= found.threshold
    assert found.coverage == accepted.mean()
    assert found.risk == pytest.approx((accepted & ~correct).mean())
    holding = [
        (confidence >= level).mean()
        for level in set(confidence.tolist())
        if ((confidence >= level) & ~correct).sum() + 1 <= risk * (n + 1) + 1e-9
    ]
    assert found.coverage == max(holding, default=0.0)
    if accepted.any():
        assert found.bound <= risk


@quick
@given(tied_rows, st.randoms())
def test_row_order_does_not_matter(rows, random):
    confidence, correct = columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    a = metrics.guaranteed_threshold(confidence, correct, 0.3, 0.1)
    b = metrics.guaranteed_threshold(confidence[order], correct[order], 0.3, 0.1)
    assert np.array_equal(a, b, equal_nan=True)
    assert metrics.conformal_threshold(confidence[order], correct[order], 0.3) == metrics.conformal_threshold(
        confidence, correct, 0.3
    )


def drawn(rng, n):
    """Rows whose true selective risk above a threshold t is (1 - t)/2: uniform confidence that is the chance to be right."""
    confidence = rng.random(n)
    return confidence, rng.random(n) < confidence


def true_selective_risk(threshold):
    return 0.0 if threshold > 1 else (1 - max(threshold, 0.0)) / 2


def test_the_guarantee_holds_on_new_rows_and_the_working_point_does_not():
    rng = np.random.default_rng(0)
    broken = plain = answered = 0
    for _ in range(1000):
        rows = drawn(rng, 1000)
        found = metrics.guaranteed_threshold(*rows, risk=0.2, delta=0.1)
        broken += true_selective_risk(found.threshold) > 0.2
        answered += found.coverage > 0
        plain += true_selective_risk(metrics.working_point_at_risk(*rows, 0.2).threshold) > 0.2
    assert broken <= 100 + 3 * math.sqrt(1000 * 0.1 * 0.9)
    assert answered > 990
    assert plain > 400


def test_conformal_risk_is_met_on_average_and_not_by_much():
    rng = np.random.default_rng(1)
    risks = []
    for _ in range(4000):
        found = metrics.conformal_threshold(*drawn(rng, 99), risk=0.1)
        kept = 1 - min(found.threshold, 1.0)
        risks.append(kept**2 / 2)  # chance of being answered and wrong
    error = np.std(risks) / math.sqrt(len(risks))
    assert np.mean(risks) <= 0.1 + 4 * error
    assert np.mean(risks) >= 0.1 - 1 / 100 - 4 * error  # theorem 2: at most 2/(n + 1) below


def test_too_few_rows_answer_nothing():
    confidence, correct = np.array([0.9, 0.8, 0.7]), np.array([True] * 3)
    found = metrics.guaranteed_threshold(confidence, correct, 0.05, 0.05)
    assert (found.threshold, found.coverage) == (math.inf, 0.0)
    assert found.bound > 0.05
    assert metrics.conformal_threshold(confidence, correct, 0.2) == (math.inf, 0.0, 0.0, 0.25)


def test_all_right_and_all_wrong():
    confidence = np.linspace(1, 0, 500)
    right = metrics.guaranteed_threshold(confidence, np.ones(500, dtype=bool), 0.05, 0.05)
    assert (right.coverage, right.risk) == (1.0, 0.0)
    wrong = metrics.guaranteed_threshold(confidence, np.zeros(500, dtype=bool), 0.05, 0.05)
    assert wrong.coverage == 0
    assert wrong.bound == 1
    assert metrics.guaranteed_threshold(np.array([0.5]), np.array([True]), 0.99, 0.5).coverage == 1.0


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("bad", [0, 1, -0.1, math.nan])
def test_impossible_targets_are_refused(bad):
    rows = np.array([0.5]), np.array([True])
    with pytest.raises(ValuesError, match="risk between"):
        metrics.guaranteed_threshold(*rows, bad, 0.1)
    with pytest.raises(ValuesError, match="delta between"):
        metrics.guaranteed_threshold(*rows, 0.1, bad)
    with pytest.raises(ValuesError, match="risk between"):
        metrics.conformal_threshold(*rows, bad)
    with pytest.raises(ShapeError):
        metrics.guaranteed_threshold(np.array([]), np.array([]), 0.1, 0.1)
