from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.metrics import risk_at_coverage, top_label_calibration_error
from yori.statistics.sorted_cuts import ece_of_weights, risk_of_weights, sort_rows

COVERAGES = (0.1, 0.55, 0.8, 1.0)


def check(confidence: np.ndarray, correct: np.ndarray, unit: np.ndarray, weights: np.ndarray) -> None:
    ascending = sort_rows(confidence, correct, unit, descending=False)
    descending = sort_rows(confidence, correct, unit, descending=True)
    errors = {squared: ece_of_weights(ascending, weights, squared=squared) for squared in (False, True)}
    risks = {coverage: risk_of_weights(descending, weights, coverage) for coverage in COVERAGES}
    for r, row in enumerate(weights):
        drawn = np.repeat(np.arange(len(unit)), row[unit])
        score, right = confidence[drawn], correct[drawn]
        for squared, values in errors.items():
            norm = "l2_squared" if squared else "l1"
            wanted = top_label_calibration_error(score, right, norm=norm) if len(drawn) else math.nan
            assert values[r] == pytest.approx(wanted, abs=1e-13, nan_ok=True)
        for coverage, values in risks.items():
            wanted = risk_at_coverage(score, right, coverage) if len(drawn) else math.nan
            assert values[r] == pytest.approx(wanted, abs=1e-13, nan_ok=True)


@settings(max_examples=80)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 10_000))
def test_equals_the_metric_of_the_rows_written_out(n: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.integers(0, values + 1, n) / values
    units = int(rng.integers(1, n + 1))
    weights = rng.integers(0, 4, (4, units)).astype(np.uint8)
    weights[0] = 0
    check(confidence, rng.random(n) < 0.5, rng.integers(0, units, n), weights)


def test_many_untied_rows() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(3000)
    weights = rng.poisson(1.0, (5, 3000)).astype(np.uint8)
    check(confidence, rng.random(3000) < confidence, np.arange(3000), weights)
