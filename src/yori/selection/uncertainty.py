"""Ask where the head is unsure: entropy, margin, least confidence.

They rank single examples, so the best of a ranking can be near-copies of each other; cluster_margin.py and badge.py
spread a batch. They also need a head that has seen every class, which a cold start has not: typiclust.py begins
there.

Where an example can have several labels, every class is a decision of its own: entropies of the decisions are summed,
the margin is that of the least sure decision, and the least confidence that of the whole label set.

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


def decision_entropy(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Of several labels: the entropies of the classes' yes-or-no decisions, summed; nats, 0 … c ln 2.

    Examples
    --------
    >>> decision_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4)
    array([1.3863, 0.    ])
    """
    return entropy_of(probs) + entropy_of(1 - probs)


def uncertainty_of(pool: Pool) -> Float[np.ndarray, " n"]:
    """Entropy of each candidate's label, or of its label set (given the head, the classes are independent)."""
    probs = pool.probs
    return (entropy_of(probs) if pool.link == "softmax" else decision_entropy(probs)).astype(np.float64)


def closeness_of(pool: Pool) -> Float[np.ndarray, " n"]:
    """1 − margin; of several labels the margin is that of the class that is nearest to yes-or-no."""
    if pool.link == "softmax":
        return (1 - margin_of(pool.probs)).astype(np.float64)
    return (1 - np.abs(2 * pool.probs - 1).min(axis=1)).astype(np.float64)


def entropy(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Highest entropy first."""
    return best(uncertainty_of(pool), budget)


def margin(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Smallest margin first; score: 1 − margin."""
    return best(closeness_of(pool), budget)


def least_confidence(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Lowest probability of the likeliest label, or label set, first; score: 1 − that probability."""
    if pool.link == "softmax":
        return best(1 - pool.probs.max(axis=1), budget)
    return best(1 - np.maximum(pool.probs, 1 - pool.probs).prod(axis=1, dtype=np.float64), budget)
