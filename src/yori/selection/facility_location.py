"""Facility location on embeddings, class by class: every example should have a similar one of its class among the kept.

Similarity is ``exp(−‖x_i − x_j‖² / (2 σ²))`` with σ² half the mean squared distance within the class. Each class is
given its share of the budget, so the kept set has the class balance of the whole. Of a class of more than
`REFERENCES` examples a random sample is what has to be covered."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.selection.greedy import Similarity, Way, cover
from yori.selection.k_center import squared_lengths
from yori.selection.labelled import Labelled, Subset, unweighted
from yori.selection.quotas import shares

REFERENCES = 2048


def class_budgets(labels: Int[np.ndarray, " n"], budget: int) -> dict[int, int]:
    """The budget in proportion to the classes."""
    return {int(name): number for name, number in shares(labels.astype(str), budget).items() if number}


def gaussian_similarity(x: Float[np.ndarray, "n d"], references: Float[np.ndarray, "r d"]) -> Similarity:
    """``exp(−‖x_i − x_j‖² / mean)`` with the mean squared distance between rows and references."""
    lengths, sizes = squared_lengths(x), squared_lengths(references)
    middle = x.mean(axis=0, dtype=np.float64) @ references.mean(axis=0, dtype=np.float64)
    mean = float(lengths.mean(dtype=np.float64) + sizes.mean(dtype=np.float64) - 2 * middle)
    scale = np.asarray(1 / mean if mean > 0 else 1.0, dtype=x.dtype)

    def similarity(rows: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b r"]:
        found = x[rows] @ references.T
        found *= 2
        found -= sizes
        found -= lengths[rows, None]
        np.minimum(found, 0, out=found)
        found *= scale
        np.exp(found, out=found)
        return found

    return similarity


def facility_location_rows(
    x: Float[np.ndarray, "n d"], budget: int, rng: np.random.Generator, *, way: Way = "lazy"
) -> Int[np.ndarray, " b"]:
    """Rows that cover all rows."""
    some = x if len(x) <= REFERENCES else x[np.sort(rng.choice(len(x), REFERENCES, replace=False))]
    return cover(gaussian_similarity(x, some), len(x), len(some), budget, way=way, rng=rng).rows


def facility_location(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Cover each class; lazy greedy."""
    return _by_class(data, budget, rng, "lazy")


def facility_location_stochastic(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Cover each class; stochastic greedy."""
    return _by_class(data, budget, rng, "stochastic")


def _by_class(data: Labelled, budget: int, rng: np.random.Generator, way: Way) -> Subset:
    parts = []
    strata = data.strata
    for label, number in class_budgets(strata, budget).items():
        members = np.flatnonzero(strata == label)
        parts.append(members[facility_location_rows(data.embeddings[members], number, rng, way=way)])
    return unweighted(np.concatenate(parts))
