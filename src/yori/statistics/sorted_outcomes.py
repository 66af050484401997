r"""AURC and AUGRC of many reweightings of the same rows, with one sort.

A bootstrap replicate is a whole-number weight for every row: how often it was drawn. The order by confidence does not
change with the weights, so the rows are sorted once and a replicate is a pass of cumulative sums. With weights
:math:`w` in sorted order, :math:`W_k` the weight and :math:`E_k` the wrong weight down to the *k*-th distinct
confidence, and :math:`N` the total weight,

.. math::
    \text{AURC} = \frac1N \sum_k (W_k - W_{k-1}) \frac{r_k + r_{k-1}}2,\; r_k = \frac{E_k}{W_k}
    \qquad
    \text{AUGRC} = \frac1{N^2} \sum_k (W_k - W_{k-1}) \frac{E_k + E_{k-1}}2,

where a confidence of weight 0 adds nothing and the curve is flat up to the first one that has weight. The results equal
`yori.metrics.aurc` and `yori.metrics.augrc` of the rows written out as often as they were drawn.

Weights arrive per *unit* (a row, or a cluster of rows that are drawn together), so that both arms of a paired
comparison read the same draw. Everything is done in blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from yori.arrays import Confidence, Correct

_BLOCK = 1 << 18
"""Sorted rows times replicates handled at a time. Arrays this long leave the nearest cache and cost one thread nothing, but
threads hand the interpreter's lock to each other four times less often than at 2¹⁶, which is what two threads lose most on."""


@dataclass(frozen=True)
class SortedOutcomes:
    """Rows of one arm from the most to the least trusted.

    Attributes
    ----------
    unit
        Shape ``(n,)``. Unit of each sorted row; None when sorted row *i* is unit *i*.
    wrong
        Shape ``(n,)``. 1 where the sorted row is wrong.
    last
        Shape ``(g,)``. Position of the last row of each distinct confidence; None when no two rows are tied.
    """

    unit: Int[np.ndarray, " n"] | None
    wrong: UInt8[np.ndarray, " n"]
    last: Int[np.ndarray, " g"] | None


def sort_outcomes(confidence: Confidence, correct: Correct, unit: Int[np.ndarray, " n"]) -> SortedOutcomes:
    """Sort checked rows once; ``unit`` is the index into the weights that each row reads.

    Examples
    --------
    >>> found = sort_outcomes(np.array([0.2, 0.9, 0.2]), np.array([True, True, False]), np.arange(3))
    >>> found.unit[0], found.wrong.tolist()[0], found.last.tolist()
    (np.int64(1), 0, [0, 2])
    """
    order = np.argsort(-confidence)
    ordered = confidence[order]
    ends = np.append(ordered[1:] != ordered[:-1], True)
    read = unit[order]
    identity = len(read) > 1 and read[0] == 0 and bool((np.diff(read) == 1).all())
    return SortedOutcomes(
        unit=None if identity else read,
        wrong=(~correct[order]).astype(np.uint8),
        last=None if ends.all() else np.flatnonzero(ends),
    )


