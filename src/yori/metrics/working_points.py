"""Where to operate on the risk-coverage curve: risk at a coverage, coverage at a risk, and the threshold that gives it.

A threshold can only accept or refuse all rows of one confidence. A *working point* is therefore closed under ties and is what
a deployed system really does; `risk_at_coverage` instead answers for an exact number of rows, which is comparable between
models.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from yori.arrays import Confidence, Correct
from yori.errors import ValuesError
from yori.metrics.outcomes import check_outcomes
from yori.metrics.ranking import rank
from yori.metrics.selective import risk_coverage_curve


class WorkingPoint(NamedTuple):
    """What ``confidence >= threshold`` accepts, and how much of that is wrong.

    Where nothing is accepted: coverage 0, risk NaN (there is no row to be wrong on), threshold ``inf``.
    """

    coverage: float
    risk: float
    threshold: float


def risk_at_coverage(confidence: Confidence, correct: Correct, coverage: float) -> float:
    """Part of wrong rows among the ``ceil(coverage · n)`` most trusted ones (lower is better).

    Where this number of rows ends inside a group of equal confidence, the rows taken from the group count with the mean
    error of the group, so row order does not matter.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    coverage
        In ``(0, 1]``. Read as the simple fraction it stands for: 0.55 of 100 rows are 55 rows, not 56.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence is not finite, or the coverage lies outside ``(0, 1]``.

    Examples
    --------
    >>> confidence = np.array([0.9, 0.8, 0.5, 0.5, 0.5])
    >>> correct = np.array([True, True, True, False, False])
    >>> risk_at_coverage(confidence, correct, 0.4)
    0.0
    >>> round(risk_at_coverage(confidence, correct, 0.6), 6)
    0.222222
    """
    scores, right = check_outcomes(confidence, correct, where="risk_at_coverage")
    rows = _rows_at(coverage, len(scores), where="risk_at_coverage")
    accepted, errors = rank(scores, right).distinct()
    group = int(np.searchsorted(accepted, rows))
    rows_before, errors_before = (int(accepted[group - 1]), int(errors[group - 1])) if group else (0, 0)
    size, wrong = int(accepted[group]) - rows_before, int(errors[group]) - errors_before
    return (errors_before * size + (rows - rows_before) * wrong) / (rows * size)


def coverage_at_risk(confidence: Confidence, correct: Correct, risk: float) -> float:
    """Largest coverage whose selective risk is at most ``risk`` (higher is better); 0 if there is none.

    Only coverages that a threshold can reach count: rows of equal confidence are accepted together. This is the coverage
    observed on these rows. For a threshold that keeps its promise on new rows see `yori.metrics.guaranteed_threshold`.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    risk
        In ``[0, 1]``.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence is not finite, or the risk lies outside ``[0, 1]``.

    Examples
    --------
    >>> coverage_at_risk(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), 0.25)
    1.0
    >>> coverage_at_risk(np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, True, True, True]), 0.0)
    0.0
    """
    return working_point_at_risk(confidence, correct, risk).coverage


def working_point_at_coverage(confidence: Confidence, correct: Correct, coverage: float) -> WorkingPoint:
    """Return the working point of smallest coverage that is at least ``coverage``.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    coverage
        In ``(0, 1]``.

    Raises
    ------
    ShapeError, ValuesError
        As `risk_at_coverage`.

    Examples
    --------
    >>> working_point_at_coverage(np.array([0.9, 0.8, 0.8, 0.5]), np.array([True, True, False, True]), 0.5)
    WorkingPoint(coverage=0.75, risk=0.3333333333333333, threshold=0.8)
    """
    scores, right = check_outcomes(confidence, correct, where="working_point_at_coverage")
    rows = _rows_at(coverage, len(scores), where="working_point_at_coverage")
    ranking = rank(scores, right)
    accepted, errors = ranking.distinct()
    group = int(np.searchsorted(accepted, rows))
    taken = int(accepted[group])
    threshold = float(ranking.confidence()[taken - 1])
    return WorkingPoint(taken / len(scores), int(errors[group]) / taken, threshold)


def working_point_at_risk(confidence: Confidence, correct: Correct, risk: float) -> WorkingPoint:
    """Return the working point of largest coverage whose selective risk is at most ``risk``.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    risk
        In ``[0, 1]``.

    Returns
    -------
    WorkingPoint; ``WorkingPoint(0.0, nan, inf)``, which accepts nothing, if no threshold keeps the risk.

    Raises
    ------
    ShapeError, ValuesError
        As `coverage_at_risk`.

    Examples
    --------
    >>> working_point_at_risk(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False]), 0.4)
    WorkingPoint(coverage=0.75, risk=0.3333333333333333, threshold=0.7)
    """
    check_part(risk, name="risk", where="working_point_at_risk")
    curve = risk_coverage_curve(confidence, correct)
    low_enough = np.flatnonzero(curve.risk <= risk)
    if not len(low_enough):
        return WorkingPoint(0.0, math.nan, math.inf)
    last = low_enough[-1]
    return WorkingPoint(float(curve.coverage[last]), float(curve.risk[last]), float(curve.threshold[last]))


def check_part(value: float, *, name: str, where: str) -> None:
    """Raise `ValuesError` unless ``value`` is a number in ``[0, 1]``."""
    if not 0 <= value <= 1:  # also refuses NaN
        raise ValuesError(f"{name} in [0, 1]", f"{value}", where=where)


def _rows_at(coverage: float, n: int, *, where: str) -> int:
    """Return ``ceil(coverage · n)`` in integers, the coverage read as the simplest fraction at its float."""
    if not 0 < coverage <= 1:
        raise ValuesError("a coverage in (0, 1]", f"{coverage}", where=where, fix="At coverage 0 no row is answered.")
    return math.ceil(Fraction(float(coverage)).limit_denominator(10**9) * n) or 1
