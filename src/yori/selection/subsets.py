"""Every subset method by name, asked in one way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from yori.errors import ValuesError
from yori.selection.craig import craig
from yori.selection.facility_location import facility_location, facility_location_stochastic
from yori.selection.glister import glister
from yori.selection.grad_match import grad_match
from yori.selection.graph_cut import graph_cut
from yori.selection.labelled import Labelled, Subset
from yori.selection.prototypes import k_center_subset, prototypes
from yori.selection.stratified import random_subset, stratified_subset

SubsetMethod: TypeAlias = Callable[[Labelled, int, np.random.Generator], Subset]
"""``(data, budget, rng)`` → exactly ``budget`` different examples, with weights."""

SUBSETS: dict[str, SubsetMethod] = {
    "facility_location": facility_location,
    "facility_location_stochastic": facility_location_stochastic,
    "graph_cut": graph_cut,
    "craig": craig,
    "grad_match": grad_match,
    "glister": glister,
    "prototypes": prototypes,
    "k_center": k_center_subset,
    "stratified": stratified_subset,
    "random": random_subset,
}
"""``random`` and ``stratified`` are the controls."""

DEFAULT = "glister"


def keep(data: Labelled, budget: int, *, method: str = DEFAULT, rng: np.random.Generator) -> Subset:
    """Choose the examples to keep.

    Parameters
    ----------
    data
        From `make_labelled`.
    budget
        How many, 1 … n.
    method
        A key of `SUBSETS`.

    Raises
    ------
    ValuesError
        If the budget is not in 1 … n, or nobody knows the method.

    Examples
    --------
    >>> from yori.selection.labelled import make_labelled
    >>> x = np.random.default_rng(0).normal(size=(40, 3))
    >>> kept = keep(make_labelled(x, np.arange(40) % 2, classes=2, l2=0.1), 10, rng=np.random.default_rng(0))
    >>> len(set(kept.rows.tolist()))
    10
    """
    if method not in SUBSETS:
        raise ValuesError(f"a method out of {', '.join(SUBSETS)}", repr(method), where="subset")
    if not 1 <= budget <= len(data):
        raise ValuesError(f"a budget of 1 … {len(data)}", str(budget), where="subset")
    return SUBSETS[method](data, budget, rng)
