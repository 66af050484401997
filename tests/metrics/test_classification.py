import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from yori import metrics
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@quick
@given(pairs)
def test_equal_scikit_learn(rows):
    predictions, labels = np.array([p for p, _ in rows]), np.array([y for _, y in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a prediction is no label
        assert metrics.accuracy(predictions, labels) == pytest.approx(accuracy_score(labels, predictions))
        assert metrics.balanced_accuracy(predictions, labels) == pytest.approx(
            balanced_accuracy_score(labels, predictions)
        )
        assert metrics.macro_f1(predictions, labels) == pytest.approx(
            f1_score(labels, predictions, average="macro", zero_division=0)
        )


@pytest.mark.parametrize("function", [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1])
def test_extremes(function):
    assert function(np.array([2]), np.array([2])) == 1
    assert function(np.array([0]), np.array([2])) == 0
    assert function(np.array([1, 1, 1]), np.array([1, 1, 1])) == 1


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1])
@pytest.mark.parametrize(
    ("predictions", "labels", "error", "message"),
    [
        ([], [], ShapeError, "n ≥ 1"),
        ([0, 1], [0], ShapeError, "2 rows in labels"),
        ([[0.1, 0.9]], [1], ShapeError, "predictions of shape"),
        ([0], [[0]], ShapeError, "labels of shape"),
        ([-1], [0], ValuesError, "predictions in 0"),
        ([0], [-1], ValuesError, "never -1"),
        ([0.5], [0], ValuesError, "whole"),
        (["cat"], ["cat"], ValuesError, "whole"),
        ([0], [1_000_000_000], ValuesError, "Encode the classes"),
    ],
)
def test_bad_input_is_refused(function, predictions, labels, error, message):
    with pytest.raises(error, match=message):
        function(np.asarray(predictions), np.asarray(labels))
