"""The metrics that `compare` knows: what each one reads, how it is computed, and which way is better.

Each is a function of a few columns, one value per row. Where the function has influence values (means, AURC, AUGRC), and for
the calibration errors, its standard error is found in closed form; the others are resampled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from yori.errors import ShapeError, ValuesError
from yori.metrics.calibration import top_label_calibration_error
from yori.metrics.classification import balanced_accuracy, macro_f1
from yori.metrics.probabilities import top_label
from yori.metrics.scores import per_example_brier, per_example_nll
from yori.metrics.selective import augrc, aurc
from yori.metrics.selective_variance import augrc_influence, aurc_influence, aurc_with_influence
from yori.metrics.working_points import coverage_at_risk, risk_at_coverage
from yori.statistics.calibration_spread import spread_of_calibration_error
from yori.statistics.calibration_variance import squared_ece_influence
from yori.statistics.predictions import Predictions

Direction: TypeAlias = Literal["lower", "higher"]
Columns: TypeAlias = tuple[Any, ...]
"""Arrays of shape ``(n,)`` or ``(n, …)``, indexable by row."""


@dataclass(frozen=True)
class ComparableMetric:
    """One metric: the columns it reads, its function of them, and which way is better.

    Attributes
    ----------
    name
        As in reports.
    direction
        Which way is better: ``"lower"`` or ``"higher"``.
    columns
        Picks, or computes once, the columns of an arm that the function reads.
    function
        The metric of these columns.
    influence
        Influence value of each row from the same columns, shape ``(n,)``, mean 0; None where the metric is resampled.
    best
        Value of a perfect model; None if unknown.
    with_influence
        Value and influence values together, where that saves a sort.
    standard_error
        Standard error of a signed sum of the metric over arms, for a metric without influence values that has one in closed
        form: ``(arms, signs, clusters) -> float``.
    squares
        Whether the metric is a sum of squares that noise alone makes vary (`yori.statistics.calibration_variance`).
    """

    name: str
    direction: Direction
    columns: Callable[[Predictions], Columns]
    function: Callable[..., float]
    influence: Callable[..., Float[np.ndarray, " n"]] | None = None
    best: float | None = None
    squares: bool = False
    standard_error: Callable[..., float] | None = None
    with_influence: Callable[..., tuple[float, Float[np.ndarray, " n"]]] | None = None

    @property
    def closed_form(self) -> bool:
        """Whether its standard error needs no resampling."""
        return self.influence is not None or self.standard_error is not None

    def value(self, rows: Predictions) -> float:
        """Return the metric of one arm's rows."""
        return float(self.function(*self.columns(rows)))


def find_metric(
    metric: str | Callable[[Predictions], float] | ComparableMetric, direction: Direction | None = None
) -> ComparableMetric:
    """Return the metric of this name, or wrap a function of one arm's rows.

    Parameters
    ----------
    metric
        A name in `METRICS`; ``"risk@0.8"`` or ``"coverage@0.05"`` with any number; a function
        ``(Predictions) -> float``; or a `ComparableMetric`.
    direction
        Which way is better. Read, and needed, for a function only.

    Raises
    ------
    ValuesError
        If the name is not known, or a function comes without a direction.

    Examples
    --------
    >>> find_metric("accuracy").direction, find_metric("risk@0.8").direction
    ('higher', 'lower')
    """
    if isinstance(metric, ComparableMetric):
        return metric
    if callable(metric):
        if direction is None:
            raise ValuesError("direction='lower' or 'higher' with a metric of your own", "None", where="compare")
        return ComparableMetric(getattr(metric, "__name__", "metric"), direction, lambda rows: (rows,), metric)
    name, at, number = str(metric).partition("@")
    if at and name in _AT:
        try:
            part = float(number)
        except ValueError:
            part = float("nan")
        if not 0 < part <= 1:
            raise ValuesError(f"a number in (0, 1] after {name}@", repr(number), where="compare")
        better, function = _AT[name]
        return ComparableMetric(str(metric), better, _outcomes, partial(function, part), best=float(better == "higher"))
    if metric not in METRICS:
        known = ", ".join([*METRICS, *(f"{key}@…" for key in _AT)])
        raise ValuesError(f"a metric out of {known}", repr(metric), where="compare")
    return METRICS[metric]


