r"""Standard error and interval of a difference without resampling, from influence values.

The influence value of a row is the rate at which the metric moves when the row gets more weight. The difference of two
models on the same rows has the difference of their values, and its variance is that of their mean. Rows that come in
clusters are summed within the cluster first, so that what the rows of a cluster have in common is counted.

References
----------
Efron, Biometrika 1981, doi:10.1093/biomet/68.3.589 (infinitesimal jackknife). Liang, Zeger, Biometrika 1986,
doi:10.1093/biomet/73.1.13 (sums within clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import check_finite, check_length
from yori.errors import ShapeError, ValuesError
from yori.statistics.power import check_share, t_cumulative, t_quantile


@dataclass(frozen=True)
class Interval:
    """An interval ``low … high`` for a difference, its standard error, and the p-value of "no difference"."""

    low: float
    high: float
    standard_error: float
    degrees_of_freedom: float
    p_value: float


def clustered_standard_error(
    values: Float[np.ndarray, " n"], clusters: Int[np.ndarray, " n"] | None = None
) -> tuple[float, int]:
    """Standard error of the *mean* of ``values`` (influence values or paired differences), and the number of clusters.

    Parameters
    ----------
    values
        Shape ``(n,)``.
    clusters
        Shape ``(n,)``. Whole number of each row's cluster; None: every row is its own.

    Returns
    -------
    standard_error, clusters

    Raises
    ------
    ShapeError, ValuesError
        If lengths differ, a value is not finite, or there are fewer than two clusters: one shows no spread.

    Notes
    -----
    ``sqrt(G/(G − 1) · Σ_g (Σ_{i∈g} (x_i − x̄))²) / n``, without clusters the usual ``s/√n``.

    Examples
    --------
    >>> clustered_standard_error(np.array([1.0, 2.0, 3.0, 4.0]))
    (0.6454972243679028, 4)
    >>> clustered_standard_error(np.array([1.0, 1.0, 4.0, 4.0]), np.array([0, 0, 1, 1]))
    (1.5, 2)
    """
    x = np.asarray(values, dtype=np.float64)
    where = "clustered_standard_error"
    if x.ndim != 1 or len(x) == 0:
        raise ShapeError("values of shape (n,) with n ≥ 1", f"shape {x.shape}", where=where)
    check_finite(x, name="values", where=where)
    totals = (x - x.mean()) / len(x)
    if clusters is not None:
        check_length(np.asarray(clusters), len(x), name="clusters", where=where)
        totals = sum_by_cluster(totals, np.asarray(clusters))
    return spread_of_totals(totals, where), len(totals)


def sum_by_cluster(values: Float[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> Float[np.ndarray, " g"]:
    """Sum the values of each cluster that occurs, in the order of the cluster numbers."""
    code = np.unique(clusters, return_inverse=True)[1]
    return np.bincount(code, weights=values)


def spread_of_totals(totals: Float[np.ndarray, " g"], where: str) -> float:
    """Standard error of ``Σ totals`` over independent clusters, whose totals have mean 0 up to rounding."""
    g = len(totals)
    if g < 2:
        raise ValuesError(
            "at least two independent examples or groups",
            f"{g}",
            where=where,
            fix="A single one says nothing about spread: test more, or pass finer groups.",
        )
    return float(math.sqrt(g / (g - 1) * float(np.square(totals).sum())))


def t_interval(delta: float, standard_error: float, df: float, level: float) -> Interval:
    """``delta ± t · standard_error`` and the two-sided p-value of zero; a spread of 0 at ``delta == 0`` gives p = 1.

    Examples
    --------
    >>> t_interval(1.0, 0.5, df=10, level=0.95)
    Interval(low=-0.1140..., high=2.1140..., standard_error=0.5, degrees_of_freedom=10, p_value=0.0733...)
    """
    check_share(level, "level", "compare")
    half = t_quantile(0.5 + level / 2, df) * standard_error
    p = float(delta == 0)
    if standard_error > 0:
        p = min(1.0, 2 * t_cumulative(-abs(delta) / standard_error, df))
    return Interval(delta - half, delta + half, standard_error, df, p)


def spreadless_interval(delta: float, clusters: int, level: float) -> Interval:
    """Interval for a change that every cluster shows alike, where the standard error is 0 and means nothing.

    With ``G`` clusters that all behave alike, at least a share ``π = ((1 − level)/2)^(1/G)`` of all clusters does so
    at this level; the rest is taken to show no change, or twice this one. The half width is therefore ``|delta| (1 −
    π)``. The p-value is that of the sign-flip test, ``2^(1 − G)``.

    Examples
    --------
    >>> spreadless_interval(1.0, clusters=20, level=0.95).low.__round__(3)
    0.832
    """
    df = clusters - 1
    half = abs(delta) * (1 - ((1 - level) / 2) ** (1 / clusters))
    return Interval(
        delta - half, delta + half, half / t_quantile(0.5 + level / 2, df), df, min(1.0, 2.0 ** (1 - clusters))
    )
