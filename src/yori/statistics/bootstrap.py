"""Bootstrap of the difference between two arms: paired, clustered, stratified, or hierarchical over domains.

The same draw serves both arms, all seeds of a domain, and every row of a cluster. For AURC and AUGRC the rows are
sorted once and a replicate is a weight vector pushed through the sorted order (`yori.statistics.sorted_outcomes`); a
mean needs the sums of each cluster only; any other metric is computed from the rows that were drawn.

Every block of replicates has its own generator, spawned from the one handed in, so that results do not depend on the
number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from yori.errors import ValuesError
from yori.metrics.calibration import top_label_calibration_error
from yori.metrics.selective import augrc, aurc
from yori.statistics.comparable_metrics import (
    Columns,
    ComparableMetric,
    Direction,
    find_metric,
    mean,
    risk_at,
    squared_ece,
)
from yori.statistics.pairing import Cell, Pairing, pair, renumber
from yori.statistics.predictions import Predictions
from yori.statistics.resampling import BLOCK, draw_counts
from yori.statistics.sorted_cuts import ece_of_weights, risk_of_weights, sort_rows
from yori.statistics.sorted_outcomes import augrc_of_weights, aurc_of_weights, sort_outcomes
from yori.workers import default_workers

Difference: TypeAlias = Callable[[UInt8[np.ndarray, "r u"]], Float[np.ndarray, " r"]]
"""Metric of after minus metric of before, for each row of weights over the clusters."""


def bootstrap_differences(
    before: Predictions,
    after: Predictions,
    *,
    metric: str | Callable[[Predictions], float] | ComparableMetric,
    groups: Shaped[np.ndarray, " n"] | None = None,
    domains: Shaped[np.ndarray, " n"] | None = None,
    seeds: Shaped[np.ndarray, " n"] | None = None,
    domains_fixed: bool = False,
    direction: Direction | None = None,
    replicates: int = 2000,
    rng: np.random.Generator,
    threads: int | None = None,
) -> Float[np.ndarray, " r"]:
    """Draw bootstrap replicates of the effect that `yori.statistics.compare` reports.

    Parameters
    ----------
    before, after, metric, groups, domains, seeds, domains_fixed, direction
        As `yori.statistics.compare`. With several domains the bootstrap is hierarchical: domains are drawn, then for
        each drawn domain its seeds, and its clusters. With ``domains_fixed`` it is stratified: clusters within every
        domain.
    replicates
        How many.
    rng
        The only source of randomness. The same generator state gives the same replicates with any number of threads.
    threads
        None: one per core that this process may use.

    Returns
    -------
    Shape ``(replicates,)``: after minus before. Their spread is a standard error. For the hierarchical bootstrap it is
    too wide where domains hardly differ, see `yori.statistics.domains`.

    Raises
    ------
    AlignmentError, ShapeError, ValuesError
        As `yori.statistics.compare`.

    References
    ----------
    Efron, Tibshirani, An Introduction to the Bootstrap, 1993. Davison, Hinkley, Bootstrap Methods and their
    Application, 1997, section 3.8 (hierarchical data).

    Examples
    --------
    >>> ids, correct = np.arange(4), np.array([True, True, False, True])
    >>> before = Predictions(ids, confidence=np.array([0.9, 0.8, 0.7, 0.6]), correct=correct)
    >>> after = Predictions(ids, confidence=np.array([0.9, 0.8, 0.5, 0.6]), correct=correct)
    >>> found = bootstrap_differences(before, after, metric="aurc", replicates=500, rng=np.random.default_rng(0))
    >>> found.shape, bool(found.max() <= 0)
    ((500,), True)
    """
    if replicates < 1:
        raise ValuesError("at least one replicate", f"{replicates}", where="bootstrap_differences")
    pairing = pair(before, after, groups=groups, domains=domains, seeds=seeds)
    chosen = find_metric(metric, direction)
    if len(pairing.domains) == 1 or domains_fixed:
        return stratified_replicates(pairing, chosen, replicates, rng, threads)
    return hierarchical_replicates(pairing, chosen, replicates, rng, threads)


def stratified_replicates(
    pairing: Pairing, metric: ComparableMetric, replicates: int, rng: np.random.Generator, threads: int | None
) -> Float[np.ndarray, " r"]:
    """Clusters are drawn within each domain; the effect is the mean over all domains of the mean over their seeds."""
    total = np.zeros(replicates)
    for cells, own in zip(by_domain(pairing), rng.spawn(len(pairing.domains)), strict=True):
        total += mean_over_cells(seed_replicates(cells, metric, replicates, own, threads))
    return total / len(pairing.domains)


def hierarchical_replicates(
    pairing: Pairing, metric: ComparableMetric, replicates: int, rng: np.random.Generator, threads: int | None
) -> Float[np.ndarray, " r"]:
    """Domains are drawn, for each drawn domain its seeds and its clusters; a domain drawn twice is filled twice."""
    n_domains = len(pairing.domains)
    drawn = rng.integers(0, n_domains, (replicates, n_domains))
    values = np.empty((replicates, n_domains))
    for index, (cells, own) in enumerate(zip(by_domain(pairing), rng.spawn(n_domains), strict=True)):
        places = drawn == index
        copies = int(places.sum())
        if copies:
            deltas = seed_replicates(cells, metric, copies, own, threads)
            values[places] = mean_over_cells(deltas, draw_counts(own, len(cells), copies))
    return mean_over_cells(values)


def seed_replicates(
    cells: Sequence[Cell], metric: ComparableMetric, replicates: int, rng: np.random.Generator, threads: int | None
) -> Float[np.ndarray, "r s"]:
    """Replicates of the difference in each cell (seed) of one domain, which all read the same draw of clusters.

    NaN where a cell holds none of the clusters drawn, which can happen when seeds test different rows.
    """
    code, units = renumber(np.concatenate([cell.cluster for cell in cells]))
    if len(cells) == 1 and units == len(code) and cells[0].before.confidence is not None:
        # Every row is its own unit: number the units as before is sorted, and reading its weights costs nothing.
        code[np.argsort(-cells[0].before.confidence)] = np.arange(units)
    bounds = np.cumsum([len(cell.cluster) for cell in cells])[:-1]
    kernels = [
        prepare(metric, cell.before, cell.after, unit, units)
        for cell, unit in zip(cells, np.split(code, bounds), strict=True)
    ]
    size = max(1, BLOCK // max(units, *(len(cell.cluster) for cell in cells)))
    result = np.empty((replicates, len(cells)))
    starts = range(0, replicates, size)

    def fill(start: int, own: np.random.Generator) -> None:
        block = result[start : start + size]
        weights = draw_counts(own, units, len(block))
        for column, kernel in enumerate(kernels):
            block[:, column] = kernel(weights)

    run_blocks(fill, starts, rng, threads)
    return result


def prepare(
    metric: ComparableMetric, before: Predictions, after: Predictions, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    """Do once what all replicates of a cell share, and return the function from weights to differences."""
    kernel: Callable[..., Difference] = _KERNELS.get(
        getattr(metric.function, "func", metric.function), _difference_of_drawn_rows
    )
    return kernel(metric, metric.columns(before), metric.columns(after), unit, units)


def run_blocks(
    fill: Callable[[int, np.random.Generator], None], starts: range, rng: np.random.Generator, threads: int | None
) -> None:
    """Call ``fill(start, generator)`` for every block, each with a generator of its own, on several threads."""
    workers = min(len(starts), threads if threads is not None else default_workers())
    generators = rng.spawn(len(starts))
    if workers <= 1:
        for start, own in zip(starts, generators, strict=True):
            fill(start, own)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, starts, generators))


def by_domain(pairing: Pairing) -> list[list[Cell]]:
    """Cells of each domain, in the order of the domains."""
    return [[cell for cell in pairing.cells if cell.domain == d] for d in range(len(pairing.domains))]


def _difference_of_areas(
    metric: ComparableMetric, before: Columns, after: Columns, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    area = aurc_of_weights if metric.function is aurc else augrc_of_weights
    first, second = (sort_outcomes(confidence, correct, unit) for confidence, correct in (before, after))
    return lambda weights: area(second, weights) - area(first, weights)


def _difference_of_ece(
    metric: ComparableMetric, before: Columns, after: Columns, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    first, second = (sort_rows(score, right, unit, descending=False) for score, right in (before, after))
    squared = metric.function is squared_ece
    return lambda weights: (
        ece_of_weights(second, weights, squared=squared) - ece_of_weights(first, weights, squared=squared)
    )


def _difference_of_risk(
    metric: ComparableMetric, before: Columns, after: Columns, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    coverage = metric.function.args[0]  # type: ignore[attr-defined]
    first, second = (sort_rows(score, right, unit, descending=True) for score, right in (before, after))
    return lambda weights: risk_of_weights(second, weights, coverage) - risk_of_weights(first, weights, coverage)


def _difference_of_means(
    metric: ComparableMetric, before: Columns, after: Columns, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    total = np.bincount(unit, weights=after[0] - before[0], minlength=units)
    rows = np.bincount(unit, minlength=units).astype(np.float64)

    def difference(weights: UInt8[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
        drawn = weights.astype(np.float64)
        count = drawn @ rows
        count[count == 0] = np.nan
        result: Float[np.ndarray, " r"] = (drawn @ total) / count
        return result

    return difference


def _difference_of_drawn_rows(
    metric: ComparableMetric, before: Columns, after: Columns, unit: Int[np.ndarray, " n"], units: int
) -> Difference:
    everything = np.arange(len(unit))

    def difference(weights: UInt8[np.ndarray, "r u"]) -> Float[np.ndarray, " r"]:
        result = np.full(len(weights), np.nan)
        for r, row in enumerate(weights):
            drawn = np.repeat(everything, row[unit])
            if len(drawn):
                first, second = (metric.function(*(c[drawn] for c in columns)) for columns in (before, after))
                result[r] = second - first
        return result

    return difference


_KERNELS: dict[Any, Callable[..., Difference]] = {
    aurc: _difference_of_areas,
    augrc: _difference_of_areas,
    mean: _difference_of_means,
    top_label_calibration_error: _difference_of_ece,
    squared_ece: _difference_of_ece,
    risk_at: _difference_of_risk,
}


def mean_over_cells(
    values: Float[np.ndarray, "r k"], weights: UInt8[np.ndarray, "r k"] | None = None
) -> Float[np.ndarray, " r"]:
    """Mean of each row, leaving out cells without a drawn row (NaN)."""
    weight = np.isfinite(values) * (1.0 if weights is None else weights.astype(np.float64))
    total = weight.sum(axis=1)
    total[total == 0] = np.nan
    result: Float[np.ndarray, " r"] = (np.where(weight > 0, values, 0.0) * weight).sum(axis=1) / total
    return result
