"""Showing that nothing got worse, or that nothing changed: non-inferiority and equivalence against a margin.

A p-value above 0.05 does not show that two models are alike. These tests turn the question round: the hypothesis to reject
is that the change is as large as the margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from yori.errors import ValuesError
from yori.statistics.comparison import Comparison
from yori.statistics.power import check_share, t_cumulative


@dataclass(frozen=True)
class MarginTest:
    """Whether the margin holds at the level, and the p-value of "it does not"."""

    holds: bool
    p_value: float
    margin: float


def non_inferior(comparison: Comparison, margin: float, *, level: float = 0.95) -> MarginTest:
    """Show that *after* is not worse than *before* by ``margin`` or more (one-sided).

    Parameters
    ----------
    comparison
        What `yori.statistics.compare` found.
    margin
        Largest loss that is acceptable, above 0, in the unit of the metric.
    level
        ``holds`` when ``p ≤ 1 − level``.

    Raises
    ------
    ValuesError
        If the margin is not positive.

    References
    ----------
    Wellek, Testing Statistical Hypotheses of Equivalence and Noninferiority, 2nd edition 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from yori.statistics import Predictions, compare
    >>> rng, ids = np.random.default_rng(0), np.arange(500)
    >>> arms = [Predictions(ids, correct=rng.random(500) < 0.9) for _ in range(2)]
    >>> non_inferior(compare(*arms, metric="accuracy", rng=rng), margin=0.05).holds
    True
    """
    p = _chance_beyond(comparison, comparison.gain, margin, level)
    return MarginTest(p <= 1 - level, p, margin)


def equivalent(comparison: Comparison, margin: float, *, level: float = 0.95) -> MarginTest:
    """Show that the change is smaller than ``margin`` in both directions (two one-sided tests, TOST).

    Holds exactly when the interval of level ``2·level − 1`` (90 % for 0.95) lies within ``±margin``.

    Parameters
    ----------
    comparison, margin, level
        As `non_inferior`.

    Raises
    ------
    ValuesError
        If the margin is not positive.

    References
    ----------
    Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987, doi:10.1007/BF01068419.

    Examples
    --------
    >>> import numpy as np
    >>> from yori.statistics import Predictions, compare
    >>> rng, ids = np.random.default_rng(0), np.arange(500)
    >>> arms = [Predictions(ids, correct=rng.random(500) < 0.9) for _ in range(2)]
    >>> equivalent(compare(*arms, metric="accuracy", rng=rng), margin=0.01).holds
    False
    """
    p = max(_chance_beyond(comparison, sign * comparison.gain, margin, level) for sign in (1, -1))
    return MarginTest(p <= 1 - level, p, margin)


def _chance_beyond(comparison: Comparison, gain: float, margin: float, level: float) -> float:
    """p-value of "the true gain is −margin or less"."""
    check_share(level, "level", "equivalence")
    if not (math.isfinite(margin) and margin > 0):
        raise ValuesError("a margin > 0", f"{margin}", where="equivalence", fix="Say which change would be acceptable.")
    distance = gain + margin
    if comparison.standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return t_cumulative(-distance / comparison.standard_error, comparison.degrees_of_freedom)
