"""Rows gathered into confidence bins: the reliability diagram, and what every binned calibration error is read from.

Three binnings. ``equal_width`` cuts ``[0, 1]`` at ``linspace(0, 1, bins + 1)``; the side says which bin a value on an edge
belongs to. ``equal_mass`` sorts the rows and cuts them into parts whose sizes differ by at most one (``array_split``).
``quantile`` makes the same cuts and then moves each to the end of its group of equal confidence, so that such a group is
never cut; there may then be fewer bins than asked for.

Equal-mass bins must cut through groups of equal confidence, and a stable sort would let file order decide which rows fall
on which side. Here the right rows of a cut group are spread evenly over it, beginning with a right one: of the first ``j``
rows of a group of ``s`` rows with ``r`` right ones, ``ceil(j · r / s)`` count as right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import Confidence, Correct
from yori.errors import ValuesError
from yori.metrics.outcomes import check_probability_of_correct
from yori.metrics.ranking import Ranking, rank

Binning: TypeAlias = Literal["equal_mass", "equal_width", "quantile"]
Side: TypeAlias = Literal["right", "left"]


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """Bins from low to high confidence; empty ones are left out.

    Attributes
    ----------
    count
        Shape ``(b,)``. Rows in the bin, at least 1.
    confidence
        Shape ``(b,)``. Their mean confidence.
    accuracy
        Shape ``(b,)``. The part of them that is right.
    """

    count: Int[np.ndarray, " b"]
    confidence: Float[np.ndarray, " b"]
    accuracy: Float[np.ndarray, " b"]


def reliability_bins(
    confidence: Confidence,
    correct: Correct,
    *,
    bins: int = 15,
    binning: Binning = "equal_mass",
    side: Side = "right",
) -> ReliabilityBins:
    """Gather rows into confidence bins.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Probability of being right, in ``[0, 1]``.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    bins
        How many, at least 1. With more bins than rows, the bins without a row are left out.
    binning
        ``"equal_mass"``, ``"equal_width"`` or ``"quantile"``; see the module.
    side
        The closed side of an equal-width bin: ``"right"`` is ``(a, b]`` with 0 in the first bin, ``"left"`` is ``[a, b)``
        with 1 in the last. Read for ``"equal_width"`` only.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence lies outside ``[0, 1]``, or an option is unknown.

    Examples
    --------
    >>> found = reliability_bins(np.array([0.6, 0.7, 0.9, 1.0]), np.array([True, False, True, True]), bins=2)
    >>> found.count, found.confidence, found.accuracy
    (array([2, 2]), array([0.65, 0.95]), array([0.5, 1. ]))
    """
    where = "reliability_bins"
    scores, right = check_probability_of_correct(confidence, correct, where=where)
    check_bins(bins, binning, side, where=where)
    if binning == "equal_width":
        return _equal_width(scores, right, bins, side)
    return SortedOutcomes(rank(scores, right)).bins(bins, whole_groups=binning == "quantile")


def check_bins(bins: int, binning: str, side: str, *, where: str) -> None:
    """Raise `ValuesError` for a number of bins below 1, or an unknown binning or side."""
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValuesError("a whole number of bins of at least 1", f"{bins}", where=where)
    for value, known in ((binning, get_args(Binning)), (side, get_args(Side))):
        if value not in known:
            raise ValuesError(f"one of {', '.join(known)}", f"{value!r}", where=where)


class SortedOutcomes:
    """Sorted rows that can be cut into any number of bins of equal mass without sorting again.

    Parameters
    ----------
    ranking
        Rows with confidences in ``[0, 1]``.
    """

    def __init__(self, ranking: Ranking) -> None:
        self.n = len(ranking)
        self._confidence = np.ascontiguousarray(ranking.confidence()[::-1])
        self._right_before = np.zeros(self.n + 1, dtype=np.int64)
        np.cumsum(1 - ranking.wrong()[::-1], out=self._right_before[1:])

    def bins(self, bins: int, *, whole_groups: bool = False) -> ReliabilityBins:
        """Cut the rows into ``bins`` parts of equal size, or to the ends of groups of equal confidence."""
        cuts = equal_cuts(self.n, bins)
        if whole_groups:
            cuts = np.unique(np.searchsorted(self._confidence, self._confidence[cuts - 1], side="right"))
            cuts = cuts[cuts < self.n]
        count, right = self._count_and_right(cuts)
        total = np.add.reduceat(self._confidence, np.append(0, cuts))
        return ReliabilityBins(count, total / count, right / count)

    def is_monotone(self, bins: int) -> bool:
        """Whether no bin is less accurate than the bin below it."""
        count, right = self._count_and_right(equal_cuts(self.n, bins))
        return bool((right[1:] * count[:-1] >= right[:-1] * count[1:]).all())

    def separates(self) -> bool:
        """Whether all wrong rows stand below all right ones; any number of bins is then monotone."""
        wrong = self.n - int(self._right_before[-1])
        mixed = 0 < wrong < self.n and self._confidence[wrong - 1] == self._confidence[wrong]
        return bool(self._right_before[wrong] == 0) and not mixed

    def _count_and_right(self, cuts: Int[np.ndarray, " k"]) -> tuple[Int[np.ndarray, " k+1"], Int[np.ndarray, " k+1"]]:
        """Return the rows and the right rows between cuts; the right rows of a group that is cut are spread evenly."""
        first = np.searchsorted(self._confidence, self._confidence[cuts], side="left")
        last = np.searchsorted(self._confidence, self._confidence[cuts], side="right")
        in_group = self._right_before[last] - self._right_before[first]
        below = self._right_before[first] - (-(cuts - first) * in_group // (last - first))
        count = np.diff(cuts, prepend=0, append=self.n)
        return count, np.diff(below, prepend=0, append=self._right_before[-1])


def equal_cuts(n: int, bins: int) -> Int[np.ndarray, " k"]:
    """Return the rows at which ``array_split`` starts the second and later of its non-empty parts of ``n`` rows."""
    parts = min(n, bins)
    small, larger = divmod(n, parts)
    part = np.arange(1, parts)
    cuts: Int[np.ndarray, " k"] = part * small + np.minimum(part, larger)
    return cuts


def _equal_width(
    confidence: Float[np.ndarray, " n"], correct: Bool[np.ndarray, " n"], bins: int, side: Side
) -> ReliabilityBins:
    edges = np.linspace(0, 1, bins + 1)
    # A product finds the bin up to rounding; comparing with the edges themselves then settles it exactly.
    member = (confidence * bins).astype(np.int64)
    np.minimum(member, bins - 1, out=member)
    if side == "right":
        member += confidence > edges[1:][member]
        member -= (confidence <= edges[:-1][member]) & (member > 0)
    else:
        member += (confidence >= edges[1:][member]) & (member < bins - 1)
        member -= confidence < edges[:-1][member]
    count = np.bincount(member, minlength=bins)
    total = np.bincount(member, weights=confidence, minlength=bins)
    right = np.bincount(np.compress(correct, member), minlength=bins)
    used = count > 0
    return ReliabilityBins(count[used], total[used] / count[used], right[used] / count[used])
