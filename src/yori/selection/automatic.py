"""The default: typical examples while there are few labels, informative and different ones after that.

A head that has seen a handful of labels does not know what it does not know, so its doubts are no guide: until there
are `LABELS_PER_CLASS` labels a class, `typiclust`. After that `expected_influence`: the labels that would move the
predictions on the pool most, spread over clusters.

Where the candidates have domains, typical examples are shared among them in proportion, because the largest domain
would otherwise have most of them. The first batch is an exception, as it is too small to reach every class in every
domain. Later batches are not shared: the head's own doubt says which domain needs labels, and a fixed share spends them
on domains that it knows. Measured on held-out spoken digits: sharing every batch was as good on average and less even
from speaker to speaker (1 to 8 points above random instead of 2 to 6).

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
    """Typical ones of every domain first, then those of the highest expected influence, wherever they are."""
    if phase(pool) == "expected_influence":
        return expected_influence(pool, budget, rng)
    if pool.domains is None or len(pool.known) == 0:
        return typiclust(pool, budget, rng)
    return by_domain(typiclust, pool, pool.domains, budget, "proportional", rng)
