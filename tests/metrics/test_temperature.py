import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from yori import metrics
from yori.errors import ShapeError, ValuesError


def made(seed, n, classes, scale, true_temperature):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * scale
    chances = np.exp(log_softmax(logits / true_temperature, axis=1)).cumsum(axis=1)
    labels = (chances < rng.random((n, 1))).sum(axis=1).clip(max=classes - 1)
    return logits, labels


def nll(logits, labels, temperature):
    return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("true", [0.2, 1.0, 2.5])
@pytest.mark.parametrize(("n", "classes", "scale"), [(40, 2, 0.3), (300, 3, 1.0), (2000, 10, 5.0), (500, 4, 200.0)])
def test_equals_a_bounded_search(true, n, classes, scale):
    logits, labels = made(0, n, classes, scale, true)
    found = metrics.fit_temperature(logits, labels)
    best = minimize_scalar(
        lambda t: nll(logits, labels, math.exp(t)),
        bounds=np.log([1e-3, 1e3]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert nll(logits, labels, found) <= best.fun + 1e-12
    for aside in (max(found * 0.999, 1e-3), min(found * 1.001, 1e3)):
        assert nll(logits, labels, found) <= nll(logits, labels, aside)


def test_closed_form_of_two_classes():
    logits = np.array([[3.0, 0.0]] * 10)
    labels = np.array([0] * 8 + [1] * 2)
    assert metrics.fit_temperature(logits, labels) == pytest.approx(3 / math.log(4), rel=1e-10)
    found = metrics.fit_sigmoid_temperature(np.full((10, 1), 3.0), (labels == 0)[:, None])
    assert found == pytest.approx(3 / math.log(4), rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-50, 50))
def test_scale_shift_and_row_order(seed, factor, shift):
    logits, labels = made(seed, 60, 3, 1.0, 1.5)
    found = metrics.fit_temperature(logits, labels)
    order = np.random.default_rng(seed).permutation(60)
    assert metrics.fit_temperature(logits[order], labels[order]) == pytest.approx(found, rel=1e-8)
    assert metrics.fit_temperature(logits + shift, labels) == pytest.approx(found, rel=1e-8)
    if 0.01 < found < 100:
        assert metrics.fit_temperature(logits * factor, labels) == pytest.approx(found * factor, rel=1e-8)


def test_a_known_temperature_is_recovered():
    logits, labels = made(1, 50_000, 5, 4.0, 2.0)
    assert metrics.fit_temperature(logits, labels) == pytest.approx(2.0, rel=0.02)


class TestNoMinimumInside:
    def test_separable_rows_give_the_lower_bound(self):
        logits = np.random.default_rng(0).normal(size=(50, 4))
        assert metrics.fit_temperature(logits, logits.argmax(axis=1)) == 1e-3
        assert metrics.fit_sigmoid_temperature(logits, logits > 0) == 1e-3

    def test_labels_against_the_logits_give_the_upper_bound(self):
        logits = np.random.default_rng(0).normal(size=(50, 4))
        assert metrics.fit_temperature(logits, logits.argmin(axis=1)) == 1e3
        assert metrics.fit_sigmoid_temperature(logits, logits < 0) == 1e3

    def test_flat_logits_give_one(self):
        assert metrics.fit_temperature(np.full((5, 3), 7.0), np.array([0, 1, 2, 0, 1])) == 1.0
        assert metrics.fit_sigmoid_temperature(np.zeros((5, 3)), np.eye(5, 3, dtype=int)) == 1.0

    def test_one_row(self):
        assert metrics.fit_temperature(np.array([[2.0, 1.0]]), np.array([0])) == 1e-3
        assert metrics.fit_temperature(np.array([[2.0, 1.0]]), np.array([1])) == 1e3

    @pytest.mark.parametrize("scale", [1e-6, 1e6])
    def test_a_minimum_outside_gives_the_nearer_bound(self, scale):
        logits, labels = made(2, 200, 3, 1.0, 1.0)
        assert metrics.fit_temperature(logits * scale, labels) == (1e-3 if scale < 1 else 1e3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.integers(0, 1)), min_size=1, max_size=12))
def test_any_finite_logits_give_a_temperature_within_bounds(rows):
    logits, labels = np.array([[a, b] for a, b, _ in rows]), np.array([y for *_, y in rows])
    found = metrics.fit_temperature(logits, labels)
    assert 1e-3 <= found <= 1e3
    assert nll(logits, labels, found) <= nll(logits, labels, 1.0) + 1e-9
    assert 1e-3 <= metrics.fit_sigmoid_temperature(logits, labels[:, None] == [0, 1]) <= 1e3


