"""From rows of probabilities to the predicted class, its probability, and whether it is right.

A row is divided by its sum only when the sum is off by more than rounding (see `yori.arrays.check_probs`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import ROUNDING, Labels, Probs, check_labels, check_length, check_probs

_BLOCK_VALUES = 40_960
"""Probabilities read at a time, so that a block stays in the cache of one core."""


def top_label(
    probs: Probs, labels: Labels, *, where: str = "top_label"
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the probability of the predicted class and whether that class is the label.

    The predicted class is the most probable one, the lowest index among equals (as ``argmax``).

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.

    Returns
    -------
    confidence, correct
        Shape ``(n,)`` each.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.arrays.check_probs` and `yori.arrays.check_labels`, or if the lengths differ.

    Examples
    --------
    >>> top_label(np.array([[0.7, 0.3], [0.4, 0.6]]), np.array([0, 0]))
    (array([0.7, 0.6]), array([ True, False]))
    """
    array = np.asarray(probs)
    if array.ndim == 2 and array.shape[0] > 0 and array.shape[1] > 1 and array.dtype.kind == "f":
        check_length(np.asarray(labels), len(array), name="labels", where=where)
        classes = check_labels(labels, array.shape[1], where=where)
        found = _top_label_of_clean_rows(array, classes)
        if found is not None:
            return found
    rows = check_probs(array, where=where)
    check_length(np.asarray(labels), len(rows), name="labels", where=where)
    classes = check_labels(labels, rows.shape[1], where=where)
    predicted = rows.argmax(axis=1)
    return rows[np.arange(len(rows)), predicted], predicted == classes


def _top_label_of_clean_rows(
    probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]] | None:
    """Answer `top_label` in one pass over ``probs``, or None if a row needs repair, is refused, or has two top classes.

    Reducing along the short class axis is slow in NumPy; a transposed block in cache makes it a few long vector
    operations.
    """
    n, classes = probs.shape
    confidence, correct = np.empty(n), np.empty(n, dtype=np.bool_)
    step = max(1, _BLOCK_VALUES // classes)
    columns = np.arange(step)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        block = np.ascontiguousarray(probs[rows].T, dtype=np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            largest_deviation = np.abs(block.sum(axis=0) - 1).max()
        if not (largest_deviation <= ROUNDING and block.min() >= 0):  # also when NaN
            return None
        best = block.max(axis=0)
        is_best = block == best
        if np.count_nonzero(is_best) > len(best):
            return None
        confidence[rows] = best
        correct[rows] = is_best[labels[rows], columns[: len(best)]]
    return confidence, correct
