"""Confident learning: which labels disagree with confident out-of-fold predictions.

A class's threshold is the mean probability that examples labelled with it give it. An example counts as confidently of
class *k* when its probability of *k* reaches that threshold (the most probable such class, if several do); it is flagged
when that class is not its label. Flags alone are 2 to 3 times as many as errors, so what matters is the order: flagged
examples first, each part by self-confidence, the lowest first.

Departure from the paper: ranking by plain self-confidence, which on fully known human noise beats the normalised margin.

References
----------
Northcutt, Jiang, Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021 (arXiv 1911.00068).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import check_labels, check_length, check_probs


def self_confidence(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Probability of the label each example has; low = suspicious."""
    checked, answers = _check(probs, labels)
    return checked[np.arange(len(checked)), answers]


def _check(
    probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n c"], Int[np.ndarray, " n"]]:
    checked = check_probs(probs, where="confident learning")
    check_length(np.asarray(labels), len(checked), name="labels", where="confident learning")
    return checked, check_labels(labels, checked.shape[1], where="confident learning")


def _confident_class(
    probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    classes = probs.shape[1]
    count = np.bincount(labels, minlength=classes)
    own = probs[np.arange(len(probs)), labels]
    total = np.bincount(labels, weights=own, minlength=classes)
    # A class nobody is labelled with has no threshold: nothing is confidently of it.
    threshold = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    eligible = np.where(probs >= threshold - 1e-12, probs, -1.0)
    best = eligible.argmax(axis=1)
    return best, eligible[np.arange(len(probs)), best] >= 0


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
    checked, answers = _check(probs, labels)
    best, confident = _confident_class(checked, answers)
    joint = np.zeros((checked.shape[1], checked.shape[1]), dtype=np.int64)
    np.add.at(joint, (answers[confident], best[confident]), 1)
    return joint


def label_error_order(probs: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Positions of the examples from the most to the least suspicious label: flagged first, then by self-confidence."""
    checked, answers = _check(probs, labels)
    best, confident = _confident_class(checked, answers)
    flagged = confident & (best != answers)
    own = checked[np.arange(len(checked)), answers]
    return np.lexsort((np.arange(len(own)), own, ~flagged))
