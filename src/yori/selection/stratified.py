"""The controls of subset selection: random rows, and random rows in proportion to the classes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from yori.selection.labelled import Labelled, Subset, unweighted
from yori.selection.quotas import shares


def stratified_rows(labels: Int[np.ndarray, " n"], budget: int, rng: np.random.Generator) -> Int[np.ndarray, " b"]:
    """Random rows of each class in proportion to its size.

    Examples
    --------
    >>> rows = stratified_rows(np.array([0, 0, 0, 0, 1, 1]), 3, np.random.default_rng(0))
    >>> sorted(np.array([0, 0, 0, 0, 1, 1])[rows].tolist())
    [0, 0, 1]
    """
    parts = [
        rng.permutation(np.flatnonzero(labels == int(name)))[:number]
        for name, number in shares(labels.astype(str), budget).items()
    ]
    return np.concatenate(parts)


def random_subset(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Any rows."""
    return unweighted(rng.permutation(len(data))[:budget])


def stratified_subset(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Random rows of each class in proportion to its size."""
    return unweighted(stratified_rows(data.strata, budget, rng))
