import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics
from yori.arrays import check_probs
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)


@quick
@given(st.integers(1, 400), st.integers(2, 12), st.integers(0, 1000))
def test_top_label_is_max_and_argmax(n, classes, seed):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(classes, 0.3), n)
    probs[rng.random(n) < 0.1] = 1 / classes  # rows with several top classes
    labels = rng.integers(0, classes, n)
    confidence, correct = metrics.top_label(probs, labels)
    np.testing.assert_array_equal(confidence, probs.max(axis=1))
    np.testing.assert_array_equal(correct, probs.argmax(axis=1) == labels)


def test_more_rows_than_a_block():
    rng = np.random.default_rng(0)
    probs, labels = rng.dirichlet(np.ones(9), 50_001), rng.integers(0, 9, 50_001)
    confidence, correct = metrics.top_label(probs, labels)
    np.testing.assert_array_equal(confidence, probs.max(axis=1))
    np.testing.assert_array_equal(correct, probs.argmax(axis=1) == labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_rows_are_divided_by_their_sum(dtype):
    rng = np.random.default_rng(1)
    probs = rng.dirichlet(np.ones(5), 100).astype(dtype)
    labels = rng.integers(0, 5, 100)
    wide = probs.astype(np.float64)
    confidence, correct = metrics.top_label(probs, labels)
    np.testing.assert_allclose(confidence, wide.max(axis=1) / wide.sum(axis=1), atol=1e-8)
    np.testing.assert_array_equal(correct, probs.argmax(axis=1) == labels)


def test_equal_rows_stay_equal_when_others_are_repaired():
    probs = np.array([[0.83, 0.085, 0.085], [0.085, 0.83, 0.085], [0.085, 0.085, 0.83], [0.50001, 0.25, 0.25]])
    assert len(np.unique(probs[:3].sum(axis=1))) > 1  # rounding in the sum must not separate them
    confidence, _ = metrics.top_label(probs, np.zeros(4, dtype=int))
    assert confidence[:3].tolist() == [0.83, 0.83, 0.83]
    np.testing.assert_allclose(check_probs(probs, where="here").sum(axis=1), 1, atol=1e-9)


def test_input_is_not_modified():
    probs, labels = np.array([[0.50001, 0.5], [0.2, 0.8]]), np.array([0, 1])
    kept = probs.copy()
    metrics.top_label(probs, labels)
    np.testing.assert_array_equal(probs, kept)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("rows", [1, 30_000])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.6, 0.6], r"sum of 1.2 in row"),
        ([np.nan, 0.5], "finite"),
        ([np.inf, 0.5], "finite"),
        ([np.inf, -np.inf], "finite"),
        ([1.5, -0.5], "≥ 0"),
    ],
)
def test_a_bad_row_anywhere_is_named(bad, message, rows):
    probs = np.full((rows, 2), 0.5)
    probs[-1] = bad
    with pytest.raises(ValuesError, match=f"{message}.*{rows - 1}"):
        metrics.top_label(probs, np.zeros(rows, dtype=int))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("probs", "labels", "error"),
    [
        (np.zeros((0, 2)), np.zeros(0), ShapeError),
        ([[1.0]], [0], ShapeError),
        ([0.5, 0.5], [0], ShapeError),
        ([[0.5, 0.5]], [[0]], ShapeError),
        ([[0.5, 0.5]], [0, 1], ShapeError),
        ([[0.5, 0.5]], [2], ValuesError),
        ([[0.5, 0.5]], [0.5], ValuesError),
        ([[1, 0]], [3], ValuesError),
        ([["a", "b"]], [0], ValuesError),
        ([[None, None]], [0], ValuesError),
    ],
)
def test_bad_input_is_a_sentence(probs, labels, error):
    with pytest.raises(error):
        metrics.top_label(np.asarray(probs), np.asarray(labels))


@pytest.mark.usefixtures("unchecked")
def test_whole_numbers_are_probabilities_too():
    confidence, correct = metrics.top_label([[1, 0], [0, 1]], [0, 0])
    assert confidence.tolist() == [1, 1]
    assert correct.tolist() == [True, False]
