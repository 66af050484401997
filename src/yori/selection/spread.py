"""Turn a ranking into a batch: the best of each cluster of the best.

A ranking knows nothing of redundancy: its first hundred can be copies of one example. The highest-scored candidates,
several times as many as are wanted, are clustered into as many clusters as are wanted, and the best of each is taken.

References
----------
Zhdanov, "Diverse mini-batch active learning", arXiv 1901.05954, 2019.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.selection.k_means import k_means
from yori.selection.pool import Selection

OVERSAMPLING = 10


def spread(
    scores: Float[np.ndarray, " n"],
    embeddings: Float[np.ndarray, "n d"],
    budget: int,
    rng: np.random.Generator,
    *,
    oversampling: int = OVERSAMPLING,
) -> Selection:
    """Pick high scores (higher = rather) from different clusters, the highest first.

    Examples
    --------
    >>> x = np.array([[0.0], [0.01], [9.0], [9.5]])
    >>> picked = spread(np.array([1.0, 0.9, 0.5, 0.1]), x, 2, np.random.default_rng(0), oversampling=2)
    >>> picked.scores
    array([1. , 0.5])
    """
    top = np.argsort(-scores, kind="stable")[: max(budget, min(len(scores), oversampling * budget))]
    _, cluster = k_means(embeddings[top], budget, rng=rng)
    # Rank within the own cluster; the first of every cluster come before the second of any.
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.r_[True, cluster[order][1:] != cluster[order][:-1]])
    place = np.empty(len(top), dtype=np.int64)
    place[order] = np.arange(len(top)) - np.repeat(starts, np.diff(np.r_[starts, len(top)]))
    chosen = np.sort(np.lexsort((np.arange(len(top)), place))[:budget])
    rows = top[chosen]
    return Selection(rows, scores[rows].astype(np.float64))
