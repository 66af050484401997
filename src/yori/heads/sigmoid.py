"""Sigmoid link: any number of labels per example, each class decided on its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num
from scipy.special import expit


def probs(logits: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Logistic function of every entry.

    Examples
    --------
    >>> probs(np.array([[0.0, 1000.0]]))
    array([[0.5, 1. ]])
    """
    result: Float[np.ndarray, "n c"] = expit(logits)
    return result


def losses(logits: Float[np.ndarray, "n c"], targets: Num[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Sum over the classes of the binary cross-entropies, from logits (never clipped)."""
    total: Float[np.ndarray, " n"] = (np.logaddexp(0, logits) - targets * logits).sum(axis=1)
    return total


def one_hot(targets: Num[np.ndarray, "n c"], classes: int) -> Float[np.ndarray, "n c"]:
    """``(n, c)`` float32 of zeros and ones."""
    return np.ascontiguousarray(targets, dtype=np.float32).reshape(len(targets), classes)


def curvature_product(probs: Float[np.ndarray, "n c"], change: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """``p (1 − p) a`` for every entry."""
    product = probs - probs * probs
    product *= change
    return product


def curvature_blocks(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c c"]:
    """``diag p_i (1 − p_i)`` for every row."""
    blocks = np.zeros((*probs.shape, probs.shape[1]), dtype=probs.dtype)
    index = np.arange(probs.shape[1])
    blocks[:, index, index] = probs * (1 - probs)
    return blocks
