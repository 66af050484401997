"""ECE and risk at a coverage of many reweightings of the same rows, with one sort.

Both are read from running sums at a few cuts: equal-mass bins cut the sorted rows into parts of equal weight, risk at a
coverage cuts them once. As in `yori.statistics.sorted_outcomes` a replicate is a whole-number weight for every unit, and the
values equal `yori.metrics.top_label_calibration_error` (equal mass, debiased) and `yori.metrics.risk_at_coverage` of the
rows written out as often as they were drawn, ties included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import special

from yori.arrays import Confidence, Correct

BINS = 15
"""As the default of `yori.metrics.top_label_calibration_error`."""


@dataclass(frozen=True)
class SortedRows:
    """Rows of one arm by confidence, ascending for ECE and descending for risk.

    Attributes
    ----------
    unit, confidence, right
        Shape ``(n,)`` each, in sorted order.
    last
        Shape ``(g,)``. Position of the last row of each distinct confidence.
    """

    unit: Int[np.ndarray, " n"]
    confidence: Float[np.ndarray, " n"]
    right: Bool[np.ndarray, " n"]
    last: Int[np.ndarray, " g"]


def sort_rows(confidence: Confidence, correct: Correct, unit: Int[np.ndarray, " n"], *, descending: bool) -> SortedRows:
    """Sort checked rows once."""
    order = np.argsort(-confidence if descending else confidence)
    ordered = confidence[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    return SortedRows(unit[order], ordered, correct[order], last)


def ece_of_weights(
    rows: SortedRows, weights: UInt8[np.ndarray, "r u"], bins: int = BINS, *, squared: bool = False
) -> Float[np.ndarray, " r"]:
    """Debiased equal-mass ECE (l1, or l2 squared) for each of ``r`` weight vectors; ``rows`` ascending.

    NaN where every row has weight 0.

    Examples
    --------
    >>> rows = sort_rows(
    ...     np.array([0.6, 0.7, 0.8, 0.9]), np.array([False, True, True, True]), np.arange(4), descending=False
    ... )
    >>> ece_of_weights(rows, np.ones((1, 4), dtype=np.uint8), bins=2).round(6)
    array([0.071445])
    """
    drawn, count, right = _sums(rows, weights)
    stated = np.cumsum(drawn * rows.confidence, axis=1)[:, rows.last]
    n = count[:, -1:]
    part, parts = np.arange(1, bins), np.clip(n, 1, bins)
    cuts = np.where(part < parts, part * (n // parts) + np.minimum(part, n % parts), n)
    group = _group_of(count, cuts + 1)
    before, size = _before(count, group)
    right_before, right_in = _before(right, group)
    inside = cuts - before
    # the right rows of a group that is cut are spread evenly over it
    right_at = right_before - (-(inside * right_in) // np.maximum(size, 1))
    stated_at = _before(stated, group)[0] + inside * rows.confidence[rows.last][group]
    each, hits, sums = (
        np.diff(np.concatenate([np.zeros((len(n), 1)), at, total[:, -1:]], axis=1), axis=1)
        for at, total in ((cuts, count), (right_at, right), (stated_at, stated))
    )
    weight, each = each / np.maximum(n, 1), np.maximum(each, 1)
    accuracy = hits / each
    gap = accuracy - sums / each
    if squared:
        noise = accuracy * (1 - accuracy) / np.maximum(each - 1, 1)
        squares = (weight * np.where(each > 1, gap**2 - noise, 0.0)).sum(axis=1)
        return np.where(n[:, 0] > 0, squares, np.nan)
    spread = np.sqrt(np.maximum(accuracy * (1 - accuracy), 0.0) / each)
    certain = spread == 0
    z = gap / np.where(certain, 1.0, spread)
    folded = spread * math.sqrt(2 / math.pi) * np.exp(-z * z / 2) + gap * special.erf(z / math.sqrt(2))
    value = (weight * (2 * np.abs(gap) - np.where(certain, np.abs(gap), folded))).sum(axis=1)
    return np.where(n[:, 0] > 0, value, np.nan)


def risk_of_weights(rows: SortedRows, weights: UInt8[np.ndarray, "r u"], coverage: float) -> Float[np.ndarray, " r"]:
    """Risk at a coverage for each of ``r`` weight vectors; ``rows`` descending. NaN where every row has weight 0.

    Examples
    --------
    >>> rows = sort_rows(
    ...     np.array([0.9, 0.8, 0.5, 0.5]), np.array([True, True, True, False]), np.arange(4), descending=True
    ... )
    >>> risk_of_weights(rows, np.ones((1, 4), dtype=np.uint8), 0.75).round(4)
    array([0.1667])
    """
    _, count, right = _sums(rows, weights)
    part = Fraction(float(coverage)).limit_denominator(10**9)
    n = count[:, -1:]
    taken = np.maximum(-(-(n * part.numerator) // part.denominator), 1)
    group = _group_of(count, np.minimum(taken, np.maximum(n, 1)))
    before, size = _before(count, group)
    right_before, right_in = _before(right, group)
    errors_before, errors_in = before - right_before, size - right_in
    safe = np.maximum(size, 1)
    risk = (errors_before * safe + (taken - before) * errors_in) / (taken * safe)
    value: Float[np.ndarray, " r"] = np.where(n > 0, risk, np.nan)[:, 0]
    return value


def _sums(
    rows: SortedRows, weights: UInt8[np.ndarray, "r u"]
) -> tuple[UInt8[np.ndarray, "r n"], Int[np.ndarray, "r g"], Int[np.ndarray, "r g"]]:
    """Weight of each row, and running weight and right weight at the end of each group."""
    drawn = weights[:, rows.unit]
    count = np.cumsum(drawn, axis=1, dtype=np.int64)[:, rows.last]
    right = np.cumsum(drawn * rows.right, axis=1, dtype=np.int64)[:, rows.last]
    return drawn, count, right


def _group_of(count: Int[np.ndarray, "r g"], position: Int[np.ndarray, "r k"]) -> Int[np.ndarray, "r k"]:
    """Group that holds the row at each position, counted from 1."""
    replicates, groups = count.shape
    line = np.arange(replicates)[:, None]
    longest = int(max(count.max(), position.max())) + 1  # lays the replicates end to end, for one search
    found = np.searchsorted((count + line * longest).ravel(), (position + line * longest).ravel(), side="left")
    return np.minimum(found.reshape(position.shape) - line * groups, groups - 1)


def _before(
    running: Int[np.ndarray, "r g"] | Float[np.ndarray, "r g"], group: Int[np.ndarray, "r k"]
) -> tuple[np.ndarray, np.ndarray]:
    """Running sum before each group, and what the group itself adds."""
    until = np.take_along_axis(running, group, axis=1)
    before = np.where(group > 0, np.take_along_axis(running, np.maximum(group - 1, 0), axis=1), 0)
    return before, until - before
