"""Confident learning: which labels disagree with confident out-of-fold predictions.

A class's threshold is the mean probability that examples labelled with it give it. An example counts as confidently of
class *k* when its probability of *k* reaches that threshold (the most probable such class, if several do); it is flagged
when that class is not its label. Flags alone are 2 to 3 times as many as errors, so what matters is the order: flagged
examples first, each part by self-confidence, the lowest first.

Departure from the paper: ranking by plain self-confidence, which on fully known human noise beats the normalised margin.
Everything passes over the probabilities in row blocks and copies none of them.

References
----------
Northcutt, Jiang, Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021 (arXiv 1911.00068).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import ROUNDING, SUM_TOLERANCE, check_labels, check_length, check_probs
from yori.labels.noise_model import row_blocks

WHERE = "confident learning"


def self_confidence(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Probability of the label each example has; low = suspicious."""
    return _check(probs, labels).own


@dataclass(frozen=True)
class _Checked:
    """Probabilities that passed, without a copy: ``own`` ``(n,)`` of each label, ``total`` ``(n,)`` to divide the row by."""

    probs: Float[np.ndarray, "n c"]
    labels: Int[np.ndarray, " n"]
    own: Float[np.ndarray, " n"]
    total: Float[np.ndarray, " n"]


def _check(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> _Checked:
    """One pass in row blocks; what it does not like, `check_probs` names."""
    array = np.asarray(probs)
    if array.ndim != 2 or 0 in array.shape or array.shape[1] < 2 or array.dtype.kind != "f":
        array = check_probs(array, where=WHERE)
    n, classes = array.shape
    check_length(np.asarray(labels), n, name="labels", where=WHERE)
    given = check_labels(labels, classes, where=WHERE)
    own, total = np.empty(n), np.empty(n)
    for block in row_blocks(n, classes):
        rows = np.asarray(array[block], dtype=np.float64)
        total[block] = rows.sum(axis=1)
        own[block] = rows[np.arange(len(rows)), given[block]]
        if not (rows.min() >= 0 and np.abs(total[block] - 1).max() <= SUM_TOLERANCE):
            check_probs(array, where=WHERE)
    total[np.abs(total - 1) <= ROUNDING] = 1.0
    return _Checked(array, given, own / total, total)


def _confident_class(checked: _Checked) -> tuple[Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    n, classes = checked.probs.shape
    count = np.bincount(checked.labels, minlength=classes)
    sums = np.bincount(checked.labels, weights=checked.own, minlength=classes)
    # A class nobody is labelled with has no threshold: nothing is confidently of it.
    threshold = np.where(count > 0, sums / np.maximum(count, 1), np.inf) - 1e-12
    best, confident = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_)
    for block in row_blocks(n, classes):
        rows = checked.probs[block] / checked.total[block, None]
        rows[rows < threshold] = -1.0
        best[block] = rows.argmax(axis=1)
        confident[block] = rows[np.arange(len(rows)), best[block]] >= 0
    return best, confident


def confident_joint(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, "c c"]:
    """Counts ``[given label, confident class]``; off the diagonal are the flags.

    Parameters
    ----------
    probs
        ``(n, c)`` out-of-fold probabilities.
    labels
        ``(n,)`` given labels.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    >>> confident_joint(probs, np.array([0, 0, 1, 1]))
    array([[1, 0],
           [1, 1]])
    """
    checked = _check(probs, labels)
    best, confident = _confident_class(checked)
    classes = checked.probs.shape[1]
    cell = checked.labels[confident] * classes + best[confident]
    joint: Int[np.ndarray, "c c"] = np.bincount(cell, minlength=classes * classes).reshape(classes, classes)
    return joint


def label_error_order(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Positions of the examples from the most to the least suspicious label: flagged first, then by self-confidence."""
    checked = _check(probs, labels)
    best, confident = _confident_class(checked)
    flagged = confident & (best != checked.labels)
    return np.lexsort((np.arange(len(flagged)), checked.own, ~flagged))


def label_error_flags(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """``(n,)`` whether the confident class is not the label: two to three times as many as there are errors.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    >>> label_error_flags(probs, np.array([0, 0, 1, 1]))
    array([False, False, False,  True])
    """
    checked = _check(probs, labels)
    best, confident = _confident_class(checked)
    flags: Bool[np.ndarray, " n"] = confident & (best != checked.labels)
    return flags


def estimated_joint(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, "c c"]:
    """Estimated share of examples with each ``[given label, true class]``; sums to 1.

    Rows of `confident_joint` are scaled to the number of examples with that label, as in the paper. A label nobody
    is confident about stays as given.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    >>> estimated_joint(probs, np.array([0, 0, 1, 1]))
    array([[0.5 , 0.  ],
           [0.25, 0.25]])
    """
    counts = confident_joint(probs, labels).astype(np.float64)
    with_label = np.bincount(np.asarray(labels).astype(np.int64), minlength=len(counts))
    empty = counts.sum(axis=1) == 0
    counts[np.flatnonzero(empty), np.flatnonzero(empty)] = 1.0
    counts *= (with_label / counts.sum(axis=1))[:, None]
    shares: Float[np.ndarray, "c c"] = counts / counts.sum()
    return shares
