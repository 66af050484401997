"""BADGE: examples that would move the head far and in different directions.

The gradient of an example's loss, were its likeliest class true, is the outer product ``r_i h_iᵀ`` of the residual
``r_i = p_i − e_ŷ`` and the embedding (1 appended): long where the head is unsure. A batch is drawn by k-means++ on
these gradients, in proportion to the squared distance from those already drawn. Nothing of size n × (c·d) is made:
inner products factor, ``⟨r_i h_iᵀ, r_j h_jᵀ⟩ = (r_i·r_j)(h_i·h_j)``.

References
----------
Ash et al., "Deep batch active learning by diverse, uncertain gradient lower bounds", ICLR 2020.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.selection.k_center import squared_lengths
from yori.selection.pool import Pool, Selection


def residuals(probs: Float[np.ndarray, "n c"], *, link: str = "softmax") -> Float[np.ndarray, "n c"]:
    """``p_i − e_ŷ`` with ŷ the likeliest class; of several labels minus the likeliest label set.

    Examples
    --------
    >>> residuals(np.array([[0.75, 0.25]])), residuals(np.array([[0.75, 0.75]]), link="sigmoid")
    (array([[-0.25,  0.25]]), array([[-0.25, -0.25]]))
    """
    if link == "sigmoid":
        return probs - (probs >= 0.5).astype(probs.dtype)
    found = probs.copy()
    found[np.arange(len(found)), probs.argmax(axis=1)] -= 1
    return found


def draw_spread(
    residual: Float[np.ndarray, "n c"], x: Float[np.ndarray, "n d"], budget: int, rng: np.random.Generator
) -> Selection:
    """k-means++ draws on the gradients ``r_i (h_i, 1)ᵀ``, the longest first.

    Returns
    -------
    `Selection`; the score of a row is the distance of its gradient from those drawn before (of the first its length).

    Notes
    -----
    O(n (d + c) budget) time, O(n) memory beside the inputs.

    Examples
    --------
    >>> r = np.array([[0.5, -0.5], [0.5, -0.5], [0.0, 0.0]])
    >>> draw_spread(r, np.array([[1.0], [-1.0], [3.0]]), 2, np.random.default_rng(0)).rows
    array([0, 1])
    """
    length = squared_lengths(residual) * (squared_lengths(x) + 1)
    distance = length.astype(np.float64)
    rows, scores = np.empty(budget, dtype=np.int64), np.empty(budget)
    free = np.ones(len(x), dtype=np.bool_)
    for step in range(budget):
        total = np.cumsum(distance)
        if total[-1] <= 0:  # nothing left that would move the head: draw evenly
            row = int(rng.choice(np.flatnonzero(free)))
        elif step == 0:
            row = int(distance.argmax())
        else:
            row = min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(x) - 1)
        rows[step], scores[step] = row, np.sqrt(max(float(distance[row]), 0.0))
        free[row] = False
        inner = x @ x[row]
        inner += 1
        inner *= residual @ residual[row]
        np.minimum(distance, np.maximum(length + length[row] - 2 * inner, 0), out=distance)
        distance[rows[: step + 1]] = 0
    return Selection(rows, scores)


def badge(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Draw a batch of long and different gradients."""
    return draw_spread(residuals(pool.probs, link=pool.link), pool.embeddings, budget, rng)
