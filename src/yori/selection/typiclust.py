"""TypiClust: at a cold start, ask for what is typical of each cluster.

With few labels an uncertain example is most often an odd one, and odd ones teach little. Cluster the candidates
together with the known examples into as many clusters as there will be labels, and take from each cluster without a
label, the largest first, the candidate with the smallest mean distance to its nearest neighbours in the cluster.

Departures: the clusters are found on a sample of the rows (k_means.py), and there are at most `MOST_CLUSTERS`; when
all have a label, those with the fewest come first.

References
----------
Hacohen, Dekel, Weinshall, "Active learning on a budget: opposite strategies suit high and low budgets", ICML 2022.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.selection.k_center import squared_lengths
from yori.selection.k_means import assign, k_means
from yori.selection.pool import Pool, Selection

NEIGHBOURS = 20
MOST_CLUSTERS = 500
MOST_OF_A_CLUSTER = 4096
"""In a larger cluster the neighbours are looked for among so many evenly spaced rows."""


def typicality(x: Float[np.ndarray, "n d"], neighbours: int = NEIGHBOURS) -> Float[np.ndarray, " n"]:
    """One over the mean distance to the nearest neighbours; higher = more typical. An only row has 0.

    Examples
    --------
    >>> int(typicality(np.array([[0.0], [0.1], [0.2], [9.0]]), 2).argmax())
    1
    """
    n = len(x)
    if n == 1:
        return np.zeros(1)
    among = np.arange(n) if n <= MOST_OF_A_CLUSTER else np.linspace(0, n - 1, MOST_OF_A_CLUSTER).astype(np.int64)
    lengths = squared_lengths(x)
    take = min(neighbours, len(among) - 1)
    found = np.empty(n)
    for start in range(0, n, 2048):
        rows = slice(start, start + 2048)
        distance = lengths[rows, None] + lengths[among] - 2 * (x[rows] @ x[among].T)
        near = np.partition(distance, take, axis=1)[:, : take + 1]
        # The smallest one is the row itself, or nearly so where it was not among those looked at.
        near = np.sqrt(np.maximum(np.sort(near, axis=1)[:, 1:], 0))
        found[rows] = 1 / np.maximum(near.mean(axis=1, dtype=np.float64), 1e-9)
    return found


def typiclust(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """The most typical candidates of clusters that have the fewest labels; the score is the typicality."""
    x = pool.embeddings
    centres, cluster = k_means(x, min(len(pool.known) + budget, MOST_CLUSTERS), rng=rng)
    count = len(centres)
    labels = np.bincount(assign(pool.known, centres), minlength=count) if len(pool.known) else np.zeros(count, np.int64)
    sizes = np.bincount(cluster, minlength=count)
    order = np.argsort(cluster, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    waiting: dict[int, list[tuple[float, int]]] = {}
    rows, scores = np.empty(budget, dtype=np.int64), np.empty(budget)
    left = sizes.copy()
    labels = labels.astype(np.int64).copy()
    for step in range(budget):
        open_ = np.flatnonzero(left)
        chosen = int(open_[np.lexsort((-sizes[open_], labels[open_]))[0]])
        if chosen not in waiting:
            members = order[bounds[chosen] : bounds[chosen + 1]]
            typical = typicality(x[members])
            rank = np.argsort(typical, kind="stable")
            waiting[chosen] = [(float(typical[k]), int(members[k])) for k in rank]
        scores[step], rows[step] = waiting[chosen].pop()
        left[chosen] -= 1
        labels[chosen] += 1
    return Selection(rows, scores)
