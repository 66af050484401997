import math

import numpy as np
import pytest

from yori import metrics
from yori.errors import ShapeError, ValuesError


def made(seed, n=4000):
    rng = np.random.default_rng(seed)
    before = rng.random(n)
    correct_before = rng.random(n) < before
    after = np.clip(before + 0.05, 0, 1)
    correct_after = rng.random(n) < np.clip(before + 0.1, 0, 1)
    return before, correct_before, after, correct_after, rng.integers(0, 2, n), rng.integers(0, 3, n)


def test_each_cell_is_its_own_working_point():
    before, right_before, after, right_after, seeds, domains = made(0)
    found = metrics.alarm_stability(before, right_before, after, right_after, risk=0.1, seeds=seeds, domains=domains)
    assert list(zip(found.domain.tolist(), found.seed.tolist(), strict=True)) == [
        (d, s) for d in range(3) for s in range(2)
    ]
    for k, (domain, seed) in enumerate(zip(found.domain, found.seed, strict=True)):
        rows = (domains == domain) & (seeds == seed)
        old = metrics.working_point_at_risk(before[rows], right_before[rows], 0.1)
        new = metrics.working_point_at_risk(after[rows], right_after[rows], 0.1)
        assert (found.before[k], found.after[k]) == (old.threshold, new.threshold)
        kept = after[rows] >= old.threshold
        assert found.kept_coverage[k] == kept.mean()
        assert found.kept_risk[k] == pytest.approx(1 - right_after[rows][kept].mean())
    assert found.reached.all()
    by_domain = [found.shift[found.domain == d].mean() for d in range(3)]
    assert found.mean_shift == pytest.approx(np.mean(by_domain))
    assert found.largest_shift == np.abs(found.shift).max()
    spread = np.mean([found.after[found.domain == d].std(ddof=1) for d in range(3)])
    assert found.seed_spread[1] == pytest.approx(spread)


def test_nothing_changed_means_no_shift():
    before, right, *_, seeds, domains = made(1)
    found = metrics.alarm_stability(before, right, before, right, risk=0.1, seeds=seeds, domains=domains)
    assert (found.shift == 0).all()
    assert found.mean_shift == 0
    assert found.largest_shift == 0
    assert found.seed_spread[0] == found.seed_spread[1] > 0
    np.testing.assert_array_less(found.kept_risk, 0.1 + 1e-12)


def test_a_shifted_score_shifts_the_threshold_by_as_much():
    before, right, *_ = made(2)
    found = metrics.alarm_stability(before, right, before + 0.25, right, risk=0.1)
    assert found.shift == pytest.approx([0.25])


def test_row_order_does_not_matter():
    columns = made(3)
    order = np.random.default_rng(0).permutation(len(columns[0]))

    def run(rows):
        a, b, c, d, seeds, domains = (column[rows] for column in columns)
        return metrics.alarm_stability(a, b, c, d, risk=0.1, seeds=seeds, domains=domains)

    one, two = run(np.arange(len(order))), run(order)
    for name in ("domain", "seed", "before", "after", "kept_coverage"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_allclose(one.kept_risk, two.kept_risk, atol=1e-15)


def test_a_cell_without_the_target_has_no_shift_and_is_not_averaged():
    confidence = np.array([0.9, 0.8, 0.9, 0.8])
    right = np.array([True, True, False, False])
    domains = np.array(["harbour", "harbour", "open sea", "open sea"])
    found = metrics.alarm_stability(confidence, right, confidence + 0.1, right, risk=0.1, domains=domains)
    assert found.domain.tolist() == ["harbour", "open sea"]
    assert found.before.tolist() == [0.8, math.inf]
    assert found.reached.tolist() == [True, False]
    assert math.isnan(found.shift[1])
    assert math.isnan(found.kept_risk[1])
    assert found.kept_coverage[1] == 0
    assert found.mean_shift == pytest.approx(0.1)
    assert all(math.isnan(value) for value in found.seed_spread)
    nowhere = metrics.alarm_stability(confidence, ~right & right, confidence, right, risk=0.0)
    assert math.isnan(nowhere.mean_shift)
    assert math.isnan(nowhere.largest_shift)


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused():
    rows, right = np.array([0.5, 0.6]), np.array([True, False])
    with pytest.raises(ShapeError, match="2 rows in confidence_after"):
        metrics.alarm_stability(rows, right, rows[:1], right[:1], risk=0.1)
    with pytest.raises(ShapeError, match="2 rows in seeds"):
        metrics.alarm_stability(rows, right, rows, right, risk=0.1, seeds=np.array([0]))
    with pytest.raises(ShapeError, match="domains of shape"):
        metrics.alarm_stability(rows, right, rows, right, risk=0.1, domains=np.array([[0], [1]]))
    with pytest.raises(ValuesError, match="risk in"):
        metrics.alarm_stability(rows, right, rows, right, risk=2)
    with pytest.raises(ValuesError, match="finite"):
        metrics.alarm_stability(np.array([np.nan, 1]), right, rows, right, risk=0.1)
