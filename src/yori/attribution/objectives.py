"""What a validation set asks for: objectives of a head's predictions, and their gradient with respect to its logits.

Every objective is a sum over the query examples, lower is better, so that its gradient with respect to the head is one
matrix ``G = Σ_j r_j (h_j, 1)ᵀ`` of rows ``r_j (c,)``; a subset, a fold or a bootstrap resample of the query examples is
only another weighting of the rows. The reliability objectives weigh each example by its rank in confidence: AURC is a mean
of errors in which the example at rank *r* (1 = most confident of *m*) weighs ``(H_m − H_{r−1}) / m``, AUGRC one that is
linear in the rank. Ranks are held fixed when differentiating.

References
----------
Zhou, Molnar, Blaschko, "A novel characterization of the population area under the risk coverage curve (AURC) and rates of
finite sample estimators", 2024. Traub et al., "Overcoming common flaws in the evaluation of selective classification
systems", NeurIPS 2024 (AUGRC). Brier, Monthly Weather Review 78, 1950. Lin et al., ICCV 2017 (focal loss). Patrini et al.,
CVPR 2017 (forward correction: ``robust_nll``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Num

from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import logits_of, outer_sum

Rows = Float[np.ndarray, "m c"]
Values = Float[np.ndarray, " m"]


@dataclass(frozen=True)
class Query:
    """Query examples and what they ask: the right-hand side of an influence computation.

    ``values (m,)`` sum to the objective; ``rows (m, c)`` are the gradient of the objective with respect to each example's
    logits. Where the objective is not a sum of losses (``calibration``), a value is an example's part in it.
    """

    embeddings: Float[np.ndarray, "m d"]
    values: Values
    rows: Rows

    def gradient(self, weight: Num[np.ndarray, " m"] | None = None) -> Float[np.ndarray, "c d1"]:
        """``G (c, d+1)``: gradient of the objective with respect to the head; ``weight`` re-weighs the examples."""
        rows = self.rows if weight is None else self.rows * np.asarray(weight, dtype=self.rows.dtype)[:, None]
        return outer_sum(rows, self.embeddings)

    @property
    def value(self) -> float:
        """The objective itself."""
        return float(self.values.sum())


@runtime_checkable
class Objective(Protocol):
    """An objective that is more than a name: those of weighted_objectives.py, or your own."""

    def ask(
        self,
        embeddings: Float[np.ndarray, "m d"],
        targets: Num[np.ndarray, "m ..."],
        logits: Float[np.ndarray, "m c"],
        *,
        link: str,
        temperature: float,
        weight: Float[np.ndarray, "c d1"] | None,
    ) -> Query:
        """Evaluate it and differentiate it; ``weight`` is the head, where logits come from one."""

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """The same of some of the query examples only, such as a fold."""


def confidence_rank(probs: Float[np.ndarray, "m c"]) -> Float[np.ndarray, " m"]:
    """Rank of every example by its largest probability, 1 = most confident; ties share the mean of their ranks."""
    confidence = probs.max(axis=1)
    _, inverse, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank: Float[np.ndarray, " m"] = ((last - counts + 1 + last) / 2)[inverse]
    return rank


def aurc_weights(rank: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """``(H_m − H_{r−1}) / m``: what an error at rank *r* adds to AURC in its mean form. They sum to 1."""
    m = len(rank)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, m + 1))])
    # A tie group's mean rank may be a half: interpolate between its neighbours.
    low = np.floor(rank).astype(np.int64)
    before = harmonic[low - 1] + (rank - low) * (harmonic[np.minimum(low, m)] - harmonic[low - 1])
    weights: Float[np.ndarray, " m"] = (harmonic[m] - before) / m
    return weights


def augrc_weights(rank: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """``(m − r + ½) / m²``: what an error at rank *r* adds to AUGRC. They sum to ½."""
    m = len(rank)
    weights: Float[np.ndarray, " m"] = (m - rank + 0.5) / m**2
    return weights


def _likelihood(probs: Rows, hot: Rows, losses: Values, weights: Values) -> tuple[Values, Rows]:
    return weights * losses, weights[:, None] * (probs - hot)


def _noisy_likelihood(probs: Rows, hot: Rows, losses: Values, weights: Values, link: str) -> tuple[Values, Rows]:
    if link == "softmax":
        right, uniform = np.exp(-losses)[:, None], 1 / probs.shape[1]
    else:  # each label of its own
        right, uniform = np.abs(1 - hot - probs), 0.5
    mixed = (1 - LABEL_NOISE) * right + LABEL_NOISE * uniform
    values = -weights * np.log(mixed).sum(axis=1)
    return values, weights[:, None] * ((1 - LABEL_NOISE) * right / mixed) * (probs - hot)


def _squared(probs: Rows, hot: Rows, curve: Callable[[Rows, Rows], Rows], weights: Values) -> tuple[Values, Rows]:
    gap = probs - hot
    return weights * (gap * gap).sum(axis=1), weights[:, None] * curve(probs, 2 * gap)


def _soft_error(probs: Rows, hot: Rows, losses: Values, weights: Values) -> tuple[Values, Rows]:
    right = np.exp(-losses)  # the probability of the true label (or of the whole true label set)
    return weights * (1 - right), (weights * right)[:, None] * (probs - hot)


def _focal(probs: Rows, hot: Rows, losses: Values, weights: Values) -> tuple[Values, Rows]:
    right = np.exp(-losses)
    doubt = 1 - right
    # d/dlogits of doubt^g · loss, both being functions of the probability of the truth, whose gradient is −right (p − t).
    slope = doubt**FOCAL + FOCAL * doubt ** (FOCAL - 1) * right * losses
    return weights * doubt**FOCAL * losses, (weights * slope)[:, None] * (probs - hot)


def _class_gap(probs: Rows, hot: Rows, curve: Callable[[Rows, Rows], Rows], weights: Values) -> tuple[Values, Rows]:
    gap = weights @ (probs - hot)
    rows = weights[:, None] * curve(probs, np.broadcast_to(2 * gap, probs.shape).copy())
    return weights * ((probs - hot) @ gap), rows


def coverage_weights(rank: Float[np.ndarray, " m"], coverage: float) -> Float[np.ndarray, " m"]:
    """``1 / (coverage · m)`` for the most confident part, 0 for the rest: what an error adds to the risk at this coverage."""
    weights: Float[np.ndarray, " m"] = np.clip(coverage * len(rank) - rank + 1, 0, 1) / (coverage * len(rank))
    return weights


LABEL_NOISE = 0.1
"""Of ``robust_nll``: share of the asking examples whose label is drawn at random."""

FOCAL = 2
"""Exponent of the focal loss."""

COVERAGE = 0.8
"""Of ``risk80_soft``."""

OBJECTIVES: dict[str, str] = {
    "nll": "mean negative log-likelihood",
    "robust_nll": "mean negative log-likelihood of labels of which some are wrong: what no head can explain counts no more",
    "brier": "mean squared distance to the one-hot label",
    "aurc": "negative log-likelihood weighed by rank as AURC weighs errors",
    "augrc": "negative log-likelihood weighed by rank as AUGRC weighs errors",
    "aurc_soft": "probability of an error, weighed by rank as AURC weighs errors",
    "augrc_soft": "probability of an error, weighed by rank as AUGRC weighs errors",
    "risk80_soft": "mean probability of an error among the 80 % most confident",
    "focal": "mean focal loss, exponent 2: examples that are sure already count little",
    "calibration": "squared gap between mean probability and frequency, summed over the classes",
}
"""Names and what they are. The ``soft`` ones follow the metric most closely: confident mistakes saturate, as in the metric."""


RANK_WEIGHTS: dict[str, Callable[[Float[np.ndarray, " m"]], Float[np.ndarray, " m"]]] = {
    "aurc": aurc_weights,
    "augrc": augrc_weights,
    "risk80": lambda rank: coverage_weights(rank, COVERAGE),
}
"""What an error at each rank adds to the metric."""


def query_of_logits(
    objective: str | Objective,
    embeddings: Float[np.ndarray, "m d"],
    targets: Num[np.ndarray, "m ..."],
    logits: Float[np.ndarray, "m c"],
    *,
    link: str = "softmax",
    temperature: float = 1.0,
) -> Query:
    """`query` when the logits are at hand: of several heads, say, each example from the one that has not seen it."""
    if not isinstance(objective, str):
        return objective.ask(embeddings, targets, logits, link=link, temperature=temperature, weight=None)
    if objective not in OBJECTIVES:
        raise ValuesError(f"an objective out of {', '.join(OBJECTIVES)}", repr(objective), where="objective")
    functions = LINKS[link]
    scaled = logits.astype(np.float64) / temperature
    probs = functions.probs(scaled)
    hot = functions.one_hot(targets, scaled.shape[1]).astype(np.float64)
    losses = functions.losses(scaled, targets)
    m = len(scaled)
    if objective in ("nll", "robust_nll", "brier", "focal", "calibration"):
        weights = np.full(m, 1 / m)
    else:
        certainty = probs if link == "softmax" else np.maximum(probs, 1 - probs).prod(axis=1, keepdims=True)
        rank = confidence_rank(certainty)
        weights = RANK_WEIGHTS[objective.removesuffix("_soft")](rank)
    if objective == "brier":
        values, rows = _squared(probs, hot, functions.curvature_product, weights)
    elif objective == "focal":
        values, rows = _focal(probs, hot, losses, weights)
    elif objective == "calibration":
        values, rows = _class_gap(probs, hot, functions.curvature_product, weights)
    elif objective == "robust_nll":
        values, rows = _noisy_likelihood(probs, hot, losses, weights, link)
    elif objective.endswith("soft"):
        values, rows = _soft_error(probs, hot, losses, weights)
    else:
        values, rows = _likelihood(probs, hot, losses, weights)
    return Query(embeddings, values, (rows / temperature).astype(embeddings.dtype))


def query(
    objective: str | Objective,
    embeddings: Float[np.ndarray, "m d"],
    targets: Num[np.ndarray, "m ..."],
    weight: Float[np.ndarray, "c d1"],
    *,
    link: str = "softmax",
    temperature: float = 1.0,
) -> Query:
    """Evaluate an objective on query examples and differentiate it.

    Parameters
    ----------
    objective
        A key of `OBJECTIVES`, or an `Objective`.
    embeddings, targets
        ``(m, d)`` and labels ``(m,)`` or multi-hot ``(m, c)``.
    weight
        ``(c, d+1)`` of the head.
    temperature
        Logits are divided by it first: what matters to a calibrated model's ranking is then what is differentiated.

    Raises
    ------
    ValuesError
        If nobody knows the objective.
    """
    logits = logits_of(embeddings, weight)
    if not isinstance(objective, str):
        return objective.ask(embeddings, targets, logits, link=link, temperature=temperature, weight=weight)
    return query_of_logits(objective, embeddings, targets, logits, link=link, temperature=temperature)
