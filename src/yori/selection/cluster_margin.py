"""Cluster-margin: many small margins, taken in turn from clusters of the pool.

Of the candidates with the smallest margins, several times as many as are wanted, one is taken from each cluster in
turn, the smallest cluster first, so that rare kinds come before frequent ones.

Departure: clusters by k-means on a sample of the rows (k_means.py) instead of average linkage, which needs all pairs;
as many clusters as are wanted, at most `MOST_CLUSTERS`.

References
----------
Citovsky et al., "Batch active learning at scale", NeurIPS 2021.
"""

from __future__ import annotations

import numpy as np

from yori.selection.k_means import k_means
from yori.selection.pool import Pool, Selection
from yori.selection.uncertainty import closeness_of

OVERSAMPLING = 10
MOST_CLUSTERS = 500


def cluster_margin(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Small margins in turn from all clusters; score: 1 − margin."""
    scores = closeness_of(pool)
    top = np.argsort(-scores, kind="stable")[: max(budget, min(len(pool), OVERSAMPLING * budget))]
    _, cluster = k_means(pool.embeddings[top], min(budget, MOST_CLUSTERS), rng=rng)
    queues = [top[cluster == number].tolist()[::-1] for number in range(int(cluster.max()) + 1)]
    queues = sorted((queue for queue in queues if queue), key=len)
    rows: list[int] = []
    while len(rows) < budget:
        for queue in queues:
            if queue and len(rows) < budget:
                rows.append(queue.pop())
    picked = np.array(rows, dtype=np.int64)
    return Selection(picked, scores[picked])