def test_sigmoid_equals_a_bounded_search():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(400, 6)) * 3
    targets = rng.random((400, 6)) < 1 / (1 + np.exp(-logits / 1.7))
    found = metrics.fit_sigmoid_temperature(logits, targets)

    def loss(t):
        return np.logaddexp(0, np.where(targets, -logits, logits) / math.exp(t)).mean()

    best = minimize_scalar(loss, bounds=np.log([1e-3, 1e3]), method="bounded", options={"xatol": 1e-10})
    assert math.log(found) == pytest.approx(best.x, abs=1e-6)


def test_apply_is_a_softmax_and_keeps_the_predicted_class():
    logits, _ = made(4, 100, 5, 3.0, 1.0)
    for temperature in (1e-3, 0.5, 1.0, 3.0, 1e3):
        probs = metrics.apply_temperature(logits, temperature)
        np.testing.assert_allclose(probs, np.exp(log_softmax(logits / temperature, axis=1)), atol=1e-12)
        np.testing.assert_array_equal(probs.argmax(axis=1), logits.argmax(axis=1))


def test_temperature_changes_the_ranking_and_aurc():
    logits, labels = made(5, 2000, 6, 3.0, 2.0)
    correct = logits.argmax(axis=1) == labels
    areas = {t: metrics.aurc(metrics.max_softmax(metrics.apply_temperature(logits, t)), correct) for t in (0.5, 1, 3)}
    assert len(set(areas.values())) == 3


def test_fitting_improves_calibration_on_new_rows():
    logits, labels = made(6, 8000, 5, 6.0, 3.0)
    temperature = metrics.fit_temperature(logits[:4000], labels[:4000])
    before = metrics.expected_calibration_error(metrics.apply_temperature(logits[4000:], 1.0), labels[4000:])
    after = metrics.expected_calibration_error(metrics.apply_temperature(logits[4000:], temperature), labels[4000:])
    assert after < before / 5


@pytest.mark.usefixtures("unchecked")
class TestRefused:
    @pytest.mark.parametrize(
        ("logits", "labels", "error", "message"),
        [
            (np.zeros((0, 3)), [], ShapeError, "n ≥ 1"),
            ([[1.0]], [0], ShapeError, "c ≥ 2"),
            ([1.0, 2.0], [0, 1], ShapeError, "shape"),
            ([[1.0, np.nan]], [0], ValuesError, "row 0"),
            ([[1.0, -np.inf]], [0], ValuesError, "row 0"),
            ([["a", "b"]], [0], ValuesError, "real numbers"),
            ([[1.0, 2.0]], [0, 1], ShapeError, "1 rows in labels"),
            ([[1.0, 2.0]], [2], ValuesError, "0 … 1"),
            ([[1.0, 2.0]], [-1], ValuesError, "never -1"),
        ],
    )
    def test_bad_input(self, logits, labels, error, message):
        for fit in (metrics.fit_temperature, metrics.fit_vector_scaling):
            with pytest.raises(error, match=message):
                fit(np.asarray(logits), np.asarray(labels))

    @pytest.mark.parametrize("temperature", [0, -1, math.inf, math.nan])
    def test_a_temperature_that_is_none(self, temperature):
        with pytest.raises(ValuesError, match="above 0"):
            metrics.apply_temperature(np.zeros((1, 2)), temperature)
        with pytest.raises(ValuesError, match="above 0"):
            metrics.energy(np.zeros((1, 2)), temperature=temperature)

    def test_bad_targets(self):
        with pytest.raises(ShapeError, match=r"shape \(2, 3\)"):
            metrics.fit_sigmoid_temperature(np.zeros((2, 3)), np.zeros((2, 2)))
        with pytest.raises(ValuesError, match="0 and 1"):
            metrics.fit_sigmoid_temperature(np.zeros((1, 2)), np.array([[0.5, 1]]))


def test_float16_logits_are_read():
    logits, labels = made(7, 200, 3, 1.0, 1.5)
    narrow = metrics.fit_temperature(logits.astype(np.float16), labels)
    assert narrow == pytest.approx(metrics.fit_temperature(logits, labels), rel=1e-2)
