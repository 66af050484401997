"""Clusters of embeddings, for batches that should be spread: k-means++ seeds and a few Lloyd steps, on a sample of
the rows.

The clusters only have to be sensible, not optimal: centres are found on at most `ROWS_PER_CLUSTER` rows per cluster,
and all rows are assigned once, in blocks.

References
----------
Arthur & Vassilvitskii, SODA 2007 (k-means++). Lloyd, IEEE Trans. Inf. Theory 28, 1982.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.heads.curvature import row_blocks
from yori.selection.k_center import squared_lengths

ROWS_PER_CLUSTER = 40
ITERATIONS = 10


def k_means(
    x: Float[np.ndarray, "n d"], clusters: int, *, rng: np.random.Generator, iterations: int = ITERATIONS
) -> tuple[Float[np.ndarray, "k d"], Int[np.ndarray, " n"]]:
    """Cluster rows.

    Parameters
    ----------
    x
        ``(n, d)``.
    clusters
        How many are wanted; there are fewer where fewer different rows exist.
    rng
        Draws the seeds.

    Returns
    -------
    Centres ``(k, d)`` and the cluster ``0 … k−1`` of every row ``(n,)``.

    Examples
    --------
    >>> x = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> _, cluster = k_means(x, 2, rng=np.random.default_rng(0))
    >>> bool(cluster[0] == cluster[1] != cluster[2] == cluster[3])
    True
    """
    most = max(2048, ROWS_PER_CLUSTER * clusters)
    sample = x if len(x) <= most else x[np.sort(rng.choice(len(x), most, replace=False))]
    lengths = squared_lengths(sample)
    centres = sample[seeds(sample, min(clusters, len(sample)), lengths, rng)].copy()
    for _ in range(iterations):
        nearest = assign(sample, centres)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = _sums(sample, nearest, len(centres))
        filled = counts > 0
        moved = centres.copy()
        moved[filled] = (sums[filled] / counts[filled, None]).astype(x.dtype)
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres, assign(x, centres)


def seeds(
    x: Float[np.ndarray, "n d"], count: int, lengths: Float[np.ndarray, " n"], rng: np.random.Generator
) -> Int[np.ndarray, " k"]:
    """Rows drawn one by one in proportion to their squared distance from those drawn before; fewer if none is left."""
    rows = [int(rng.integers(len(x)))]
    distance = np.full(len(x), np.inf, dtype=x.dtype)
    while len(rows) < count:
        latest = rows[-1]
        np.minimum(distance, np.maximum(lengths + lengths[latest] - 2 * (x @ x[latest]), 0), out=distance)
        distance[latest] = 0
        total = np.cumsum(distance, dtype=np.float64)
        if total[-1] <= 1e-10 * max(float(lengths.max()), 1e-300) * len(x):
            break
        rows.append(min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(x) - 1))
    return np.array(rows, dtype=np.int64)


def assign(x: Float[np.ndarray, "n d"], centres: Float[np.ndarray, "k d"]) -> Int[np.ndarray, " n"]:
    """Nearest centre of every row, block by block."""
    found = np.empty(len(x), dtype=np.int64)
    half = squared_lengths(centres) / 2
    for rows in row_blocks(x, 8192):
        found[rows] = (x[rows] @ centres.T - half).argmax(axis=1)
    return found


def _sums(x: Float[np.ndarray, "n d"], cluster: Int[np.ndarray, " n"], count: int) -> Float[np.ndarray, "k d"]:
    order = np.argsort(cluster, kind="stable")
    sorted_cluster = cluster[order]
    starts = np.flatnonzero(np.r_[True, sorted_cluster[1:] != sorted_cluster[:-1]])
    sums = np.zeros((count, x.shape[1]))
    sums[sorted_cluster[starts]] = np.add.reduceat(x[order], starts, axis=0, dtype=np.float64)
    return sums
