"""Fewer dimensions: principal components and random projections.

UMAP and its like are no projections of this kind: they bend distances so that a map looks good, and a head trained on
such a map proves nothing about the embeddings. They are for looking (yori.choose.umap_map) and never among the steps.

References
----------
Jolliffe, Principal Component Analysis, 2002. Li, Hastie, Church, "Very sparse random projections", KDD 2006. Johnson &
Lindenstrauss, 1984.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.heads.curvature import row_blocks


@dataclass(frozen=True)
class Projection:
    """``(x − mean) matrixᵀ``: ``mean (d,)``, ``matrix (k, d)``."""

    mean: Float[np.ndarray, " d"]
    matrix: Float[np.ndarray, "k d"]

    def apply(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Project rows, in their precision."""
        mean, matrix = (part.astype(embeddings.dtype, copy=False) for part in (self.mean, self.matrix))
        projected: Float[np.ndarray, "n k"] = embeddings @ matrix.T
        return projected - matrix @ mean


def principal_components(embeddings: Float[np.ndarray, "n d"], dimensions: int) -> Projection:
    """The directions of largest variance, the largest first; signs such that the largest entry of each is positive.

    Raises
    ------
    ValuesError
        If ``dimensions`` is not in 1 … d.

    Examples
    --------
    >>> x = np.array([[3.0, 0.0], [-3.0, 0.1], [0.0, -0.1]])
    >>> principal_components(x, 1).matrix.round(1) + 0.0
    array([[1., 0.]])
    """
    _check(dimensions, embeddings.shape[1])
    mean = embeddings.mean(axis=0, dtype=np.float64)
    moment = np.zeros((embeddings.shape[1],) * 2)
    for block in row_blocks(embeddings, 8192):
        centred = embeddings[block] - mean
        moment += centred.T @ centred
    _, basis = np.linalg.eigh(moment / len(embeddings))
    matrix = basis[:, ::-1][:, :dimensions].T
    largest = matrix[np.arange(dimensions), np.abs(matrix).argmax(axis=1)]
    return Projection(mean, matrix * np.sign(largest)[:, None])


def random_projection(size: int, dimensions: int, *, rng: np.random.Generator) -> Projection:
    """Sparse signs, ``0`` with probability 1 − 1/√d: squared lengths are kept on average.

    Examples
    --------
    >>> random_projection(64, 8, rng=np.random.default_rng(0)).matrix.shape
    (8, 64)
    """
    _check(dimensions, size)
    density = 1 / np.sqrt(size)
    signs = rng.choice((-1.0, 1.0), (dimensions, size)) * (rng.random((dimensions, size)) < density)
    empty = ~signs.any(axis=1)
    signs[empty, rng.integers(0, size, int(empty.sum()))] = 1.0
    return Projection(np.zeros(size), signs / np.sqrt(density * dimensions))


def picked_features(rows: np.ndarray, size: int) -> Projection:
    """Keep some of ``size`` dimensions, in order.

    Examples
    --------
    >>> picked_features(np.array([2, 0]), 3).apply(np.array([[1.0, 2.0, 3.0]]))
    array([[1., 3.]])
    """
    matrix = np.zeros((len(rows), size))
    matrix[np.arange(len(rows)), np.sort(rows)] = 1
    return Projection(np.zeros(size), matrix)


def _check(dimensions: int, most: int) -> None:
    if not 1 <= dimensions <= most:
        raise ValuesError(f"1 … {most} dimensions", str(dimensions), where="projection")
