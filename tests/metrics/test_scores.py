import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from yori import metrics
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)


def made(seed, n, classes):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.5), n), rng.integers(0, classes, n)


@quick
@given(st.integers(0, 1000), st.integers(1, 50), st.integers(2, 6))
def test_scores_equal_scikit_learn(seed, n, classes):
    probs, labels = made(seed, n, classes)
    known = list(range(classes))
    clipped = np.maximum(probs, 1e-12)
    wanted = -np.log(clipped[np.arange(n), labels]).mean()
    assert metrics.negative_log_likelihood(probs, labels) == pytest.approx(wanted, rel=1e-9)
    if probs.min() > 1e-9:
        assert metrics.negative_log_likelihood(probs, labels) == pytest.approx(log_loss(labels, probs, labels=known))
    one_hot = np.eye(classes)[labels]
    assert metrics.brier_score(probs, labels) == pytest.approx(((probs - one_hot) ** 2).sum(axis=1).mean(), abs=1e-14)
    if classes == 2:
        half = brier_score_loss(labels, probs[:, 1], labels=known)
        assert metrics.brier_score(probs, labels) == pytest.approx(2 * half, abs=1e-12)


@quick
@given(st.integers(0, 1000), st.integers(1, 50))
def test_per_example_values_average_to_the_scores_and_follow_the_rows(seed, n):
    probs, labels = made(seed, n, 3)
    order = np.random.default_rng(seed).permutation(n)
    pairs = {
        metrics.per_example_nll: metrics.negative_log_likelihood,
        metrics.per_example_brier: metrics.brier_score,
        metrics.per_example_error: lambda p, y: 1 - metrics.accuracy(p.argmax(axis=1), y),
    }
    for per_example, score in pairs.items():
        values = per_example(probs, labels)
        assert values.mean() == pytest.approx(score(probs, labels), abs=1e-14)
        assert (values >= 0).all()
        np.testing.assert_array_equal(per_example(probs[order], labels[order]), values[order])


def test_the_clip_is_what_it_says():
    probs, labels = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1, 0])
    assert metrics.per_example_nll(probs, labels).tolist() == [pytest.approx(-math.log(1e-12)), 0]
    assert metrics.per_example_nll(probs, labels, clip=1e-3).tolist() == [pytest.approx(-math.log(1e-3)), 0]
    assert metrics.negative_log_likelihood(probs, labels, clip=0) == math.inf


def test_extremes():
    certain = np.array([[1.0, 0.0]] * 3)
    assert metrics.brier_score(certain, np.array([0, 0, 0])) == 0
    assert metrics.brier_score(certain, np.array([1, 1, 1])) == 2
    assert metrics.negative_log_likelihood(certain, np.array([0, 0, 0])) == 0
    uniform = np.full((4, 5), 0.2)
    assert metrics.negative_log_likelihood(uniform, np.array([0, 1, 2, 3])) == pytest.approx(math.log(5))


@quick
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_brier_parts_add_up_and_ignore_row_order(rows, random):
    confidence, correct = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    parts = metrics.brier_parts(confidence, correct)
    whole = ((confidence - correct) ** 2).mean()
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(whole, abs=1e-14)
    assert min(parts) >= 0
    order = list(range(len(rows)))
    random.shuffle(order)
    assert metrics.brier_parts(confidence[order], correct[order]) == parts


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "function",
    [
        metrics.negative_log_likelihood,
        metrics.brier_score,
        metrics.per_example_nll,
        metrics.per_example_brier,
        metrics.per_example_error,
    ],
)
@pytest.mark.parametrize(
    ("probs", "labels", "error", "message"),
    [
        ([[0.6, 0.6]], [0], ValuesError, "sum of 1.2"),
        ([[np.nan, 1.0]], [0], ValuesError, "finite"),
        (np.zeros((0, 2)), [], ShapeError, "n ≥ 1"),
        ([[1.0]], [0], ShapeError, "c ≥ 2"),
        ([[0.5, 0.5]], [0, 1], ShapeError, "1 rows"),
        ([[0.5, 0.5]], [2], ValuesError, "0 … 1"),
        ([[0.5, 0.5]], [-1], ValuesError, "never -1"),
        ([["a", "b"]], [0], ValuesError, "numeric array"),
    ],
)
def test_bad_input_is_refused(function, probs, labels, error, message):
    with pytest.raises(error, match=message):
        function(np.asarray(probs), np.asarray(labels))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("clip", [-0.1, 1.0, math.nan])
def test_an_impossible_clip_is_refused(clip):
    with pytest.raises(ValuesError, match="clip"):
        metrics.negative_log_likelihood(np.array([[0.5, 0.5]]), np.array([0]), clip=clip)


def test_input_is_not_modified():
    probs, labels = made(0, 20, 3)
    kept = probs.copy()
    for function in (metrics.brier_score, metrics.negative_log_likelihood, metrics.per_example_error):
        function(probs, labels)
    np.testing.assert_array_equal(probs, kept)
