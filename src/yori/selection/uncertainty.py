"""Ask where the head is unsure: entropy, margin, least confidence.

They rank single examples, so the best of a ranking can be near-copies of each other; cluster_margin.py and badge.py
spread a batch. They also need a head that has seen every class, which a cold start has not: typiclust.py begins
there.

References
----------
Lewis & Gale, SIGIR 1994 (least confidence). Scheffer et al., IDA 2001 (margin). Settles, Active Learning, 2012.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.selection.pool import Pool, Selection, best


def entropy_of(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Entropy in nats, 0 … ln c; higher = less sure.

    Examples
    --------
    >>> entropy_of(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4)
    array([0.6931, 0.    ])
    """
    entropy: Float[np.ndarray, " n"] = -(probs * np.log(np.maximum(probs, np.finfo(probs.dtype).tiny))).sum(axis=1)
    return np.maximum(entropy, 0)


def margin_of(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Probability of the best class minus that of the second; lower = less sure.

    Examples
    --------
    >>> margin_of(np.array([[0.5, 0.3, 0.2]])).round(4)
    array([0.2])
    """
    two = np.partition(probs, -2, axis=1)[:, -2:]
    margin: Float[np.ndarray, " n"] = two[:, 1] - two[:, 0]
    return margin


def entropy(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Highest entropy first."""
    return best(entropy_of(pool.probs), budget)


def margin(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Smallest margin first; score: 1 − margin."""
    return best(1 - margin_of(pool.probs), budget)


def least_confidence(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Lowest largest probability first; score: 1 − largest probability."""
    return best(1 - pool.probs.max(axis=1), budget)
