"""Labels that cost differently: the most value for a limited sum.

A long recording takes longer to label than a short one. Greedy by value per cost, compared with the single most
valuable candidate that can be paid for: at least half of the best possible value.

References
----------
Settles, Craven, Friedland, "Active learning with real annotation costs", NeurIPS workshop 2008. Dantzig, Operations
Research 5, 1957 (greedy knapsack)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.selection.pool import Pool, Selection
from yori.selection.spread import spread
from yori.selection.uncertainty import uncertainty_of


def within_spend(value: Float[np.ndarray, " n"], cost: Float[np.ndarray, " n"], spend: float) -> Selection:
    """Candidates of high value per cost whose costs sum to at most ``spend``; scores are values per cost.

    Parameters
    ----------
    value, cost
        ``(n,)``; value ≥ 0, cost > 0.
    spend
        In units of the cost, > 0.

    Raises
    ------
    ValuesError
        If nothing can be paid for.

    Examples
    --------
    >>> within_spend(np.array([1.0, 1.0, 3.0]), np.array([1.0, 2.0, 2.0]), 3.0).rows
    array([2, 0])
    """
    if not np.isfinite(spend) or spend <= 0 or (cost > spend).all():
        raise ValuesError(f"a sum to spend of at least {cost.min():g}", f"{spend:g}", where="cost")
    rate = value / cost
    rows, left = [], spend
    for row in np.argsort(-rate, kind="stable"):
        if cost[row] <= left + 1e-12:
            rows.append(int(row))
            left -= float(cost[row])
    alone = np.where(cost <= spend, value, -np.inf)
    if alone.max() > value[rows].sum():
        rows = [int(alone.argmax())]
    return Selection(np.array(rows, dtype=np.int64), rate[rows].astype(np.float64))


def cost_aware(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Entropy per cost, spread over clusters; with equal costs spread entropy."""
    value = uncertainty_of(pool)
    rate = value if pool.cost is None else value / pool.cost
    return spread(rate, pool.embeddings, budget, rng)
