"""Scores of the predicted classes alone: accuracy, balanced accuracy, F1.

Predictions and labels are class indices ``(n,)``; take ``probs.argmax(axis=1)`` for predictions.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from yori.arrays import Labels, check_labels, check_length
from yori.errors import ShapeError, ValuesError


def accuracy(predictions: Labels, labels: Labels) -> float:
    """Part of the rows whose prediction equals the label (higher is better).

    Parameters
    ----------
    predictions, labels
        Shape ``(n,)``. Class indices from 0.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a value is no class index.

    Examples
    --------
    >>> accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
    0.75
    """
    predicted, true, _ = _read(predictions, labels, where="accuracy")
    return float((predicted == true).mean())


def balanced_accuracy(predictions: Labels, labels: Labels) -> float:
    """Mean over the classes that occur among the labels of the part of their rows that is found (higher is better).

    Every class counts the same, however rare. A class without a row has no such part and does not enter.

    Parameters
    ----------
    predictions, labels
        Shape ``(n,)``. Class indices from 0.

    Raises
    ------
    ShapeError, ValuesError
        As `accuracy`.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    0.5
    """
    predicted, true, classes = _read(predictions, labels, where="balanced_accuracy")
    rows = np.bincount(true, minlength=classes)
    found = np.bincount(true[predicted == true], minlength=classes)
    return float((found[rows > 0] / rows[rows > 0]).mean())


def macro_f1(predictions: Labels, labels: Labels) -> float:
    """Mean F1 over the classes that occur among the labels or the predictions (higher is better).

    F1 of a class is ``2 · hits / (rows labelled so + rows predicted so)``. A class that occurs but is never hit counts 0.

    Parameters
    ----------
    predictions, labels
        Shape ``(n,)``. Class indices from 0.

    Raises
    ------
    ShapeError, ValuesError
        As `accuracy`.

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])), 6)
    0.733333
    """
    predicted, true, classes = _read(predictions, labels, where="macro_f1")
    occurs = np.bincount(true, minlength=classes) + np.bincount(predicted, minlength=classes)
    hits = np.bincount(true[predicted == true], minlength=classes)
    return float((2 * hits[occurs > 0] / occurs[occurs > 0]).mean())


def _read(
    predictions: NDArray[np.generic], labels: NDArray[np.generic], *, where: str
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], int]:
    """Return both as int64 and a number of classes that covers them."""
    predicted, true = np.asarray(predictions), np.asarray(labels)
    if predicted.ndim != 1 or len(predicted) == 0:
        raise ShapeError("predictions of shape (n,) with n ≥ 1", f"shape {predicted.shape}", where=where)
    check_length(true, len(predicted), name="labels", where=where)
    most = np.iinfo(np.int32).max
    predicted = check_labels(predicted, most, name="predictions", where=where)
    true = check_labels(true, most, where=where)
    classes = int(max(predicted.max(), true.max())) + 1
    if classes > 100 * (len(true) + 100):
        raise ValuesError(
            "class indices counted from 0", f"the index {classes - 1}", where=where, fix="Encode the classes."
        )
    return predicted, true, classes
