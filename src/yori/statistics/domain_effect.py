"""The effect in one domain, mean over its seeds, with the standard error that its own rows give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from yori.errors import ValuesError
from yori.statistics.bootstrap import mean_over_cells, seed_replicates
from yori.statistics.calibration_variance import noise_of_squares
from yori.statistics.closed_form import Interval, spread_of_totals, spreadless_interval, t_interval
from yori.statistics.comparable_metrics import Columns, ComparableMetric
from yori.statistics.pairing import Cell, renumber
from yori.workers import default_workers

_ROUNDING = 1e-13
"""A standard error below this part of the metric itself is rounding noise and counts as zero."""

_ROWS_FOR_THREADS = 100_000


@dataclass(frozen=True)
class DomainEffect:
    """Means over the seeds of one domain; the standard error is None for a single cluster, which shows no spread."""

    before: float
    after: float
    delta: float
    seed_deltas: tuple[float, ...]
    standard_error: float | None
    clusters: int
    examples: int


def domain_effect(
    cells: Sequence[Cell], metric: ComparableMetric, replicates: int, rng: np.random.Generator, threads: int | None
) -> DomainEffect:
    """Compute the effect over the seeds (cells) of one domain.

    The standard error is closed-form where the metric has influence values: the difference of the values of a cluster's
    rows is summed over all seeds, so that seeds which test the same rows and seeds which test different ones are both
    counted for what they are. The calibration error has a closed form of its own
    (`yori.statistics.calibration_spread`). Otherwise it is the spread of a cluster bootstrap, times ``√(G/(G − 1))``.
    """
    arms = [metric.columns(arm) for cell in cells for arm in (cell.before, cell.after)]
    sizes = [len(cell.cluster) for cell in cells]
    rows = sum(sizes)
    influence: list[Any] = []
    if metric.with_influence is not None:
        both = _of_each(metric.with_influence, arms, rows, threads)
        found, influence = [each[0] for each in both], [each[1] for each in both]
    else:
        found = _of_each(metric.function, arms, rows, threads)
    values = np.array(found, dtype=np.float64).reshape(-1, 2)
    deltas = values[:, 1] - values[:, 0]
    code, g = (cells[0].cluster, rows) if cells[0].own else renumber(np.concatenate([cell.cluster for cell in cells]))
    error: float | None = None
    if g > 1 and metric.influence is not None:
        influence = influence or _of_each(metric.influence, arms, rows, threads)
        parts = [(influence[2 * s + 1] - influence[2 * s]) / (size * len(cells)) for s, size in enumerate(sizes)]
        totals = parts[0] if cells[0].own else np.bincount(code, weights=np.concatenate(parts))
        error = spread_of_totals(totals, "compare")
        if metric.squares:
            noise = noise_of_squares(arms, *_signs_and_clusters(code, sizes))
            # Taking off all of it is right for fixed bins. Bins cut at sample quantiles vary as well, which half of it
            # makes up for (coverage 95 % against 93 %, benchmarks/coverage_simulation.py).
            error = math.sqrt(max(error**2 - noise / 2, noise))
    elif g > 1 and metric.standard_error is not None:
        error = metric.standard_error(arms, *_signs_and_clusters(code, sizes))
    elif g > 1:
        drawn = mean_over_cells(seed_replicates(cells, metric, replicates, rng, threads))
        error = float(drawn[np.isfinite(drawn)].std(ddof=1)) * math.sqrt(g / (g - 1))
    if error is not None and error <= _ROUNDING * float(np.abs(values).max()):
        error = 0.0
    examples = rows if len(cells) == 1 else len(np.unique(np.concatenate([cell.before.ids for cell in cells])))
    before, after = values.mean(axis=0).tolist()
    return DomainEffect(before, after, float(deltas.mean()), tuple(deltas.tolist()), error, g, examples)


def _signs_and_clusters(
    code: Int[np.ndarray, " n"], sizes: Sequence[int]
) -> tuple[list[float], list[Int[np.ndarray, " m"]]]:
    """Factor of each arm in the mean over seeds of after minus before, and the clusters of its rows."""
    share = 1 / len(sizes)
    each = [cluster for cluster in np.split(code, np.cumsum(sizes)[:-1]) for _ in range(2)]
    return [-share, share] * len(sizes), each


def _of_each(function: Callable[..., Any], arms: Sequence[Columns], rows: int, threads: int | None) -> list[Any]:
    """Call the function on the columns of every arm; side by side where there is much to sort."""
    workers = min(len(arms), default_workers() if threads is None else threads)
    if rows < _ROWS_FOR_THREADS or workers < 2:
        return [function(*columns) for columns in arms]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda columns: function(*columns), arms))


def within_domains(parts: Sequence[DomainEffect], level: float) -> Interval:
    """Interval of the mean effect when these domains are all there are; clusters vary, domains do not.

    One domain: t with ``G − 1`` degrees of freedom. Several: variances add up, degrees of freedom after Satterthwaite.

    Raises
    ------
    ValuesError
        If a domain has a single cluster.
    """
    delta = float(np.mean([part.delta for part in parts]))
    for part in parts:
        if part.standard_error is None:
            raise ValuesError(
                "at least two independent examples or groups",
                f"{part.clusters}",
                where="compare",
                fix="A single one says nothing about spread: test more examples, or pass finer groups.",
            )
    variances = np.square([part.standard_error or 0.0 for part in parts])
    error = error_within(parts)
    if error == 0 and delta != 0:
        return spreadless_interval(delta, min(part.clusters for part in parts), level)
    if error == 0:
        return t_interval(delta, 0.0, min(part.clusters for part in parts) - 1, level)
    share = variances / variances.sum()
    df = 1.0 / float((share**2 / np.array([part.clusters - 1 for part in parts])).sum())
    return t_interval(delta, error, df, level)


def error_within(parts: Sequence[DomainEffect]) -> float:
    """Standard error of the mean effect with the domains held fixed; a domain without spread of its own adds none."""
    return float(math.sqrt(sum((part.standard_error or 0.0) ** 2 for part in parts))) / len(parts)
