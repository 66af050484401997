from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from yori import metrics
from yori.errors import ValuesError

quick = settings(max_examples=60, deadline=None)

tied_rows = st.lists(st.tuples(st.sampled_from([-1.5, 0.0, 0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=25)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


def points(confidence, correct):
    """(rows, errors) at each distinct confidence, by looking at every row."""
    return [
        (int((confidence >= level).sum()), int((~correct[confidence >= level]).sum()))
        for level in sorted(set(confidence.tolist()), reverse=True)
    ]


def area(confidence, correct):
    """AURC in fractions, straight from the definition."""
    n, total, before = len(correct), Fraction(0), None
    last = 0
    for rows, errors in points(confidence, correct):
        risk = Fraction(errors, rows)
        total += Fraction(rows - last, n) * (risk + (risk if before is None else before)) / 2
        last, before = rows, risk
    return total


def generalised_area(confidence, correct):
    """AUGRC in fractions, from the chance form over all pairs of rows."""
    n = len(correct)
    pairs = sum(
        (Fraction(1) if confidence[j] < confidence[i] else Fraction(1, 2) if confidence[j] == confidence[i] else 0)
        for i in range(n)
        if not correct[i]
        for j in range(n)
    )
    return Fraction(pairs) / n**2


@quick
@given(tied_rows)
def test_areas_equal_the_definition_in_fractions(rows):
    confidence, correct = columns(rows)
    assert metrics.aurc(confidence, correct) == pytest.approx(float(area(confidence, correct)), abs=1e-14)
    assert metrics.augrc(confidence, correct) == float(generalised_area(confidence, correct))


@quick
@given(tied_rows, st.randoms())
def test_row_order_changes_no_bit(rows, random):
    confidence, correct = columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    for area_of in (
        metrics.aurc,
        metrics.augrc,
        metrics.excess_aurc,
        metrics.excess_augrc,
        metrics.mean_selective_risk,
    ):
        assert area_of(confidence[order], correct[order]) == area_of(confidence, correct)


@quick
@given(tied_rows)
def test_only_the_ranking_counts(rows):
    confidence, correct = columns(rows)
    for area_of in (metrics.aurc, metrics.augrc, metrics.excess_aurc):
        assert area_of(np.exp(3 * confidence) - 7, correct) == area_of(confidence, correct)


@quick
@given(tied_rows)
def test_excess_is_never_negative(rows):
    confidence, correct = columns(rows)
    assert metrics.excess_aurc(confidence, correct) >= 0
    assert metrics.excess_augrc(confidence, correct) >= 0


@quick
@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_perfect_ranking_has_no_excess_and_a_worse_one_has(outcomes):
    correct = np.sort(np.array(outcomes))[::-1]
    confidence = np.linspace(1, 0, len(correct))
    assert metrics.excess_aurc(confidence, correct) == 0
    assert metrics.excess_augrc(confidence, correct) == 0
    if correct.any() and not correct.all():
        assert metrics.excess_aurc(-confidence, correct) > 0
        assert metrics.excess_augrc(-confidence, correct) > 0


@quick
@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=6))
def test_mean_form_is_the_mean_over_all_orders_of_tied_rows(rows):
    confidence, correct = columns(rows)
    values = []
    for order in permutations(range(len(rows))):
        if all(confidence[a] >= confidence[b] for a, b in pairwise(order)):
            errors = np.cumsum(~correct[list(order)])
            values.append((errors / np.arange(1, len(rows) + 1)).mean())
    assert metrics.mean_selective_risk(confidence, correct) == pytest.approx(np.mean(values), abs=1e-14)


@quick
@given(tied_rows)
def test_failure_auroc_equals_scikit_learn_and_its_identity_with_augrc(rows):
    confidence, correct = columns(rows)
    if correct.all() or not correct.any():
        with pytest.raises(ValuesError, match="right and wrong rows"):
            metrics.failure_auroc(confidence, correct)
        return
    found, p = metrics.failure_auroc(confidence, correct), float(1 - correct.mean())
    assert found == pytest.approx(roc_auc_score(correct, confidence), abs=1e-12)
    assert metrics.augrc(confidence, correct) == pytest.approx((1 - found) * p * (1 - p) + p**2 / 2, abs=1e-14)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_degenerate_input_has_exact_values(n):
    confidence = np.linspace(0.9, 0.1, n)
    right, wrong, tied = np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.full(n, 0.5)
    assert (metrics.aurc(confidence, right), metrics.augrc(confidence, right)) == (0, 0)
    assert (metrics.aurc(confidence, wrong), metrics.augrc(confidence, wrong)) == (1, 0.5)
    assert (metrics.excess_aurc(confidence, right), metrics.excess_aurc(confidence, wrong)) == (0, 0)
    correct = np.arange(n) > 0
    assert metrics.aurc(tied, correct) == pytest.approx(1 / n, abs=1e-15)
    assert metrics.augrc(tied, correct) == pytest.approx(1 / (2 * n), abs=1e-15)


def test_curve_holds_one_point_per_distinct_confidence():
    rng = np.random.default_rng(0)
    confidence, correct = np.round(rng.normal(size=500), 1), rng.random(500) < 0.7
    curve = metrics.risk_coverage_curve(confidence, correct)
    wanted = points(confidence, correct)
    np.testing.assert_allclose(curve.coverage, [rows / 500 for rows, _ in wanted], atol=1e-15)
    np.testing.assert_allclose(curve.risk, [errors / rows for rows, errors in wanted], atol=1e-15)
    np.testing.assert_allclose(curve.generalised_risk, [errors / 500 for _, errors in wanted], atol=1e-15)
    np.testing.assert_array_equal(curve.threshold, np.unique(confidence)[::-1])


def test_large_input_equals_argsort_and_cumsum():
    rng = np.random.default_rng(1)
    n = 200_000
    confidence = rng.random(n)
    correct = rng.random(n) < confidence
    errors = np.cumsum(~correct[np.argsort(-confidence)])
    risk, coverage = errors / np.arange(1, n + 1), np.arange(1, n + 1) / n
    assert metrics.aurc(confidence, correct) == pytest.approx(np.trapezoid(risk, coverage) + risk[0] / n, abs=1e-13)
    wanted = np.trapezoid(np.append(0, errors / n), np.append(0, coverage))
    assert metrics.augrc(confidence, correct) == pytest.approx(wanted, abs=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ties_of_a_narrow_dtype_are_kept(dtype):
    confidence = np.array([0.1, 0.1, 0.3, 0.3], dtype=dtype)
    correct = np.array([True, False, True, False])
    assert metrics.aurc(confidence, correct) == 0.5
