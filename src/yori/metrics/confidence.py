"""Confidence scores: one number per row that says how far to trust its prediction. Higher = more trusted, always.

Every score has shape ``(n,)``, ready for `yori.metrics.aurc` and the rest of the risk-coverage family. Only `max_softmax` and
`label_set_confidence` are probabilities of being right; calibration errors are for these two.

References
----------
Hendrycks, Gimpel, ICLR 2017, arXiv:1610.02136 (maximum softmax probability).
Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, arXiv:2010.03759 (energy).
Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017, arXiv:1612.01474 (mean over seeds).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from yori.arrays import Logits, Probs, check_finite, check_probs
from yori.errors import ShapeError, ValuesError


def max_softmax(probs: Probs) -> Float[np.ndarray, " n"]:
    """Probability of the predicted class.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.arrays.check_probs`.

    Examples
    --------
    >>> max_softmax(np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]]))
    array([0.7, 0.4])
    """
    highest: Float[np.ndarray, " n"] = check_probs(probs, where="max_softmax").max(axis=1)
    return highest


def margin(probs: Probs) -> Float[np.ndarray, " n"]:
    """Probability of the predicted class minus that of the runner-up, in ``[0, 1]``.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.arrays.check_probs`.

    Examples
    --------
    >>> margin(np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])).round(4)
    array([0.5, 0.1])
    """
    rows = check_probs(probs, where="margin")
    top = np.partition(rows, rows.shape[1] - 2, axis=1)
    gap: Float[np.ndarray, " n"] = top[:, -1] - top[:, -2]
    return gap


def negative_entropy(probs: Probs) -> Float[np.ndarray, " n"]:
    """Minus the entropy of the row in nats: 0 for a certain row, ``−ln c`` for a uniform one.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.arrays.check_probs`.

    Notes
    -----
    Summed in the order of size, so rows that are permutations of each other tie exactly.

    Examples
    --------
    >>> negative_entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(4)
    array([ 0.    , -0.6931])
    """
    rows = np.sort(check_probs(probs, where="negative_entropy"), axis=1)
    logs = np.log(np.where(rows > 0, rows, 1.0))
    total: Float[np.ndarray, " n"] = (rows * logs).sum(axis=1) + 0.0
    return total


def energy(logits: Logits, *, temperature: float = 1.0) -> Float[np.ndarray, " n"]:
    """Negative free energy ``T · logsumexp(logits / T)``: high where the model has seen the like.

    Unlike the softmax it reads the size of the logits, which training fixes only up to a shift per row; compare rows of one
    model only.

    Parameters
    ----------
    logits
        Shape ``(n, c)``. Scores before the softmax.
    temperature
        Above 0.

    Raises
    ------
    ShapeError, ValuesError
        If the logits are empty, misshapen or not finite, or the temperature is not a positive number.

    Examples
    --------
    >>> energy(np.array([[0.0, 0.0], [10.0, 0.0]])).round(4)
    array([ 0.6931, 10.    ])
    """
    z = np.asarray(logits)
    if z.ndim != 2 or 0 in z.shape:
        raise ShapeError("logits of shape (n, c) with n ≥ 1 and c ≥ 1", f"shape {z.shape}", where="energy")
    check_finite(z, name="logits", where="energy")
    if not 0 < temperature < math.inf:
        raise ValuesError("a temperature above 0", f"{temperature}", where="energy")
    z = z.astype(np.float64) / temperature
    top = z.max(axis=1)
    level: Float[np.ndarray, " n"] = temperature * (top + np.log(np.exp(z - top[:, None]).sum(axis=1)))
    return level


def mean_over_seeds(probs: Float[np.ndarray, "s n c"]) -> Probs:
    """Mean of the probabilities of several runs on the same rows ("MC over seeds"): one more calibrated prediction.

    Score the result with `max_softmax`, `margin` or `negative_entropy`. This is an ensemble, a model of its own with ``s``
    times the cost; to compare training data, average the *metric* over seeds instead.

    Parameters
    ----------
    probs
        Shape ``(s, n, c)``. One ``(n, c)`` table per seed, rows aligned.

    Returns
    -------
    Shape ``(n, c)``, rows sum to 1.

    Raises
    ------
    ShapeError, ValuesError
        If there is no seed, the shape is wrong, or a table is not made of probabilities.

    Examples
    --------
    >>> mean_over_seeds(np.array([[[1.0, 0.0]], [[0.5, 0.5]]]))
    array([[0.75, 0.25]])
    """
    tables = np.asarray(probs)
    if tables.ndim != 3 or len(tables) == 0:
        raise ShapeError("probs of shape (s, n, c) with s ≥ 1", f"shape {tables.shape}", where="mean_over_seeds")
    mean: Probs = np.mean([check_probs(table, where="mean_over_seeds") for table in tables], axis=0)
    return mean


def label_set_confidence(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Probability that the whole predicted label set is right, for heads with several labels per row.

    The predicted set holds every class with probability at least one half. With independent classes the chance that all c
    decisions are right is the product of ``max(p, 1 − p)``.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Probability of each class on its own, in ``[0, 1]``; rows need not sum to 1.

    Raises
    ------
    ShapeError, ValuesError
        If the array is empty or misshapen, or a value lies outside ``[0, 1]``.

    Notes
    -----
    Multiplied in the order of size, so rows that are permutations of each other tie exactly.

    Examples
    --------
    >>> label_set_confidence(np.array([[0.9, 0.2], [0.5, 0.5]])).round(4)
    array([0.72, 0.25])
    """
    rows = check_class_probs(probs, where="label_set_confidence")
    product: Float[np.ndarray, " n"] = np.sort(np.maximum(rows, 1 - rows), axis=1).prod(axis=1)
    return product


def check_class_probs(probs: NDArray[np.generic], *, where: str) -> Float[np.ndarray, "n c"]:
    """Return probabilities per class as ``(n, c)`` float64 in ``[0, 1]``, or raise."""
    rows = np.asarray(probs)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ShapeError("probs of shape (n, c) with n ≥ 1 and c ≥ 1", f"shape {rows.shape}", where=where)
    if rows.dtype.kind not in "fiu":
        raise ValuesError("probs as real numbers", f"dtype {rows.dtype}", where=where)
    check_finite(rows, name="probs", where=where)
    outside = (rows < 0) | (rows > 1)
    if outside.any():
        row, column = np.argwhere(outside)[0].tolist()
        raise ValuesError(
            "probabilities in [0, 1]",
            f"{rows[row, column]:.6g} in row {row}, class {column}",
            where=where,
            fix="Pass sigmoid outputs, not logits.",
        )
    return rows.astype(np.float64, copy=False)
