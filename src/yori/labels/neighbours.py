"""What the nearest examples in the embedding are labelled: a witness that knows no head."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Shaped

NEIGHBOURS = 20


def neighbour_votes(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    asked: Int[np.ndarray, " k"],
    *,
    classes: int,
    neighbours: int = NEIGHBOURS,
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

    Returns
    -------
    ``(k, c)`` shares; rows sum to 1 unless nobody may vote.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 0.1], [0.9, 0.0], [0.0, 1.0]])
    >>> neighbour_votes(x, np.array([1, 0, 0, 1]), np.arange(4), np.array([0]), classes=2, neighbours=2)
    array([[1., 0.]])
    """
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = (embeddings / np.maximum(length, 1e-12)).astype(np.float32)
    _, group = np.unique(groups, return_inverse=True)
    votes = np.zeros((len(asked), classes))
    take = min(neighbours, len(unit) - 1)
    rows = max(1, (64 << 20) // (4 * max(1, len(unit))))
    for begin in range(0, len(asked), rows):
        block = asked[begin : begin + rows]
        similarity = unit[block] @ unit.T
        similarity[group[block][:, None] == group[None, :]] = -2
        nearest = np.argpartition(-similarity, take - 1, axis=1)[:, :take] if take else np.empty((len(block), 0), int)
        for row, found in enumerate(nearest):
            eligible = found[similarity[row, found] > -2]
            if len(eligible):
                votes[begin + row] = np.bincount(labels[eligible], minlength=classes) / len(eligible)
    return votes
