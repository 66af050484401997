"""ProbCover: at a cold start, cover as many candidates as possible with balls of one radius around the chosen ones.

Greedy: the candidate with the most uncovered candidates within the radius is next; known examples cover what is near
them.

Departures: the paper reads the radius from the purity of k-means pseudo-labels; here it is the quantile of pairwise
distances at which a ball holds on average its share of the candidates, ``1 / (2 c)`` with c classes, so that it needs
no clustering. Of more than `MOST` candidates a random sample stands for the rest, and only they can be chosen. When
everything is covered the count starts again.

Measured on spoken digits: not above random over budgets of 20 to 500 labels; below 100 labels it can be.

References
----------
Yehuda et al., "Active learning through a covering lens", NeurIPS 2022.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from yori.heads.curvature import row_blocks
from yori.selection.k_center import squared_lengths
from yori.selection.pool import Pool, Selection

MOST = 12_000
PAIRS = 20_000


def radius_of(x: Float[np.ndarray, "n d"], share: float, rng: np.random.Generator) -> float:
    """Distance within which an example has on average ``share`` of the others."""
    one, two = rng.integers(len(x), size=(2, min(PAIRS, 20 * len(x))))
    different = one != two
    if not different.any():
        return 0.0
    gap = x[one[different]] - x[two[different]]
    return float(np.quantile(np.sqrt(squared_lengths(gap)), share))


def prob_cover(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Greedy cover; the score is the number of candidates newly covered, as a share."""
    n = len(pool)
    rows = np.arange(n) if n <= max(MOST, budget) else np.sort(rng.choice(n, max(MOST, budget), replace=False))
    x = pool.embeddings[rows]
    radius = radius_of(x, 0.5 / pool.classes, rng)
    inside = _balls(x, radius)
    counts = np.bitwise_count(inside).sum(axis=1, dtype=np.int64)
    covered = np.zeros(len(x), dtype=np.bool_)
    if len(pool.known):
        reach = radius * radius
        near = np.zeros(len(x), dtype=np.bool_)
        lengths, sizes = squared_lengths(x), squared_lengths(pool.known)
        for block in row_blocks(x, 4096):
            distance = lengths[block, None] + sizes - 2 * (x[block] @ pool.known.T)
            near[block] = (distance <= reach).any(axis=1)
        _cover(inside, counts, covered, near)
    free = np.ones(len(x), dtype=np.bool_)
    found, scores = np.empty(budget, dtype=np.int64), np.empty(budget)
    for step in range(budget):
        if not counts[free].any():  # all is covered: begin again, so that the rest of the budget is spread, too
            covered[:] = False
            counts = np.bitwise_count(inside).sum(axis=1, dtype=np.int64)
        best = int(np.where(free, counts, -1).argmax())
        found[step], scores[step], free[best] = rows[best], counts[best] / len(x), False
        _cover(inside, counts, covered, np.unpackbits(inside[best], count=len(x)).astype(np.bool_))
    return Selection(found, scores)


def _balls(x: Float[np.ndarray, "n d"], radius: float) -> UInt8[np.ndarray, "n bytes"]:
    """Who lies within the radius of whom, one bit a pair; an example always within its own."""
    packed = np.empty((len(x), -(-len(x) // 8)), dtype=np.uint8)
    lengths = squared_lengths(x)
    reach = radius * radius
    for block in row_blocks(x, 1024):
        distance = x[block] @ x.T
        distance *= -2
        distance += lengths
        distance += lengths[block, None]
        near = distance <= reach
        near[np.arange(block.stop - block.start), np.arange(block.start, block.stop)] = True
        packed[block] = np.packbits(near, axis=1)
    return packed


def _cover(inside: UInt8[np.ndarray, "n bytes"], counts: np.ndarray, covered: np.ndarray, near: np.ndarray) -> None:
    """Mark rows as covered, and take them off the counts of all whose ball they lie in."""
    for row in np.flatnonzero(near & ~covered):
        counts -= np.unpackbits(inside[row], count=len(counts))
        covered[row] = True
