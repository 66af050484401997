"""Gradients of the last layer's loss, kept as two thin matrices.

The gradient of example *i* is ``r_i (h_i, 1)ᵀ`` with ``r_i = p_i − e_y``. Inner products factor, so nothing of size n
× (c·d) is made: ``⟨g_i, g_j⟩ = (r_i·r_j)(h_i·h_j + 1)`` and ``⟨g_i, G⟩ = r_i·(G (h_i, 1))``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.heads import LINKS
from yori.heads.curvature import logits_of, outer_sum
from yori.selection.k_center import squared_lengths


@dataclass(frozen=True)
class Gradients:
    """``residual (n, c)`` and ``embeddings (n, d)`` of the same examples."""

    residual: Float[np.ndarray, "n c"]
    embeddings: Float[np.ndarray, "n d"]

    def __len__(self) -> int:
        return len(self.residual)

    def take(self, rows: Int[np.ndarray, " b"]) -> Gradients:
        """Some of them."""
        return Gradients(self.residual[rows], self.embeddings[rows])

    def inner(self, other: Gradients) -> Float[np.ndarray, "n m"]:
        """``⟨g_i, g_j⟩`` for all pairs of two small sets."""
        product = self.embeddings @ other.embeddings.T
        product += 1
        product *= self.residual @ other.residual.T
        return product

    def squared_lengths(self) -> Float[np.ndarray, " n"]:
        """``‖g_i‖²``."""
        lengths: Float[np.ndarray, " n"] = squared_lengths(self.residual) * (squared_lengths(self.embeddings) + 1)
        return lengths

    def along(self, direction: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, " n"]:
        """``⟨g_i, G⟩`` for one matrix ``G``."""
        found: Float[np.ndarray, " n"] = (self.residual * logits_of(self.embeddings, direction)).sum(axis=1)
        return found

    def total(self, weights: Float[np.ndarray, " n"] | None = None) -> Float[np.ndarray, "c d1"]:
        """``Σ_i w_i g_i``."""
        residual = self.residual if weights is None else self.residual * weights[:, None].astype(self.residual.dtype)
        return outer_sum(residual, self.embeddings)


def gradients_of(
    embeddings: Float[np.ndarray, "n d"], labels: Num[np.ndarray, "n ..."], weight: Float[np.ndarray, "c d1"]
) -> Gradients:
    """Gradients at a softmax head, or with multi-hot labels ``(n, c)`` at a sigmoid head.

    Examples
    --------
    >>> x, y = np.array([[1.0], [2.0]]), np.array([0, 1])
    >>> found = gradients_of(x, y, np.zeros((2, 2)))
    >>> found.residual
    array([[-0.5,  0.5],
           [ 0.5, -0.5]])
    >>> found.inner(found)                               # (r·r)(h·h + 1)
    array([[ 1. , -1.5],
           [-1.5,  2.5]])
    """
    link = LINKS["softmax" if labels.ndim == 1 else "sigmoid"]
    residual = link.probs(logits_of(embeddings, weight))
    residual -= link.one_hot(labels, len(weight))
    return Gradients(residual, embeddings)
