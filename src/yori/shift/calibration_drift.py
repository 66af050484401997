"""Does stated confidence still mean what it meant: confidence against correctness, from new rows with labels.

Only labels can say it, and only labels of rows that were picked by chance: among rows a model was asked about *because* it was
unsure, it is wrong more often than it says, without any drift. The queue's random share is what belongs here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import Confidence, Correct
from yori.metrics.outcomes import check_outcomes
from yori.statistics import clustered_standard_error
from yori.statistics.power import t_cumulative, t_quantile


@dataclass(frozen=True)
class CalibrationDrift:
    """Overconfidence (mean confidence minus accuracy) of new rows, that of the reference, and their difference.

    Attributes
    ----------
    overconfidence, reference_overconfidence
        Positive = claims more than it keeps.
    difference, low, high
        How much it grew, and its interval.
    p_value
        Of "it did not change", two-sided.
    rows
        New rows with labels.
    """

    overconfidence: float
    reference_overconfidence: float
    difference: float
    low: float
    high: float
    p_value: float
    rows: int


def calibration_drift(
    confidence: Float[np.ndarray, " m"],
    correct: Bool[np.ndarray, " m"],
    reference_confidence: Confidence,
    reference_correct: Correct,
    *,
    groups: Int[np.ndarray, " m"] | None = None,
    reference_groups: Int[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> CalibrationDrift:
    """Compare the overconfidence of new labelled rows with that of the reference.

    Parameters
    ----------
    confidence, correct
        Shape ``(m,)``. New rows picked by chance, and whether a person agreed with the model.
    reference_confidence, reference_correct
        Shape ``(n,)``. Validation rows.
    groups, reference_groups
        Whole numbers; rows of one group are not independent.
    level
        Of the interval.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, fewer than two rows or groups on a side.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.beta(8, 2, 1000), rng.beta(8, 2, 300)
    >>> found = calibration_drift(new, rng.random(300) < new - 0.2, old, rng.random(1000) < old)
    >>> found.difference > 0.1, found.p_value < 0.001
    (True, True)
    """
    where = "calibration_drift"
    new, right = check_outcomes(confidence, correct, where=where)
    old, known = check_outcomes(reference_confidence, reference_correct, where=where)
    now, then = new - right, old - known
    error_now, count_now = clustered_standard_error(now, groups)
    error_then, count_then = clustered_standard_error(then, reference_groups)
    # All alike on a side shows no spread; the error of one row more keeps the test from certainty.
    error = math.hypot(max(error_now, 1 / (len(new) + 2)), max(error_then, 1 / (len(old) + 2)))
    difference = float(now.mean() - then.mean())
    df = max(1, min(count_now, count_then) - 1)
    half = t_quantile(0.5 + level / 2, df) * error
    p = min(1.0, 2 * t_cumulative(-abs(difference) / error, df))
    return CalibrationDrift(
        float(now.mean()), float(then.mean()), difference, difference - half, difference + half, p, len(new)
    )
