"""The pair every reliability number starts from: how sure the model was, and whether it was right.

``confidence`` is any real score, higher means more trusted; ``correct`` is true where the prediction equals the label.
One row is one example. What cannot be such a pair is refused here, once, for the whole package.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from yori.arrays import check_finite, check_length
from yori.errors import ShapeError, ValuesError


def check_outcomes(
    confidence: NDArray[np.generic], correct: NDArray[np.generic], *, where: str
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the pair as float64 and bool arrays of one length, or raise.

    The arrays handed over are never written to; float64 and bool input is passed through without a copy.

    Raises
    ------
    ShapeError
        If ``confidence`` is not ``(n,)`` with ``n ≥ 1``, or the lengths differ.
    ValuesError
        If a confidence is not a finite real number, or ``correct`` holds anything but true and false (0 and 1).

    Examples
    --------
    >>> check_outcomes(np.array([0.9, 0.4]), np.array([1, 0]), where="here")
    (array([0.9, 0.4]), array([ True, False]))
    """
    scores, right = np.asarray(confidence), np.asarray(correct)
    if scores.ndim != 1 or len(scores) == 0:
        raise ShapeError("confidence of shape (n,) with n ≥ 1", f"shape {scores.shape}", where=where)
    if right.ndim != 1:
        raise ShapeError("correct of shape (n,)", f"shape {right.shape}", where=where)
    check_length(right, len(scores), name="correct", where=where)
    if scores.dtype.kind not in "fiu":
        raise ValuesError("confidence as real numbers", f"dtype {scores.dtype}", where=where)
    check_finite(scores, name="confidence", where=where)
    if right.dtype.kind != "b":
        if right.dtype.kind not in "fiu" or not ((right == 0) | (right == 1)).all():
            raise ValuesError(
                "correct as true and false",
                f"other values of dtype {right.dtype}",
                where=where,
                fix="Pass predictions == labels.",
            )
        right = right.astype(np.bool_)
    return scores.astype(np.float64, copy=False), right


def check_probability_of_correct(
    confidence: NDArray[np.generic], correct: NDArray[np.generic], *, where: str
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Like `check_outcomes`, for metrics that read the confidence as the probability of being right.

    Raises
    ------
    ShapeError
        As `check_outcomes`.
    ValuesError
        As `check_outcomes`, and if a confidence lies outside ``[0, 1]``.
    """
    scores, right = check_outcomes(confidence, correct, where=where)
    outside = (scores < 0) | (scores > 1)
    if outside.any():
        row = int(outside.argmax())
        raise ValuesError(
            "confidence in [0, 1]",
            f"{scores[row]:.6g} in row {row}",
            where=where,
            fix="Pass the probability of being right, not a logit or an energy.",
        )
    return scores, right
