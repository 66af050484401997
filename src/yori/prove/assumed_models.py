r"""Two models that nobody has trained yet: how noisy would the difference of their metrics be?

Before training, only assumptions can say how far the answer of a test set will scatter. The one made here: the chance
:math:`p` that a model is right varies over examples as a Beta distribution with the assumed accuracy as its mean; both models
find the same examples hard; their luck correlates so that exactly one of them is right on a stated share of examples
(the discordance); and the confidence of each is :math:`p` moved by noise of its own. The spread of a difference follows
from influence values, as in `yori.statistics.compare`, on a large drawn set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from yori.errors import ValuesError
from yori.statistics.comparable_metrics import METRICS
from yori.statistics.power import check_share
from yori.statistics.predictions import Predictions

FORECASTABLE = ("aurc", "augrc", "accuracy", "error")
"""Metrics of confidence and correctness that have influence values."""

ROWS = 40_000
"""Examples drawn; the spread is then known to about one per cent."""

_EDGE = 1e-9


@dataclass(frozen=True)
class AssumedModels:
    """What is assumed about the two models.

    Attributes
    ----------
    accuracy
        Of both, in ``(0, 1)``.
    discordance
        Share of examples on which exactly one is right.
    concentration
        ``k`` of ``Beta(accuracy · k, (1 − accuracy) · k)``: small, most examples are either easy or hopeless; large, all
        are alike and confidence tells nothing.
    confidence_noise
        Standard deviation of each model's own noise on the logit of its confidence.
    """

    accuracy: float
    discordance: float
    concentration: float = 3.0
    confidence_noise: float = 0.3

    def draw(self, rng: np.random.Generator, rows: int = ROWS) -> tuple[Predictions, Predictions]:
        """Draw both models' predictions for the same examples.

        Raises
        ------
        ValuesError
            If a number is out of range, or even independent models would disagree less than ``discordance``.

        Examples
        --------
        >>> before, after = AssumedModels(0.8, 0.05).draw(np.random.default_rng(0))
        >>> bool(abs(before.correct.mean() - 0.8) < 0.01), float((before.correct != after.correct).mean().round(2))
        (True, 0.05)
        """
        where = "plan"
        check_share(self.accuracy, "an accuracy", where)
        check_share(self.discordance, "a discordance", where)
        if not (self.concentration > 0 and self.confidence_noise >= 0):
            raise ValuesError("a concentration above 0 and noise of at least 0", f"{self}", where=where)
        k = self.concentration
        right = rng.beta(self.accuracy * k, (1 - self.accuracy) * k, rows).clip(_EDGE, 1 - _EDGE)
        luck, other = rng.standard_normal((2, rows))
        bar = special.ndtri(right)
        first = luck < bar
        share = self._shared_luck(first, bar, luck, other, where)
        second = share * luck + np.sqrt(1 - share**2) * other < bar
        score = special.logit(right) + self.confidence_noise * rng.standard_normal((2, rows))
        ids = np.arange(rows)
        before, after = (
            Predictions(ids, confidence=special.expit(s), correct=c)
            for s, c in zip(score, (first, second), strict=True)
        )
        return before, after

    def _shared_luck(
        self,
        first: np.ndarray,
        bar: Float[np.ndarray, " n"],
        luck: Float[np.ndarray, " n"],
        other: Float[np.ndarray, " n"],
        where: str,
    ) -> float:
        """Correlation of the models' luck that gives the discordance, by bisection: more in common, less discordance."""

        def discordance(share: float) -> float:
            return float(((share * luck + np.sqrt(1 - share**2) * other < bar) != first).mean())

        low, high = 0.0, 1.0
        if discordance(low) < self.discordance:
            raise ValuesError(
                f"a discordance of at most {discordance(low):.3g} at an accuracy of {self.accuracy:g}",
                f"{self.discordance:g}",
                where=where,
                fix="Lower the discordance: two accurate models cannot disagree that often.",
            )
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if discordance(middle) > self.discordance else (low, middle)
        return high


def spread_of_difference(
    models: AssumedModels, metric: str, rng: np.random.Generator, rows: int = ROWS
) -> tuple[float, float]:
    """Value of a metric under the assumption, and the standard deviation of a row's influence on its change.

    ``n`` independent examples give the change a standard error of the second number over ``√n``.

    Raises
    ------
    ValuesError
        If the metric is none of `FORECASTABLE`, or the assumption is out of range.

    Examples
    --------
    >>> value, spread = spread_of_difference(AssumedModels(0.8, 0.05), "accuracy", np.random.default_rng(0))
    >>> round(value, 2), round(spread, 2)  # the spread is √discordance
    (0.8, 0.22)
    """
    if metric not in FORECASTABLE:
        raise ValuesError(f"a metric out of {', '.join(FORECASTABLE)}", repr(metric), where="plan")
    before, after = models.draw(rng, rows)
    chosen = METRICS[metric]
    assert chosen.influence is not None  # all of FORECASTABLE have one
    first, second = (chosen.influence(*chosen.columns(arm)) for arm in (before, after))
    return chosen.value(before), float((second - first).std())
