"""Prototypes: the example nearest to each centre of its class.

As many clusters in each class as it may keep; what a class lacks because clusters coincide is filled with its most
typical other examples. It keeps the middle of things: good for very small budgets, and for showing a person what a
class looks like.

References
----------
Sorscher et al., "Beyond neural scaling laws", NeurIPS 2022 (easy prototypes for little data, hard ones for much).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.selection.facility_location import class_budgets
from yori.selection.k_center import farthest_first, squared_lengths
from yori.selection.k_means import k_means
from yori.selection.labelled import Labelled, Subset, unweighted


def prototype_rows(x: Float[np.ndarray, "n d"], budget: int, rng: np.random.Generator) -> Int[np.ndarray, " b"]:
    """Rows nearest to the centres of as many clusters."""
    centres, cluster = k_means(x, budget, rng=rng)
    gap = squared_lengths(x - centres[cluster])
    order = np.lexsort((np.arange(len(x)), gap, cluster))
    first = np.r_[True, cluster[order][1:] != cluster[order][:-1]]
    rows = order[first][:budget]
    if len(rows) < budget:
        others = np.setdiff1d(np.arange(len(x)), rows)
        rows = np.concatenate([rows, others[np.argsort(gap[others], kind="stable")[: budget - len(rows)]]])
    return rows.astype(np.int64)


def prototypes(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Prototypes of each class."""
    parts = []
    strata = data.strata
    for label, number in class_budgets(strata, budget).items():
        members = np.flatnonzero(strata == label)
        parts.append(members[prototype_rows(data.embeddings[members], number, rng)])
    return unweighted(np.concatenate(parts))


def k_center_subset(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Farthest-first traversal of each class: keeps the odd ones first, a control."""
    parts = []
    strata = data.strata
    for label, number in class_budgets(strata, budget).items():
        members = np.flatnonzero(strata == label)
        x = data.embeddings[members]
        parts.append(members[farthest_first(x, number, near=x[:0]).rows])
    return unweighted(np.concatenate(parts))
