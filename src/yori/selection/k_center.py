"""k-center: every candidate should have a chosen or known example near it.

Greedy: the candidate farthest from all examples chosen so far is next. The largest distance left is at most twice the
best possible. It looks at the embeddings alone and therefore picks outliers first: a control more than a default.

References
----------
Gonzalez, Theoretical Computer Science 38, 1985. Sener & Savarese, ICLR 2018 (core-set).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.heads.curvature import row_blocks
from yori.selection.pool import Pool, Selection

CENTRES_AT_ONCE = 256


def squared_lengths(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """``‖x_i‖²``."""
    lengths: Float[np.ndarray, " n"] = np.einsum("ij,ij->i", x, x)
    return lengths


def nearest_distance(
    x: Float[np.ndarray, "n d"], centres: Float[np.ndarray, "k d"], lengths: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Squared distance of every row to its nearest centre, block by block; infinite without centres."""
    found = np.full(len(x), np.inf, dtype=x.dtype)
    sizes = squared_lengths(centres)
    for rows in row_blocks(x, 8192):
        for start in range(0, len(centres), CENTRES_AT_ONCE):
            part = slice(start, start + CENTRES_AT_ONCE)
            distance = x[rows] @ centres[part].T
            distance *= -2
            distance += sizes[part]
            np.minimum(found[rows], distance.min(axis=1) + lengths[rows], out=found[rows])
    return np.maximum(found, 0)


def farthest_first(x: Float[np.ndarray, "n d"], budget: int, *, near: Float[np.ndarray, "k d"]) -> Selection:
    """Rows by greedy farthest-first traversal from the examples ``near``.

    Parameters
    ----------
    x
        ``(n, d)``.
    budget
        How many, at most n.
    near
        ``(k, d)`` that are there already. Without any the row nearest to the mean comes first.

    Returns
    -------
    `Selection`; the score of a row is its distance to everything before it.

    Notes
    -----
    O(n d budget); one pass over the rows for each pick, nothing of size n × n.

    Examples
    --------
    >>> farthest_first(np.array([[0.0], [1.0], [9.0]]), 2, near=np.array([[0.0]])).rows
    array([2, 1])
    """
    lengths = squared_lengths(x)
    distance = nearest_distance(x, near, lengths)
    rows, scores = np.empty(budget, dtype=np.int64), np.empty(budget)
    for step in range(budget):
        if np.isinf(distance).all():
            middle = x.mean(axis=0, dtype=np.float64).astype(x.dtype)
            row = int((lengths - 2 * (x @ middle)).argmin())
            scores[step] = 0.0
        else:
            row = int(distance.argmax())
            scores[step] = np.sqrt(max(float(distance[row]), 0.0))
        rows[step] = row
        to_new = x @ x[row]
        to_new *= -2
        to_new += lengths
        to_new += lengths[row]
        np.minimum(distance, np.maximum(to_new, 0), out=distance)
        distance[rows[: step + 1]] = -1  # never twice, even where all rows are identical
    return Selection(rows, scores)


def k_center(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Farthest from everything known or picked."""
    return farthest_first(pool.embeddings, budget, near=pool.known)
