"""How large a difference is, in units that travel: relative, standardised, as odds, as a probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from yori.errors import ValuesError
from yori.statistics.comparison import Comparison
from yori.statistics.power import check_share, t_cumulative


@dataclass(frozen=True)
class EffectSize:
    """Sizes of one difference.

    Attributes
    ----------
    relative
        Change as part of the value before; None where that is 0.
    reduction_of_failure
        Part of what is left to improve (error rate, AURC …) that was removed, positive = better; None where nothing is
        left or the best value is not known.
    standardised
        Gain over the standard deviation of the clusters' gains (Cohen's d of paired differences), positive = better; None
        where nothing varies. It does not grow with the number of examples.
    probability_better
        Chance, given these data and no other knowledge, that the true gain exceeds ``margin``.
    """

    relative: float | None
    reduction_of_failure: float | None
    standardised: float | None
    probability_better: float
    margin: float


def effect_size(comparison: Comparison, margin: float = 0.0) -> EffectSize:
    """Express a difference in units that can be set beside other tasks and metrics.

    Parameters
    ----------
    comparison
        What `yori.statistics.compare` found.
    margin
        For ``probability_better``, in the unit of the metric.

    Returns
    -------
    EffectSize

    Notes
    -----
    ``probability_better`` is the t distribution around the observed gain, read as a posterior under a flat prior. It is
    one half where nothing changed and the margin is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from yori.statistics import Predictions, compare
    >>> rng, ids = np.random.default_rng(1), np.arange(400)
    >>> before = Predictions(ids, correct=rng.random(400) < 0.8)
    >>> after = Predictions(ids, correct=before.correct | (rng.random(400) < 0.08))
    >>> found = effect_size(compare(before, after, metric="accuracy", rng=rng))
    >>> round(found.reduction_of_failure, 3), round(found.standardised, 3), round(found.probability_better, 3)
    (0.092, 0.133, 0.996)
    """
    if not math.isfinite(margin):
        raise ValuesError("a finite margin", f"{margin}", where="effect_size")
    error, units = comparison.standard_error, comparison.n_clusters
    if not comparison.domains_fixed:
        units = comparison.n_domains
    distance = comparison.gain - margin
    if error > 0:
        better = t_cumulative(distance / error, comparison.degrees_of_freedom)
    else:
        better = 0.5 if distance == 0 else float(distance > 0)
    left = None if comparison.best is None else abs(comparison.best - comparison.before)
    return EffectSize(
        relative=comparison.relative,
        reduction_of_failure=comparison.gain / left if left else None,
        standardised=comparison.gain / (error * math.sqrt(units)) if error > 0 else None,
        probability_better=better,
        margin=margin,
    )


@dataclass(frozen=True)
class DiscordantOdds:
    """Odds of repairing to breaking an example, with an exact interval (the upper end may be infinite)."""

    odds: float
    low: float
    high: float


def discordant_odds(repaired: int, broken: int, *, level: float = 0.95) -> DiscordantOdds:
    """How many examples *after* repairs for each one it breaks.

    The numbers are McNemar's discordant counts: ``only_b`` and ``only_a`` of `yori.statistics.mcnemar`.

    Parameters
    ----------
    repaired, broken
        Examples that only *after*, or only *before*, gets right. Not both 0.
    level
        Confidence level of the exact (Clopper-Pearson) interval.

    Raises
    ------
    ValuesError
        If a count is negative or both are 0: then there are no odds.

    References
    ----------
    Clopper, Pearson, Biometrika 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> found = discordant_odds(7, 1)
    >>> found.odds, round(found.low, 3), round(found.high, 1)
    (7.0, 0.899, 315.5)
    """
    where = "discordant_odds"
    check_share(level, "level", where)
    if repaired < 0 or broken < 0 or repaired + broken == 0:
        raise ValuesError("counts ≥ 0, not both 0", f"{repaired} and {broken}", where=where)
    tail = (1 - level) / 2
    low = special.betaincinv(repaired, broken + 1, tail) if repaired else 0.0
    high = special.betaincinv(repaired + 1, broken, 1 - tail) if broken else 1.0
    return DiscordantOdds(repaired / broken if broken else math.inf, _odds(float(low)), _odds(float(high)))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
