"""Every strategy by name, asked in one way, so that they can be compared on the user's own labelled examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from jaxtyping import Shaped

from yori.arrays import check_length
from yori.errors import ValuesError
from yori.selection.automatic import automatic, phase
from yori.selection.badge import badge
from yori.selection.bald import bald
from yori.selection.cluster_margin import cluster_margin
from yori.selection.cost import cost_aware
from yori.selection.expected_influence import expected_influence, influence_entropy
from yori.selection.k_center import k_center
from yori.selection.pool import Pool, Selection
from yori.selection.prob_cover import prob_cover
from yori.selection.quotas import by_domain
from yori.selection.typiclust import typiclust
from yori.selection.uncertainty import entropy, least_confidence, margin

Strategy: TypeAlias = Callable[[Pool, int, np.random.Generator], Selection]
"""``(pool, budget, rng)`` → exactly ``budget`` different candidates."""


def random(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """The control: candidates at random, all with score 0."""
    return Selection(rng.permutation(len(pool))[:budget], np.zeros(budget))


STRATEGIES: dict[str, Strategy] = {
    "automatic": automatic,
    "random": random,
    "entropy": entropy,
    "margin": margin,
    "least_confidence": least_confidence,
    "bald": bald,
    "k_center": k_center,
    "badge": badge,
    "typiclust": typiclust,
    "prob_cover": prob_cover,
    "cluster_margin": cluster_margin,
    "expected_influence": expected_influence,
    "influence_entropy": influence_entropy,
    "cost_aware": cost_aware,
}
"""``random`` is the control; ``automatic`` is the default."""

COLD = frozenset({"automatic", "random", "k_center", "typiclust", "prob_cover"})
"""Strategies that need no head."""

DRAWS = frozenset(STRATEGIES) - {"entropy", "margin", "least_confidence", "k_center"}
"""Strategies that may use the random generator; the others see the same candidates in another order as the same problem."""

REASONS: dict[str, str] = {
    "random": "drawn at random: the control",
    "entropy": "the head is unsure: entropy {score:.3g} nats",
    "margin": "the two likeliest classes are {margin:.3g} apart",
    "least_confidence": "the likeliest class has a probability of {rest:.3g} only",
    "bald": "heads on resampled labels disagree: {score:.3g} nats of mutual information",
    "k_center": "far from everything labelled: distance {score:.3g}",
    "badge": "would move the head, in a way the others do not: gradient distance {score:.3g}",
    "typiclust": "typical of a cluster that has few labels: typicality {score:.3g}",
    "prob_cover": "{score:.2%} of the candidates lie near it and near no other label",
    "cluster_margin": "unsure in a cluster of its own: the two likeliest classes are {margin:.3g} apart",
    "expected_influence": "its label would move the predictions: expected change {score:.3g}",
    "influence_entropy": "unsure, and its likeliest label would hurt: {score:.3g}",
    "cost_aware": "much to learn for its cost: {score:.3g} nats per unit",
}
"""What a score says, in words; ``automatic`` speaks for the strategy it takes."""


def reason(strategy: str, score: float) -> str:
    """Why a candidate was picked, as a sentence.

    Examples
    --------
    >>> reason("margin", 0.9)
    'the two likeliest classes are 0.1 apart'
    """
    return REASONS[strategy].format(score=score, margin=1 - score, rest=1 - score)


def effective(strategy: str, pool: Pool) -> str:
    """The strategy that ``automatic`` takes on this pool; any other one is itself."""
    return phase(pool) if strategy == "automatic" else strategy


def find_strategy(name: str) -> Strategy:
    """A strategy by name.

    Raises
    ------
    ValuesError
        If there is none of this name.
    """
    if name not in STRATEGIES:
        raise ValuesError(f"a strategy out of {', '.join(STRATEGIES)}", repr(name), where="selection")
    return STRATEGIES[name]


def select(
    pool: Pool,
    budget: int,
    *,
    strategy: str = "automatic",
    domains: Shaped[np.ndarray, " n"] | None = None,
    quotas: str | Mapping[str, float] | None = None,
    rng: np.random.Generator,
) -> Selection:
    """Pick candidates to label.

    Parameters
    ----------
    pool
        From `make_pool`.
    budget
        How many, 1 … n.
    strategy
        A key of `STRATEGIES`.
    domains, quotas
        ``(n,)`` domain of each candidate, and how to share the budget among domains (`yori.selection.quotas.shares`);
        the strategy then picks in each domain on its own. None: domains do not matter.
    rng
        Randomness of the strategy.

    Returns
    -------
    `Selection` of exactly ``budget`` different candidates, in the order they were picked.

    Raises
    ------
    ValuesError
        If the budget is not in 1 … n, nobody knows the strategy, it needs a head and there is none, or a NaN arrived.

    Examples
    --------
    >>> from yori.selection.pool import make_pool
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> pool = make_pool(x[10:], classes=2, known=x[:10], known_labels=(x[:10, 0] > 0).astype(int), l2=0.1)
    >>> picked = select(pool, 5, strategy="margin", rng=np.random.default_rng(0))
    >>> bool((np.diff(picked.scores) <= 0).all())       # the least sure first
    True
    """
    pick = find_strategy(strategy)
    if not 1 <= budget <= len(pool):
        raise ValuesError(
            f"a budget of 1 … {len(pool)} (the pool has {len(pool)} candidates)", str(budget), where="budget",
            fix="Lower it: more cannot be labelled." if budget > len(pool) else "",
        )  # fmt: skip
    if quotas is None:
        return pick(pool, budget, rng)
    if domains is None:
        raise ValuesError("the domain of each candidate", "none", where="quotas")
    check_length(domains, len(pool), name="domains", where="quotas")
    return by_domain(pick, pool, domains, budget, quotas, rng)
