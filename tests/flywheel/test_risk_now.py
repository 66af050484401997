from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.flywheel.mixture_world import copied, released

from yori.flywheel.reference import reference_of
from yori.flywheel.risk_now import calibration_now, estimate, labelled_risk, stored_shifts
from yori.shift import KnownShift


def test_counted_errors_agree_with_scipy() -> None:
    agreed = np.array([1.0] * 45 + [0.0] * 5)
    found = labelled_risk(agreed, target=0.05)
    truth = stats.binomtest(5, 50, 0.05, alternative="greater")
    interval = stats.binomtest(5, 50).proportion_ci(0.95, method="exact")
    assert found is not None
    assert (found.rows, found.risk) == (50, 0.1)
    assert found.p_value == pytest.approx(truth.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    clean = labelled_risk(np.ones(30), target=0.05)
    assert clean is not None
    assert (clean.low, clean.p_value) == (0.0, 1.0)
    assert labelled_risk(np.ones(19), target=0.05) is None


def test_domains_left_out_are_computed_once(tmp_path) -> None:
    project, release = copied(tmp_path)
    reference = reference_of(project, release)
    found = stored_shifts(project, reference, answered=False)
    assert [each.domain for each in found] == ["site0", "site1", "site2", "site3"]
    assert stored_shifts(project, reference, answered=False) == found
    assert stored_shifts(project, reference, answered=True) != found


def test_few_answers_are_not_estimated() -> None:
    project, release = released()
    reference = reference_of(project, release)
    options = {"moved": False, "novelty": 0.05, "shifts": tuple}
    assert estimate(reference, np.full(100, 0.1), answered=True, **options) == {}
    assert set(estimate(reference, np.full(100, 0.9), answered=True, **options)) == {"average_confidence", "atc"}
    assert calibration_now(reference, np.full(100, 0.9), np.arange(5), np.ones(5)) is None


def test_without_domains_a_drift_cannot_be_judged() -> None:
    project, release = released()
    reference = reference_of(project, release)
    found = estimate(reference, np.full(100, 0.9), moved=True, novelty=0.1, shifts=tuple, answered=False)
    assert not found["average_confidence"].known
    known = tuple(KnownShift(str(k), 0.1, 0.1 + 0.01 * k, 0.3, 200) for k in range(4))
    found = estimate(reference, np.full(100, 0.9), moved=True, novelty=0.1, shifts=lambda: known, answered=False)
    assert found["average_confidence"].known
    assert not found["atc"].known
