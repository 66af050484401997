"""Softmax link: exactly one label per example."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def probs(logits: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """Softmax of every row, without overflow.

    Examples
    --------
    >>> probs(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def losses(logits: Float[np.ndarray, "n c"], targets: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Cross-entropy of every example, from logits (never clipped)."""
    top = logits.max(axis=1)
    total: Float[np.ndarray, " n"] = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return total - logits[np.arange(len(logits)), targets]


def one_hot(targets: Int[np.ndarray, " n"], classes: int) -> Float[np.ndarray, "n c"]:
    """``(n, c)`` float32, one 1 per row."""
    matrix = np.zeros((len(targets), classes), dtype=np.float32)
    matrix[np.arange(len(targets)), targets] = 1
    return matrix


def curvature_product(probs: Float[np.ndarray, "n c"], change: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    """``(diag p_i − p_i p_iᵀ) a_i`` for every row."""
    product = probs * change
    product -= probs * product.sum(axis=1, keepdims=True)
    return product


def curvature_blocks(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c c"]:
    """``diag p_i − p_i p_iᵀ`` for every row."""
    blocks = -probs[:, :, None] * probs[:, None, :]
    index = np.arange(probs.shape[1])
    blocks[:, index, index] += probs
    return blocks
