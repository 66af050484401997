"""When to stop asking: criteria that watch the predictions of one head after the other on the same rows.

None of them sees a label of the rows it watches, so none knows the accuracy; they say that more labels of this kind
change little. Each takes the history of probabilities ``(rounds, n, c)`` on a fixed set of rows, the newest last, and
says a `Stop`.

References
----------
Bloodgood & Vijay-Shanker, CoNLL 2009 (stabilising predictions). Zhu, Wang, Hovy, COLING 2008 (overall uncertainty,
classification change). Ideas of the criteria as gathered in small-text (Schröder et al., 2023)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from yori.errors import ShapeError
from yori.selection.uncertainty import entropy_of

History: TypeAlias = Float[np.ndarray, "r n c"]

KAPPA = 0.99
WINDOW = 3
CHANGED = 0.005
UNSURE = 0.05
SLOPE = 0.01


@dataclass(frozen=True)
class Stop:
    """Whether a criterion says stop, the number it looked at, and the bar. ``value`` is NaN while there are too few rounds."""

    name: str
    stop: bool
    value: float
    bar: float
    words: str


def kappa(first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"], classes: int) -> float:
    """Cohen's kappa of two sets of predictions; 1 where both say one and the same class everywhere.

    Examples
    --------
    >>> kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.5
    """
    one, two = (np.bincount(each, minlength=classes) / len(each) for each in (first, second))
    chance = float(one @ two)
    agree = float((first == second).mean())
    return 1.0 if chance >= 1 else (agree - chance) / (1 - chance)


def stabilising_predictions(history: History) -> Stop:
    """Mean kappa of neighbouring rounds over a window is at least `KAPPA`."""
    said = history.argmax(axis=2)
    pairs = [kappa(one, two, history.shape[2]) for one, two in pairwise(said)][-WINDOW:]
    value = float(np.mean(pairs)) if len(pairs) == WINDOW else float("nan")
    return Stop(
        "stabilising_predictions", value >= KAPPA, value, KAPPA,
        f"agreement (kappa) of neighbouring rounds, mean of {WINDOW}",
    )  # fmt: skip


def kappa_average(history: History) -> Stop:
    """The mean kappa over a window hardly grows any more: less than `SLOPE` above the window before."""
    said = history.argmax(axis=2)
    pairs = [kappa(one, two, history.shape[2]) for one, two in pairwise(said)]
    value = float("nan")
    if len(pairs) >= 2 * WINDOW:
        value = float(np.mean(pairs[-WINDOW:]) - np.mean(pairs[-2 * WINDOW : -WINDOW]))
    return Stop(
        "kappa_average", abs(value) < SLOPE, value, SLOPE, "change of the average agreement from window to window"
    )


def overall_uncertainty(history: History) -> Stop:
    """The mean entropy of the newest predictions is below `UNSURE` of the largest possible."""
    value = float(entropy_of(history[-1]).mean() / np.log(history.shape[2]))
    return Stop(
        "overall_uncertainty", value < UNSURE, value, UNSURE, "mean entropy, as a share of the largest possible"
    )


def classification_change(history: History) -> Stop:
    """At most `CHANGED` of the predictions changed since the last round."""
    value = float("nan")
    if len(history) >= 2:
        value = float((history[-1].argmax(axis=1) != history[-2].argmax(axis=1)).mean())
    return Stop("classification_change", value <= CHANGED, value, CHANGED, "share of predictions that changed")


CRITERIA: dict[str, Callable[[History], Stop]] = {
    "stabilising_predictions": stabilising_predictions,
    "kappa_average": kappa_average,
    "overall_uncertainty": overall_uncertainty,
    "classification_change": classification_change,
}
"""All criteria by name."""


def stop_criteria(history: History) -> list[Stop]:
    """What every criterion says.

    Parameters
    ----------
    history
        ``(rounds, n, c)`` probabilities on the same rows, the newest last; at least one round and one row.

    Examples
    --------
    >>> sure = np.tile(np.array([[0.999, 0.001], [0.001, 0.999]]), (4, 1, 1))
    >>> [each.name for each in stop_criteria(sure) if each.stop]
    ['stabilising_predictions', 'overall_uncertainty', 'classification_change']
    """
    if history.ndim != 3 or 0 in history.shape or history.shape[2] < 2:
        raise ShapeError("a history of shape (rounds, n, c)", f"shape {history.shape}", where="stop criteria")
    return [criterion(history) for criterion in CRITERIA.values()]
