"""What the nearest examples in the embedding are labelled: a witness that knows no head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

NEIGHBOURS = 20
BLOCK_BYTES = 64 << 20
MOST_VOTERS = 40_000


def neighbour_votes(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    asked: Int[np.ndarray, " k"],
    *,
    classes: int,
    neighbours: int = NEIGHBOURS,
    voters: Int[np.ndarray, " v"] | None = None,
) -> Float[np.ndarray, "k c"]:
    """Share of the nearest examples with each label, for some examples.

    Parameters
    ----------
    embeddings, labels, groups
        ``(n, d)``, ``(n,)``, ``(n,)``; an example's own group does not vote.
    asked
        ``(k,)`` positions of the examples to vote on.
    neighbours
        How many vote; similarity is the cosine.
    voters
        ``(v,)`` positions of those who may vote; by default all.

    Returns
    -------
    ``(k, c)`` shares; rows sum to 1 unless nobody may vote.

    Notes
    -----
    O(k v d), one matrix product in blocks of 64 MB.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 0.1], [0.9, 0.0], [0.0, 1.0]])
    >>> neighbour_votes(x, np.array([1, 0, 0, 1]), np.arange(4), np.array([0]), classes=2, neighbours=2)
    array([[1., 0.]])
    """
    votes = np.zeros((len(asked), classes))
    for rows, nearest, eligible in _nearest(embeddings, groups, asked, neighbours, voters):
        many = len(nearest)
        cell = np.arange(many)[:, None] * classes + labels[nearest]
        counts = np.bincount(cell[eligible], minlength=many * classes).reshape(many, classes)
        votes[rows] = counts / np.maximum(eligible.sum(axis=1, keepdims=True), 1)
    return votes


def neighbour_shares(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n c"],
    groups: Shaped[np.ndarray, " n"],
    asked: Int[np.ndarray, " k"],
    *,
    neighbours: int = NEIGHBOURS,
    voters: Int[np.ndarray, " v"] | None = None,
) -> Float[np.ndarray, "k c"]:
    """Share of the nearest examples that have each of several labels; ``targets`` ``(n, c)`` of zeros and ones.

    The rest as `neighbour_votes`; rows of zeros where nobody may vote.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 0.1], [0.9, 0.0], [0.0, 1.0]])
    >>> targets = np.array([[0, 0], [1, 1], [1, 0], [0, 1]])
    >>> neighbour_shares(x, targets, np.arange(4), np.array([0]), neighbours=2)
    array([[1. , 0.5]])
    """
    shares = np.zeros((len(asked), targets.shape[1]))
    for rows, nearest, eligible in _nearest(embeddings, groups, asked, neighbours, voters):
        summed = np.einsum("kmc,km->kc", targets[nearest].astype(np.float64), eligible.astype(np.float64))
        shares[rows] = summed / np.maximum(eligible.sum(axis=1, keepdims=True), 1)
    return shares


def evenly_spaced_voters(n: int) -> Int[np.ndarray, " v"] | None:
    """Who votes among very many: `MOST_VOTERS` evenly spaced positions; None = everybody."""
    return None if n <= MOST_VOTERS else np.linspace(0, n - 1, MOST_VOTERS).astype(np.int64)


def _nearest(
    embeddings: Float[np.ndarray, "n d"],
    groups: Shaped[np.ndarray, " n"],
    asked: Int[np.ndarray, " k"],
    neighbours: int,
    voters: Int[np.ndarray, " v"] | None,
) -> Iterator[tuple[slice, Int[np.ndarray, "b m"], Bool[np.ndarray, "b m"]]]:
    """By blocks of the asked: their nearest examples, and which of these may vote."""
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = (embeddings / np.maximum(length, 1e-12)).astype(np.float32)
    _, group = np.unique(groups, return_inverse=True)
    chosen = np.arange(len(unit)) if voters is None else voters
    among, cluster = (unit, group) if voters is None else (unit[voters], group[voters])
    take = min(neighbours, len(unit) - 1, len(among))
    if take < 1:
        return
    step = max(1, BLOCK_BYTES // (4 * len(among)))
    for begin in range(0, len(asked), step):
        block = asked[begin : begin + step]
        similarity = unit[block] @ among.T
        similarity[group[block][:, None] == cluster[None, :]] = -2
        np.negative(similarity, out=similarity)
        nearest = np.argpartition(similarity, take - 1, axis=1)[:, :take]
        eligible = np.take_along_axis(similarity, nearest, axis=1) < 2
        yield slice(begin, begin + len(block)), chosen[nearest], eligible
