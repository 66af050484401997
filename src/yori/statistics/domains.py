r"""Intervals for an effect that is a mean over domains: t below eight domains, a hierarchical bootstrap from eight up.

What is asked is how the effect would be in *other* domains of the same kind, so the domains are the sample and their
number counts, not the rows. With :math:`D` domain effects of standard deviation :math:`s`, the standard error is
:math:`s/\sqrt D`; whatever the rows add to the noise of a domain's effect is already part of :math:`s`.

A hierarchical bootstrap (domains, then within each drawn domain its seeds and clusters) counts the noise of the rows
twice, once in the spread of the observed domain effects and once in the second draw (Davison, Hinkley 1997, section
3.8), and it misses the factor :math:`D/(D-1)` and the heavier tails of t. Its percentiles are therefore too wide where
domains are alike and too narrow where they differ. `hierarchical_interval` keeps the *shape* of the hierarchical
distribution, which t does not have, and gives it the standard error :math:`s/\sqrt D` and the tails of :math:`t_{D-1}`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy import special

from yori.statistics.closed_form import Interval, t_interval
from yori.statistics.power import t_quantile

FEW = 8
"""Below this number of domains the interval is a plain t interval."""

_LEAST_TAIL = 0.005
"""Quantiles farther out than this are too noisy to read from the replicates; beyond, a normal tail is continued."""


def t_over_domains(deltas: Float[np.ndarray, " D"], level: float, within: float) -> Interval:
    """``mean(deltas) ± t_{D−1} · s/√D``.

    Parameters
    ----------
    deltas
        Shape ``(D,)`` with ``D ≥ 2``. Effect in each domain.
    level
        Confidence level.
    within
        Standard error of the mean effect when the domains are held fixed. Used only where all domain effects are
        exactly alike: a spread of 0 is then an accident of small numbers, not certainty.

    Examples
    --------
    >>> t_over_domains(np.array([0.01, 0.02, 0.03]), level=0.95, within=0.001).high.__round__(4)
    0.0448
    """
    return t_interval(float(deltas.mean()), spread_over_domains(deltas, within), len(deltas) - 1, level)


def spread_over_domains(deltas: Float[np.ndarray, " D"], within: float) -> float:
    """Standard error of the mean of the domain effects; ``within`` where they do not differ at all."""
    spread = float(deltas.std(ddof=1)) / math.sqrt(len(deltas))
    alike = spread <= 1e-12 * float(np.abs(deltas).max())
    return within if alike else spread


def hierarchical_interval(
    deltas: Float[np.ndarray, " D"], replicates: Float[np.ndarray, " r"], level: float, within: float
) -> Interval:
    """Interval from hierarchical bootstrap replicates, with the spread that the domain effects really show.

    Parameters
    ----------
    deltas, level, within
        As `t_over_domains`.
    replicates
        Shape ``(r,)``. Effects of `yori.statistics.bootstrap.hierarchical_replicates`.

    Notes
    -----
    With ``q(a)`` the quantile of the standardised replicates, the end at tail probability ``a`` is
    ``delta + s/√D · q(a) · t_{D−1}(a) / z(a)``. The p-value is twice the tail probability whose end is zero.
    """
    delta, df = float(deltas.mean()), float(len(deltas) - 1)
    error = spread_over_domains(deltas, within)
    spread = float(replicates.std())
    if error == 0 or spread == 0:
        return t_interval(delta, error, df, level)
    ordered = np.sort((replicates - replicates.mean()) / spread)

    def end(tail: float, side: int) -> float:
        """Signed distance of an end from ``delta``, in standard errors; ``side`` −1 is the lower end."""
        readable = max(tail, _LEAST_TAIL)
        quantile = float(np.quantile(ordered, readable if side < 0 else 1 - readable))
        return quantile * t_quantile(tail, df) / float(special.ndtri(readable))

    tail = (1 - level) / 2
    side = -1 if delta > 0 else 1
    return Interval(
        delta + error * end(tail, -1),
        delta + error * end(tail, 1),
        error,
        df,
        2 * _tail_that_reaches(abs(delta) / error, lambda a: abs(end(a, side))),
    )


def _tail_that_reaches(distance: float, end: Callable[[float], float]) -> float:
    """Tail probability in ``(0, ½]`` whose end lies ``distance`` away, by bisection on its logarithm."""
    low, high = math.log(1e-300), math.log(0.5)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if end(math.exp(middle)) > distance else (low, middle)
    return math.exp(high)
