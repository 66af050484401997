"""CRAIG: a weighted subset whose gradients stand for the gradients of all, class by class.

Facility location on gradients: the similarity of two examples is the largest distance between two gradients minus
theirs, at a pilot head; a kept example weighs as many examples as it stands for.

Departures: gradients of the last layer in closed form and factored (gradients.py), never n × n × (c·d); of a class of
more than `REFERENCES` examples a random sample has to be covered; the pilot head is fitted on a random stratified set
of the size of the budget, so that it costs less than what it saves.

Measured on spoken digits (benchmarks/selection.py): above random at 30 % of the examples, below it at 10 %, where a
few large weights stand for too many examples.

References
----------
Mirzasoleiman, Bilmes, Leskovec, "Coresets for data-efficient training of machine learning models", ICML 2020.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.selection.facility_location import REFERENCES, class_budgets
from yori.selection.gradients import Gradients, gradients_of
from yori.selection.greedy import Similarity, cover
from yori.selection.labelled import Labelled, Subset, weighted
from yori.selection.pool import can_fit, fit_head
from yori.selection.stratified import stratified_rows


def pilot_weight(data: Labelled, budget: int, rng: np.random.Generator) -> Float[np.ndarray, "c d1"]:
    """A head on a random stratified set of the size of the budget."""
    rows = stratified_rows(data.strata, budget, rng)
    labels = data.labels[rows]
    if not can_fit(labels):
        return np.zeros((data.classes, data.embeddings.shape[1] + 1))
    return fit_head(data.embeddings[rows], labels, classes=data.classes, l2=data.l2, tolerance=1e-2).weight


def gradient_similarity(gradients: Gradients, references: Gradients) -> Similarity:
    """Twice the longest gradient minus the distance of two: ≥ 0 by the triangle inequality."""
    lengths, sizes = gradients.squared_lengths(), references.squared_lengths()
    most = 2 * float(np.sqrt(max(lengths.max(), sizes.max())))

    def similarity(rows: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b r"]:
        found = gradients.take(rows).inner(references)
        found *= -2
        found += sizes
        found += lengths[rows, None]
        np.sqrt(np.maximum(found, 0, out=found), out=found)
        np.subtract(most, found, out=found)
        return np.maximum(found, 0, out=found)

    return similarity


def craig(data: Labelled, budget: int, rng: np.random.Generator) -> Subset:
    """Cover the gradients of each class; weights are the numbers of examples stood for."""
    everything = gradients_of(data.embeddings, data.labels, pilot_weight(data, budget, rng))
    rows, weights = [], []
    strata = data.strata
    for label, number in class_budgets(strata, budget).items():
        members = np.flatnonzero(strata == label)
        own = everything.take(members)
        few = len(members) <= REFERENCES
        some = own if few else own.take(np.sort(rng.choice(len(members), REFERENCES, replace=False)))
        found = cover(gradient_similarity(own, some), len(own), len(some), number, rng=rng)
        rows.append(members[found.rows])
        weights.append(found.served * (len(own) / len(some)))
    return weighted(np.concatenate(rows), np.concatenate(weights))
