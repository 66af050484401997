"""The default: typical examples while there are few labels, informative and different ones after that.

A head that has seen a handful of labels does not know what it does not know, so its doubts are no guide: until there
are `LABELS_PER_CLASS` labels a class, `typiclust`. After that `expected_influence`: the labels that would move the
predictions on the pool most, spread over clusters.

Where the candidates have domains, each batch is shared among them in proportion: doubt gathers in whichever domain is
hardest, and typical examples come from whichever is largest. The first batch is an exception, as it is too small to
reach every class in every domain. Measured in benchmarks/selection.py on held-out speakers.

References
----------
Hacohen, Dekel, Weinshall, "Active learning on a budget: opposite strategies suit high and low budgets", ICML 2022.
"""

from __future__ import annotations

import numpy as np

from yori.selection.expected_influence import expected_influence
from yori.selection.pool import Pool, Selection
from yori.selection.quotas import by_domain
from yori.selection.typiclust import typiclust

LABELS_PER_CLASS = 6


def phase(pool: Pool) -> str:
    """The strategy that speaks now: ``typiclust`` or ``expected_influence``."""
    few = pool.weight is None or len(pool.known) < LABELS_PER_CLASS * pool.classes
    return "typiclust" if few else "expected_influence"


def automatic(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Typical ones first, then those of the highest expected influence; from every domain."""
    pick = typiclust if phase(pool) == "typiclust" else expected_influence
    if pool.domains is None or len(pool.known) == 0:
        return pick(pool, budget, rng)
    return by_domain(pick, pool, pool.domains, budget, "proportional", rng)
