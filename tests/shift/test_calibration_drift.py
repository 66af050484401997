from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.shift import calibration_drift


def test_values_are_means(rng: np.random.Generator) -> None:
    confidence, right = np.array([0.9, 0.8, 0.7]), np.array([True, False, False])
    found = calibration_drift(confidence, right, np.array([0.6, 0.8]), np.array([True, True]))
    assert found.overconfidence == pytest.approx(0.8 - 1 / 3)
    assert found.reference_overconfidence == pytest.approx(-0.3)
    assert found.difference == pytest.approx(0.8 - 1 / 3 + 0.3)
    assert found.low < found.difference < found.high
    assert found.rows == 3


def test_size_and_coverage() -> None:
    rng = np.random.default_rng(0)
    p, inside = [], []
    for _ in range(400):
        old, new = rng.beta(6, 2, 400), rng.beta(6, 2, 100)
        found = calibration_drift(new, rng.random(100) < new - 0.1, old, rng.random(400) < old)
        inside.append(found.low <= 0.1 <= found.high)
        p.append(calibration_drift(new, rng.random(100) < new, old, rng.random(400) < old).p_value)
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_rows_of_one_group_count_once() -> None:
    rng = np.random.default_rng(1)
    confidence = np.full(200, 0.8)
    right = np.repeat(rng.random(20) < 0.6, 10)
    alone = calibration_drift(confidence, right, confidence, np.arange(200) % 5 > 0)
    whole = calibration_drift(
        confidence, right, confidence, np.arange(200) % 5 > 0, groups=np.repeat(np.arange(20), 10)
    )
    assert whole.high - whole.low > 2 * (alone.high - alone.low)


def test_one_row_says_nothing_about_spread() -> None:
    with pytest.raises(ValuesError, match="at least two"):
        calibration_drift(np.array([0.5]), np.array([True]), np.array([0.5, 0.6]), np.array([True, False]))
