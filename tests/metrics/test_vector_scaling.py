import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax

from yori import metrics
from yori.errors import ValuesError


def made(seed, n, classes, scale=2.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * scale
    bent = logits * rng.uniform(0.3, 1.5, classes) + rng.normal(size=classes)
    chances = np.exp(log_softmax(bent, axis=1)).cumsum(axis=1)
    return logits, (chances < rng.random((n, 1))).sum(axis=1).clip(max=classes - 1)


def objective(parameters, logits, labels, l2):
    classes = logits.shape[1]
    scale, shift = parameters[:classes], parameters[classes:]
    fit = -log_softmax(logits * scale + shift, axis=1)[np.arange(len(labels)), labels].mean()
    return fit + l2 / 2 * (((scale - 1) ** 2).sum() + (shift**2).sum())


@pytest.mark.parametrize(("n", "classes", "l2"), [(30, 2, 1e-3), (500, 3, 1e-3), (500, 7, 1e-6), (60, 5, 0.5)])
def test_is_the_minimum(n, classes, l2):
    logits, labels = made(0, n, classes)
    found = metrics.fit_vector_scaling(logits, labels, l2=l2)
    at = np.concatenate([found.scale, found.shift])
    start = np.concatenate([np.ones(classes), np.zeros(classes)])
    best = minimize(objective, start, args=(logits, labels, l2), method="BFGS", options={"gtol": 1e-9})
    assert objective(at, logits, labels, l2) <= best.fun + 1e-12
    rng = np.random.default_rng(1)
    for _ in range(20):
        aside = at + rng.normal(size=len(at)) * 1e-3
        assert objective(aside, logits, labels, l2) > objective(at, logits, labels, l2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1.0, 1e3]), st.sampled_from([1e-6, 1e-3, 1.0]))
def test_converges_on_separable_rows_of_any_size(seed, scale, l2):
    logits = np.random.default_rng(seed).normal(size=(20, 3)) * scale
    for labels in (logits.argmax(axis=1), logits.argmin(axis=1), np.zeros(20, dtype=int)):
        found = metrics.fit_vector_scaling(logits, labels, l2=l2)
        assert np.isfinite(found.scale).all()
        assert np.isfinite(found.shift).all()


def test_repairs_what_a_temperature_cannot():
    logits, labels = made(2, 6000, 4)
    fit, new = slice(0, 3000), slice(3000, None)
    temperature = metrics.fit_temperature(logits[fit], labels[fit])
    scaled = metrics.fit_vector_scaling(logits[fit], labels[fit]).apply(logits[new])
    by_temperature = metrics.negative_log_likelihood(metrics.apply_temperature(logits[new], temperature), labels[new])
    by_vector = metrics.negative_log_likelihood(metrics.apply_temperature(scaled, 1.0), labels[new])
    assert by_vector < by_temperature - 0.05


def test_is_the_same_every_time_and_leaves_input_alone():
    logits, labels = made(3, 100, 3)
    kept = logits.copy()
    a, b = metrics.fit_vector_scaling(logits, labels), metrics.fit_vector_scaling(logits, labels)
    np.testing.assert_array_equal(a.scale, b.scale)
    np.testing.assert_array_equal(a.shift, b.shift)
    np.testing.assert_array_equal(logits, kept)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("l2", [0, -1, float("nan"), float("inf")])
def test_a_ridge_is_needed(l2):
    with pytest.raises(ValuesError, match="l2 above 0"):
        metrics.fit_vector_scaling(np.zeros((2, 2)), np.array([0, 1]), l2=l2)
