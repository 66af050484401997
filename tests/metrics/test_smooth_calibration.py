import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics
from yori.errors import ShapeError, ValuesError


def error_at(confidence, correct, width, cells=20_000):
    """The integral straight from the definition: a mirrored kernel around every row."""
    grid = (np.arange(cells) + 0.5) / cells
    density = np.zeros(cells)
    for f, y in zip(confidence, correct, strict=True):
        centres = np.array([2 * k + sign * f for k in range(-4, 5) for sign in (1, -1)])
        kernel = np.exp(-(((grid[:, None] - centres) / width) ** 2) / 2).sum(axis=1)
        density += (float(y) - f) * kernel / (width * math.sqrt(2 * math.pi) * len(correct))
    return np.abs(density).mean()


@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_the_width_that_equals_its_own_error(seed):
    rng = np.random.default_rng(seed)
    confidence = np.append(rng.beta(4, 2, 30), [0.0, 1.0, 1.0])
    correct = rng.random(33) < confidence**2
    found = metrics.smooth_calibration_error(confidence, correct)
    assert error_at(confidence, correct, found) == pytest.approx(found, abs=1e-6)


def test_all_rows_at_one_confidence_give_the_gap():
    for gap in (0.0, 0.05, 0.3):
        confidence, correct = np.full(100, 0.6), np.arange(100) < round(100 * (0.6 - gap))
        assert metrics.smooth_calibration_error(confidence, correct) == pytest.approx(gap, abs=1e-8)


def test_extremes():
    ones = np.ones(5)
    assert metrics.smooth_calibration_error(ones, np.ones(5, dtype=bool)) == 0
    assert metrics.smooth_calibration_error(ones, np.zeros(5, dtype=bool)) == pytest.approx(1, abs=1e-9)
    assert metrics.smooth_calibration_error(ones[:1] * 0.4, np.array([True])) == pytest.approx(0.6, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.5001, 1.0]), st.booleans()), min_size=1, max_size=20),
    st.randoms(),
)
def test_row_order_does_not_matter_and_the_plug_in_error_bounds_it(rows, random):
    confidence, correct = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    order = list(range(len(rows)))
    random.shuffle(order)
    found = metrics.smooth_calibration_error(confidence, correct)
    assert metrics.smooth_calibration_error(confidence[order], correct[order]) == pytest.approx(found, abs=1e-9)
    # Smoothing can only cancel: never above the error of the distinct confidences, never below the overall gap.
    apart = sum(abs((correct[confidence == level] - level).sum()) for level in np.unique(confidence))
    # A width below one cell of the grid (1/8192) is not resolved.
    assert abs((correct - confidence).sum()) / len(rows) - 1e-6 <= found <= max(apart / len(rows) + 1e-6, 1 / 8192)


def test_moves_continuously_where_bins_jump():
    correct = np.arange(100) < 60
    at, past = np.full(100, 0.5), np.full(100, 0.5 + 1e-9)
    assert metrics.smooth_calibration_error(at, correct) == pytest.approx(
        metrics.smooth_calibration_error(past, correct), abs=1e-7
    )


def test_shrinks_with_rows_for_a_calibrated_model():
    rng = np.random.default_rng(0)
    means = []
    for n in (200, 2000, 20_000):
        values = []
        for _ in range(10):
            confidence = rng.beta(5, 2, n)
            values.append(metrics.smooth_calibration_error(confidence, rng.random(n) < confidence))
        means.append(np.mean(values))
    assert means[0] > 1.5 * means[1] > 2 * means[2] > 0


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        metrics.smooth_calibration_error([], [])
    with pytest.raises(ValuesError, match=r"\[0, 1\]"):
        metrics.smooth_calibration_error([1.5], [True])
