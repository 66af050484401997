"""Objectives built on those of objectives.py: weights, groups, the worst group, any coverage, a gradient of one's own.

Each is a small object that goes wherever the name of an objective goes. Groups are anything known about the query examples:
their classes (``GroupMean("nll", labels)`` counts every class alike), domains, speakers, sites.

References
----------
Sagawa et al., "Distributionally robust neural networks", ICLR 2020 (the worst group).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from yori.arrays import check_finite, check_length
from yori.attribution.objectives import (
    OBJECTIVES,
    Objective,
    Query,
    confidence_rank,
    coverage_weights,
    query_of_logits,
)
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS


@dataclass(frozen=True)
class Weighted:
    """``base`` with each query example's part multiplied by its weight, in units of the mean weight; ``weight (m,)`` ≥ 0.

    Examples
    --------
    >>> x, y, logits = np.zeros((2, 1)), np.array([0, 1]), np.array([[2.0, 0.0], [2.0, 0.0]])
    >>> only_first = Weighted("nll", np.array([1.0, 0.0]))
    >>> round(query_of_logits(only_first, x, y, logits).value, 4)
    0.1269
    """

    base: str
    weight: Num[np.ndarray, " m"]

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
        """See `Objective`."""
        own = np.asarray(self.weight, dtype=np.float64)
        check_length(own, len(logits), name="weight", where="Weighted")
        check_finite(own, name="weight", where="Weighted")
        if (own < 0).any() or not own.sum() > 0:
            raise ValuesError("weights ≥ 0 with a positive sum", f"a sum of {own.sum():g}", where="Weighted")
        if self.base == "calibration":
            raise ValuesError("an objective that is a sum of losses", "'calibration'", where="Weighted")
        asked = query_of_logits(self.base, embeddings, targets, logits, link=link, temperature=temperature)
        own = own / own.mean()
        return Query(embeddings, asked.values * own, asked.rows * own.astype(asked.rows.dtype)[:, None])

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """See `Objective`."""
        return replace(self, weight=np.asarray(self.weight)[taking])


@dataclass(frozen=True)
class GroupMean:
    """Mean over the groups of ``base`` within each group: a rare class or domain asks as loudly as a common one.

    ``groups (m,)``: class, domain or anything else of each query example.

    Examples
    --------
    >>> x, y, logits = np.zeros((3, 1)), np.array([0, 0, 1]), np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    >>> round(query_of_logits(GroupMean("nll", y), x, y, logits).value, 4)
    1.1269
    """

    base: str
    groups: Shaped[np.ndarray, " m"]

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
        """See `Objective`."""
        member = _groups(self.groups, len(logits), "GroupMean")
        asked = _within(self.base, member, embeddings, targets, logits, link, temperature)
        count = int(member.max()) + 1
        return Query(embeddings, asked.values / count, asked.rows / count)

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """See `Objective`."""
        return replace(self, groups=np.asarray(self.groups)[taking])


@dataclass(frozen=True)
class WorstGroup:
    """``base`` within the group where it is largest.

    With a ``sharpness`` s > 0 the smooth ``log mean_g exp(s J_g) / s`` in its place: near ties share the voice, and what helps
    the worst may not hurt the next.

    Examples
    --------
    >>> x, y, logits = np.zeros((3, 1)), np.array([0, 0, 1]), np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    >>> round(query_of_logits(WorstGroup("nll", y), x, y, logits).value, 4)
    2.1269
    """

    base: str
    groups: Shaped[np.ndarray, " m"]
    sharpness: float | None = None

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
        """See `Objective`."""
        if self.sharpness is not None and not 0 < self.sharpness < np.inf:
            raise ValuesError("sharpness > 0", str(self.sharpness), where="WorstGroup")
        member = _groups(self.groups, len(logits), "WorstGroup")
        asked = _within(self.base, member, embeddings, targets, logits, link, temperature)
        each = np.bincount(member, weights=asked.values)
        if self.sharpness is None:
            voice, value = (np.arange(len(each)) == each.argmax()).astype(np.float64), float(each.max())
        else:
            raised = np.exp(self.sharpness * (each - each.max()))
            voice, value = raised / raised.sum(), float(each.max() + np.log(raised.mean()) / self.sharpness)
        values = voice[member] * asked.values
        values += (value - values.sum()) / len(values)
        return Query(embeddings, values, asked.rows * voice[member].astype(asked.rows.dtype)[:, None])

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """See `Objective`."""
        return replace(self, groups=np.asarray(self.groups)[taking])


@dataclass(frozen=True)
class RiskAtCoverage:
    """Mean probability of an error among the most confident part ``coverage`` of the query examples, in (0, 1]."""

    coverage: float

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
        """See `Objective`."""
        if not 0 < self.coverage <= 1:
            raise ValuesError("a coverage in (0, 1]", str(self.coverage), where="RiskAtCoverage")
        probs = LINKS[link].probs(logits.astype(np.float64) / temperature)
        certainty = probs if link == "softmax" else np.maximum(probs, 1 - probs).prod(axis=1, keepdims=True)
        weights = coverage_weights(confidence_rank(certainty), self.coverage)
        losses = LINKS[link].losses(logits.astype(np.float64) / temperature, targets)
        right = np.exp(-losses)
        hot = LINKS[link].one_hot(targets, logits.shape[1]).astype(np.float64)
        rows = (weights * right)[:, None] * (probs - hot) / temperature
        return Query(embeddings, weights * (1 - right), rows.astype(embeddings.dtype))

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """See `Objective`."""
        return self


@dataclass(frozen=True)
class GivenGradient:
    """A gradient of one's own: the objective is ``⟨gradient, head⟩``, ``gradient (c, d+1)`` with the bias last.

    For any functional that is differentiated elsewhere. Its query examples do not matter.
    """

    gradient: Float[np.ndarray, "c d1"]

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
        """See `Objective`."""
        matrix = np.asarray(self.gradient, dtype=np.float64)
        expected = (logits.shape[1], embeddings.shape[1] + 1)
        if matrix.shape != expected:
            raise ShapeError(f"a gradient of shape {expected}", f"shape {matrix.shape}", where="GivenGradient")
        check_finite(matrix, name="gradient", where="GivenGradient")
        value = 0.0 if weight is None else float((matrix * weight).sum())
        values = np.full(len(logits), value / len(logits))
        return _GivenQuery(embeddings, values, np.zeros(logits.shape, dtype=embeddings.dtype), matrix)

    def restricted(self, taking: Bool[np.ndarray, " m"]) -> Objective:
        """See `Objective`."""
        return self


@dataclass(frozen=True)
class _GivenQuery(Query):
    matrix: Float[np.ndarray, "c d1"]

    def gradient(self, weight: Num[np.ndarray, " m"] | None = None) -> Float[np.ndarray, "c d1"]:
        """The given one; it has no parts that could be weighed."""
        if weight is not None:
            raise ValuesError("an objective that is a sum over query examples", "a given gradient", where="objective")
        return self.matrix


def _groups(groups: Shaped[np.ndarray, " m"], m: int, where: str) -> Int[np.ndarray, " m"]:
    array = np.asarray(groups)
    check_length(array, m, name="groups", where=where)
    if array.ndim != 1:
        raise ShapeError("groups of shape (m,)", f"shape {array.shape}", where=where)
    _, member = np.unique(array.astype(str) if array.dtype == object else array, return_inverse=True)
    return member.astype(np.int64)


def _within(
    base: str,
    member: Int[np.ndarray, " m"],
    embeddings: Float[np.ndarray, "m d"],
    targets: Num[np.ndarray, "m ..."],
    logits: Float[np.ndarray, "m c"],
    link: str,
    temperature: float,
) -> Query:
    """``base`` of every group on its own, ranks included, in the rows of its members."""
    if base not in OBJECTIVES:
        raise ValuesError(f"an objective out of {', '.join(OBJECTIVES)}", repr(base), where="objective")
    values, rows = np.empty(len(logits)), np.empty(logits.shape, dtype=embeddings.dtype)
    for group in range(int(member.max()) + 1):
        own = member == group
        asked = query_of_logits(base, embeddings[own], targets[own], logits[own], link=link, temperature=temperature)
        values[own], rows[own] = asked.values, asked.rows
    return Query(embeddings, values, rows)
