"""Fewer dimensions, chosen on validation and recorded.

Every step is fitted on training examples alone; a head on what it leaves is judged by its loss on validation
examples. The fewest dimensions whose loss is within one standard error of the best are chosen, all dimensions
included, so that nothing is thrown away for noise.

References
----------
Breiman et al., Classification and Regression Trees, 1984 (one standard error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from yori.heads.links import LINKS
from yori.prove.tuning import outcomes
from yori.selection import (
    Projection,
    feature_influence,
    fit_head,
    l1_scores,
    mutual_information_scores,
    penalty_of,
    picked_features,
    principal_components,
    random_projection,
)

SHARES = (0.5, 0.25, 0.125)


@dataclass(frozen=True)
class FeatureStep:
    """One way to have fewer dimensions, and the validation loss with it; ``standard_error`` of its difference to the best."""

    method: str
    dimensions: int
    nll: float
    accuracy: float
    standard_error: float
    chosen: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return dict(self.__dict__)


def projections(
    x: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    dimensions: int,
    *,
    classes: int,
    l2: float,
    rng: np.random.Generator,
) -> dict[str, Callable[[], Projection]]:
    """Every step that leaves so many dimensions, fitted on training examples when it is called."""

    def top(scores: Float[np.ndarray, " d"]) -> Projection:
        return picked_features(np.argsort(-scores, kind="stable")[:dimensions], x.shape[1])

    def by_influence() -> Projection:
        weight = fit_head(x, labels, classes=classes, l2=l2).weight
        return top(feature_influence(weight, x, labels))

    return {
        "principal_components": lambda: principal_components(x, dimensions),
        "random_projection": lambda: random_projection(x.shape[1], dimensions, rng=rng),
        "mutual_information": lambda: top(mutual_information_scores(x, labels, classes=classes)),
        "l1": lambda: top(l1_scores(x, labels, classes=classes)),
        "influence": by_influence,
    }


def compare_steps(
    x: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    validation: Float[np.ndarray, "m d"],
    validation_labels: Num[np.ndarray, "m ..."],
    *,
    classes: int,
    ratio: float,
    rng: np.random.Generator,
) -> list[FeatureStep]:
    """Judge every step at every size on validation, and mark the chosen one; all dimensions come first.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 8))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> steps = compare_steps(x[:200], y[:200], x[200:], y[200:], classes=2, ratio=0.03, rng=rng)
    >>> next(each.dimensions for each in steps if each.chosen)
    1
    """
    losses = {("all", x.shape[1]): _losses(x, labels, validation, validation_labels, classes, ratio)}
    for share in SHARES:
        size = max(1, round(share * x.shape[1]))
        if size < x.shape[1]:
            ways = projections(x, labels, size, classes=classes, l2=penalty_of(x, ratio), rng=rng)
            for method, fit in ways.items():
                step = fit()
                sides = (step.apply(x), labels, step.apply(validation), validation_labels)
                losses[method, size] = _losses(*sides, classes, ratio)
    best = min(losses.values(), key=lambda each: float(each[0].mean()))[0]
    found = [
        FeatureStep(method, size, float(loss.mean()), accuracy, _error(loss - best))
        for (method, size), (loss, accuracy) in losses.items()
    ]
    near = [each for each in found if each.nll - float(best.mean()) <= each.standard_error]
    chosen = min(near, key=lambda each: (each.dimensions, each.nll))
    return [FeatureStep(**{**each.to_dict(), "chosen": each is chosen}) for each in found]


def _error(gap: Float[np.ndarray, " m"]) -> float:
    return float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0


def _losses(
    x: Float[np.ndarray, "n k"],
    labels: Num[np.ndarray, "n ..."],
    validation: Float[np.ndarray, "m k"],
    answers: Num[np.ndarray, "m ..."],
    classes: int,
    ratio: float,
) -> tuple[Float[np.ndarray, " m"], float]:
    head = fit_head(x, labels, classes=classes, l2=penalty_of(x, ratio))
    logits = head.logits(validation).astype(np.float64)
    losses: Float[np.ndarray, " m"] = LINKS[head.link].losses(logits, answers)
    return losses, float(outcomes(logits, answers)[1].mean())