def aurc_of_weights(rows: SortedOutcomes, weights: UInt8[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
    """AURC of the rows for each of ``r`` weight vectors over the units; NaN where every row has weight 0.

    Examples
    --------
    >>> rows = sort_outcomes(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]), np.arange(3))
    >>> aurc_of_weights(rows, np.array([[1, 1, 1], [0, 2, 1]], dtype=np.uint8)).round(4)
    array([0.2222, 0.9444])
    """
    return _area(rows, weights, generalised=False)


def augrc_of_weights(rows: SortedOutcomes, weights: UInt8[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
    """AUGRC of the rows for each of ``r`` weight vectors over the units; NaN where every row has weight 0.

    Examples
    --------
    >>> rows = sort_outcomes(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]), np.arange(3))
    >>> augrc_of_weights(rows, np.array([[1, 1, 1], [0, 2, 1]], dtype=np.uint8)).round(4)
    array([0.1667, 0.4444])
    """
    return _area(rows, weights, generalised=True)


def _area(rows: SortedOutcomes, weights: UInt8[np.ndarray, "r u"], *, generalised: bool) -> Float[np.ndarray, " r"]:
    replicates, n = len(weights), len(rows.wrong)
    step = max(1, _BLOCK // replicates)
    width = min(step, n)
    drawn, missed = np.empty((2, replicates, width), dtype=np.uint8)
    beside_buffer = np.empty((replicates, width), dtype=np.uint16)
    counts = np.empty((replicates, width), dtype=np.int64 if n >= 1 << 22 else np.int32)
    # Column 0 of both holds the last point of the block before.
    accepted = np.zeros((replicates, width + 1))
    risk = np.zeros((replicates, width + 1))
    pairs_buffer, widths_buffer = np.empty((replicates, width)), np.empty((replicates, width))
    area, flat = np.zeros(replicates), np.zeros(replicates)
    all_weight = np.zeros((replicates, 1), dtype=np.int64)
    all_wrong = np.zeros((replicates, 1), dtype=np.int64)
    started = np.zeros(replicates, dtype=np.bool_)
    points_done = 0
    for start in range(0, n, step):
        stop = min(start + step, n)
        m = stop - start
        w = drawn[:, :m]
        if rows.unit is None:
            w = weights[:, start:stop]
        elif replicates == 1:  # much faster than the same along an axis
            np.take(weights[0], rows.unit[start:stop], out=w[0], mode="clip")
        else:  # mode "clip" spares a buffer; all units are in range
            np.take(weights, rows.unit[start:stop], axis=1, out=w, mode="clip")
        ends: slice | Int[np.ndarray, " g"] = slice(None)
        points = m
        if rows.last is not None:
            points_until = int(np.searchsorted(rows.last, stop))
            ends = rows.last[points_done:points_until] - start
            points, points_done = points_until - points_done, points_until
        at, r = accepted[:, : points + 1], risk[:, : points + 1]
        total = _running(w, counts[:, :m], all_weight)
        at[:, 1:] = total[:, ends]
        all_weight = total[:, -1:].astype(np.int64)
        total = _running(np.multiply(w, rows.wrong[start:stop], out=missed[:, :m]), counts[:, :m], all_wrong)
        r[:, 1:] = total[:, ends]
        all_wrong = total[:, -1:].astype(np.int64)
        if points == 0:  # a group of ties goes on in the next block
            continue
        if not generalised:
            if not started.all():
                _flat_start(at, r, started, flat)
                np.divide(r[:, 1:], np.maximum(at[:, 1:], 1.0), out=r[:, 1:])
            else:
                np.divide(r[:, 1:], at[:, 1:], out=r[:, 1:])
        if rows.last is None:
            # Σ w_k (r_k + r_{k−1}) = Σ r_k (w_k + w_{k+1}): the weights are whole numbers of two bytes, cheap to add.
            beside = np.add(w[:, :-1], w[:, 1:], dtype=np.uint16, out=beside_buffer[:, : m - 1])
            widths_buffer[:, : m - 1] = beside
            area += np.einsum("ij,ij->i", widths_buffer[:, : m - 1], r[:, 1:-1])
            area += r[:, 0] * w[:, 0] + r[:, -1] * w[:, -1]
        else:
            pairs = np.add(r[:, 1:], r[:, :-1], out=pairs_buffer[:, :points])
            widths = np.subtract(at[:, 1:], at[:, :-1], out=widths_buffer[:, :points])
            area += np.einsum("ij,ij->i", widths, pairs)
        accepted[:, 0], risk[:, 0] = at[:, -1], r[:, -1]
    total_weight = all_weight[:, 0].astype(np.float64)
    total_weight[total_weight == 0] = np.nan
    return (area + flat) / (2 * total_weight * (total_weight if generalised else 1.0))


def _running(
    values: UInt8[np.ndarray, "r m"], out: Int[np.ndarray, "r m"], before: Int[np.ndarray, "r 1"]
) -> Int[np.ndarray, "r m"]:
    """Cumulative sums along the rows, on top of what came before this block."""
    np.copyto(out, values)  # summing in place of wider numbers is faster than widening while summing
    out[:, :1] += before.astype(out.dtype)
    np.cumsum(out, axis=1, out=out)
    return out


def _flat_start(
    accepted: Float[np.ndarray, "r p1"],
    errors: Float[np.ndarray, "r p1"],
    started: Float[np.ndarray, " r"] | np.ndarray,
    flat: Float[np.ndarray, " r"],
) -> None:
    """Add the half of the first group that has weight which the trapezoid from risk 0 leaves out.

    ``(W₁ − 0)(r₁ + 0)`` is half of the flat part ``W₁ · 2r₁``; what is missing is ``W₁ r₁ = E₁``.
    """
    has_weight = accepted[:, 1:] > 0
    first = has_weight.argmax(axis=1)
    begins = ~started & has_weight.any(axis=1)
    flat[begins] = errors[begins, first[begins] + 1]
    started |= begins