def mean(values: Float[np.ndarray, " n"]) -> float:
    """Return the mean: the function of every metric that is a mean over rows."""
    return float(values.mean())


def _need(rows: Predictions, *names: str) -> Columns:
    missing = [name for name in names if getattr(rows, name) is None]
    if missing:
        raise ShapeError(
            f"{' and '.join(names)} in Predictions for this metric",
            f"no {', no '.join(missing)}",
            where="compare",
            fix="Pass it; confidence and correct also follow from probs (or logits) and labels.",
        )
    return tuple(getattr(rows, name) for name in names)


def _outcomes(rows: Predictions) -> Columns:
    return _need(rows, "confidence", "correct")


def _hit(rows: Predictions) -> Columns:
    return (_need(rows, "correct")[0].astype(np.float64),)


def _miss(rows: Predictions) -> Columns:
    return (1.0 - _hit(rows)[0],)


def _loss(rows: Predictions) -> Columns:
    return _need(rows, "loss")


def _nll(rows: Predictions) -> Columns:
    return (per_example_nll(*_need(rows, "probs", "labels")),)


def _brier(rows: Predictions) -> Columns:
    return (per_example_brier(*_need(rows, "probs", "labels")),)


def _stated(rows: Predictions) -> Columns:
    """Probability of the predicted class, also where ``confidence`` is another score."""
    if rows.probs is not None and rows.labels is not None:
        return top_label(rows.probs, rows.labels, where="compare")
    return _outcomes(rows)


def _classes(rows: Predictions) -> Columns:
    probs, labels = _need(rows, "probs", "labels")
    return probs.argmax(axis=1), labels


def _centred(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    result: Float[np.ndarray, " n"] = values - values.mean()
    return result


def squared_ece(confidence: Any, correct: Any) -> float:
    """Debiased squared calibration error: unbiased for few rows too, where the plain ECE is not."""
    return top_label_calibration_error(confidence, correct, norm="l2_squared")


def risk_at(coverage: float, confidence: Any, correct: Any) -> float:
    """Risk at a coverage, the coverage first: the function of every ``risk@…``."""
    return risk_at_coverage(confidence, correct, coverage)


def _coverage_at(risk: float, confidence: Any, correct: Any) -> float:
    return coverage_at_risk(confidence, correct, risk)


METRICS: dict[str, ComparableMetric] = {
    "aurc": ComparableMetric("aurc", "lower", _outcomes, aurc, aurc_influence, 0.0, with_influence=aurc_with_influence),
    "augrc": ComparableMetric("augrc", "lower", _outcomes, augrc, augrc_influence, 0.0),
    "accuracy": ComparableMetric("accuracy", "higher", _hit, mean, _centred, 1.0),
    "error": ComparableMetric("error", "lower", _miss, mean, _centred, 0.0),
    "nll": ComparableMetric("nll", "lower", _nll, mean, _centred, 0.0),
    "brier": ComparableMetric("brier", "lower", _brier, mean, _centred, 0.0),
    "loss": ComparableMetric("loss", "lower", _loss, mean, _centred, 0.0),
    "ece": ComparableMetric(
        "ece",
        "lower",
        _stated,
        top_label_calibration_error,
        best=0.0,
        standard_error=spread_of_calibration_error,
    ),
    "squared_ece": ComparableMetric(
        "squared_ece", "lower", _stated, squared_ece, squared_ece_influence, best=0.0, squares=True
    ),
    "balanced_accuracy": ComparableMetric("balanced_accuracy", "higher", _classes, balanced_accuracy, best=1.0),
    "macro_f1": ComparableMetric("macro_f1", "higher", _classes, macro_f1, best=1.0),
}
"""Every metric by name. `find_metric` adds ``risk@…`` and ``coverage@…``."""

_AT: dict[str, tuple[Direction, Callable[..., float]]] = {
    "risk": ("lower", risk_at),
    "coverage": ("higher", _coverage_at),
}
