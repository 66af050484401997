"""Permutation test: were the labels *before* and *after* exchangeable, example by example?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.errors import ValuesError
from yori.metrics.selective import augrc, aurc
from yori.statistics.bootstrap import run_blocks
from yori.statistics.comparable_metrics import ComparableMetric, Direction, find_metric, mean
from yori.statistics.pairing import pair, renumber
from yori.statistics.predictions import Predictions
from yori.statistics.resampling import BLOCK
from yori.statistics.sorted_outcomes import augrc_of_weights, aurc_of_weights, sort_outcomes

ENUMERATE_UP_TO = 12
"""With at most this many clusters all assignments are listed and the p-value is exact."""


@dataclass(frozen=True)
class PermutationResult:
    """Observed difference (after minus before), two-sided p-value, and how many assignments it rests on."""

    delta: float
    p_value: float
    assignments: int
    exact: bool


def permutation_test(
    before: Predictions,
    after: Predictions,
    *,
    metric: str | Callable[[Predictions], float] | ComparableMetric,
    groups: Shaped[np.ndarray, " n"] | None = None,
    direction: Direction | None = None,
    replicates: int = 9999,
    rng: np.random.Generator,
    threads: int | None = None,
) -> PermutationResult:
    """Test "both models behave alike" by swapping the arms of whole examples, or of whole groups, at random (two-sided).

    No formula and no large sample is needed; the size is at most the level for any ``n`` and any metric. What is tested
    is that swapping changes nothing at all, so the two confidences must be on one scale: compare two temperatures, or a
    probability with an energy, by `yori.statistics.compare` instead. One test set: domains and seeds are for `compare`.

    Parameters
    ----------
    before, after, metric, groups, direction
        As `yori.statistics.compare`. Without groups each example is swapped by itself.
    replicates
        Random assignments, besides the one observed. With at most `ENUMERATE_UP_TO` groups all of them are listed instead.
    rng
        The only source of randomness.
    threads
        None: one per core. Does not change the result.

    Returns
    -------
    PermutationResult
        ``p = (1 + #{|T*| ≥ |T|}) / (1 + replicates)``; identical predictions give 1.

    Raises
    ------
    AlignmentError, ShapeError, ValuesError
        As `yori.statistics.compare`.

    Notes
    -----
    For AURC and AUGRC the ``2n`` rows of both arms are sorted once; an assignment is a weight of 0 or 1 for each.

    References
    ----------
    Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd edition 2005. Phipson, Smyth, Statistical
    Applications in Genetics and Molecular Biology 2010, doi:10.2202/1544-6115.1585 (the 1 + in both places).

    Examples
    --------
    >>> ids, better = np.arange(8), np.array([True] * 7 + [False])
    >>> before = Predictions(ids, correct=np.zeros(8, dtype=bool))
    >>> found = permutation_test(
    ...     before, Predictions(ids, correct=better), metric="accuracy", rng=np.random.default_rng(0)
    ... )
    >>> found.delta, found.p_value, found.exact
    (0.875, 0.015625, True)
    """
    if replicates < 1:
        raise ValuesError("at least one replicate", f"{replicates}", where="permutation_test")
    pairing = pair(before, after, groups=groups)
    chosen = find_metric(metric, direction)
    cell = pairing.cells[0]
    unit, units = renumber(cell.cluster)
    difference = _prepare(chosen, cell.before, cell.after, unit)
    delta = float(difference(np.zeros((1, units), dtype=np.bool_))[0])
    exact = units <= ENUMERATE_UP_TO
    if exact:
        listed = (np.arange(2**units)[:, None] >> np.arange(units)) & 1
        found = difference(listed.astype(np.bool_))
    else:
        found = np.empty(replicates)
        size = max(1, BLOCK // (2 * len(unit)))

        def fill(start: int, own: np.random.Generator) -> None:
            block = found[start : start + size]
            block[:] = difference(_coins(own, len(block), units))

        run_blocks(fill, range(0, replicates, size), rng, threads)
    # Differences that are equal on paper may differ in the last digits.
    reached = int((np.abs(found) >= abs(delta) - 1e-12 * max(1.0, abs(delta))).sum())
    p = reached / len(found) if exact else (1 + reached) / (1 + len(found))
    return PermutationResult(delta, p, len(found), exact)


def _coins(rng: np.random.Generator, replicates: int, units: int) -> Bool[np.ndarray, "r u"]:
    bits = np.unpackbits(np.frombuffer(rng.bytes(replicates * (-(-units // 8))), dtype=np.uint8))
    return bits.reshape(replicates, -1)[:, :units].astype(np.bool_)


def _prepare(
    metric: ComparableMetric, before: Predictions, after: Predictions, unit: Int[np.ndarray, " n"]
) -> Callable[[Bool[np.ndarray, "r u"]], Float[np.ndarray, " r"]]:
    """Return the function from swaps (True: this unit's arms change places) to differences."""
    first, second = metric.columns(before), metric.columns(after)
    n, units = len(unit), int(unit.max()) + 1
    if metric.function is mean:
        per_unit = np.bincount(unit, weights=second[0] - first[0], minlength=units) / n
        return lambda swapped: (1.0 - 2.0 * swapped) @ per_unit
    pooled = [_pool(a, b) for a, b in zip(first, second, strict=True)]
    if metric.function in (aurc, augrc):
        area = aurc_of_weights if metric.function is aurc else augrc_of_weights
        rows = sort_outcomes(pooled[0], pooled[1], np.concatenate([unit, unit + units]))

        def of_areas(swapped: Bool[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
            from_after = np.concatenate([swapped, ~swapped], axis=1).astype(np.uint8)
            return area(rows, from_after) - area(rows, 1 - from_after)

        return of_areas
    here = np.arange(n)

    def of_rows(swapped: Bool[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
        result = np.empty(len(swapped))
        for r, row in enumerate(swapped[:, unit]):
            now_after = [column[here + n * ~row] for column in pooled]
            now_before = [column[here + n * row] for column in pooled]
            result[r] = metric.function(*now_after) - metric.function(*now_before)
        return result

    return of_rows


def _pool(before: Any, after: Any) -> Any:
    """One column of both arms, one below the other."""
    return before.stacked(after) if isinstance(before, Predictions) else np.concatenate([before, after])
