r"""How often is the model wrong now, without a single new label, and when that cannot be known.

Two estimates that need no labels. *Average confidence*: one minus the mean calibrated confidence, corrected by what it missed
on validation rows. *Average thresholded confidence* (ATC): the share of rows below the confidence that, on validation rows,
has as many rows below it as there are errors. Both are right when new rows are like the reference, and each has an interval
for that case. Both are too good under shift: a model is sure about input it has never met (on held-out speakers of spoken
digits the true error was about twice the estimate).

No formula repairs that, because the confidence does not hold what it would need; but every domain of the training data is a
shift whose answer is known. Leave each out, estimate, look (`yori.shift.known_shifts`): the misses tell how far off the
estimate is on a domain nobody has seen, and give a prediction interval for the next one. Where the new rows have moved farther
than any held-out domain did, or there are too few domains, the answer is that it *cannot be known*, and labels are needed.

References
----------
Guillory et al., "Predicting with confidence on unseen distributions", ICCV 2021, arXiv:2107.03315 (average confidence).
Garg et al., "Leveraging unlabeled data to predict out-of-distribution performance", ICLR 2022, arXiv:2201.04234 (ATC; no
method works for every shift, Proposition 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import Confidence, Correct
from yori.errors import ValuesError
from yori.metrics.outcomes import check_outcomes
from yori.shift.relabelling import check_scores
from yori.statistics import clustered_standard_error
from yori.statistics.power import t_quantile

LEVEL = 0.95
FEWEST_SHIFTS = 3
"""With fewer held-out domains the spread of their misses says nothing."""

Basis = Literal["same distribution", "known shifts", "cannot know"]


@dataclass(frozen=True)
class RiskEstimate:
    """An error rate without labels.

    Attributes
    ----------
    risk, low, high
        Estimate and interval for the error rate of *these* rows. Where it cannot be known the interval is ``[0, 1]``.
    basis
        What the interval rests on.
    reason
        In words, for people.
    """

    risk: float
    low: float
    high: float
    basis: Basis
    reason: str

    @property
    def known(self) -> bool:
        """Whether the interval says anything."""
        return self.basis != "cannot know"


@dataclass(frozen=True)
class KnownShift:
    """A domain that was left out: what was estimated for it, what was true, how much of it was novel, and its rows."""

    domain: str
    estimated: float
    actual: float
    novelty: float
    rows: int


def average_confidence(
    confidence: Float[np.ndarray, " m"],
    reference_confidence: Confidence,
    reference_correct: Correct,
    *,
    reference_groups: Int[np.ndarray, " n"] | None = None,
    level: float = LEVEL,
) -> RiskEstimate:
    """Error rate of new rows from their calibrated confidence, if they are like the reference.

    Parameters
    ----------
    confidence
        Shape ``(m,)``. Probability of being right of the new rows, in ``[0, 1]``.
    reference_confidence, reference_correct
        Shape ``(n,)``. Of labelled rows the model was not trained on.
    reference_groups
        Shape ``(n,)``. Whole numbers; rows of one group err together.
    level
        Of the interval.

    Returns
    -------
    RiskEstimate
        ``mean(1 − confidence)`` of the new rows plus the mean of ``wrong − (1 − confidence)`` of the reference. The interval
        holds the share of errors among these ``m`` rows, so it counts their luck as well as that of the reference.

    Raises
    ------
    ShapeError, ValuesError
        On empty or unequal arrays, confidences outside ``[0, 1]``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.beta(8, 1, 2000), rng.beta(8, 1, 1000)
    >>> found = average_confidence(new, old, rng.random(2000) < old)
    >>> bool(found.low < (rng.random(1000) > new).mean() < found.high)
    True
    """
    seen, known, right = _checked(confidence, reference_confidence, reference_correct, "average_confidence")
    miss = (1 - right.astype(np.float64)) - (1 - known)
    risk = float((1 - seen).mean() + miss.mean())
    chance = np.clip(seen - miss.mean(), 0, 1)
    luck = max(float((chance * (1 - chance)).mean()), float(miss.var())) / len(seen)
    # Validation rows that are all right show no spread at all: a pseudo-error keeps the interval honest (rule of three).
    floor = 1 / (len(right) + 2) ** 2
    error = max(clustered_standard_error(miss, reference_groups)[0] ** 2, floor)
    return _interval(risk, math.sqrt(luck + error), level)


def average_thresholded_confidence(
    confidence: Float[np.ndarray, " m"],
    reference_confidence: Confidence,
    reference_correct: Correct,
    *,
    level: float = LEVEL,
) -> RiskEstimate:
    """Error rate of new rows as the share below a confidence that was matched to the errors of the reference (ATC).

    Parameters
    ----------
    confidence, reference_confidence, reference_correct, level
        As `average_confidence`; any score will do, higher = more trusted.

    Raises
    ------
    ShapeError, ValuesError
        As `average_confidence`.

    Examples
    --------
    >>> old, right = np.linspace(0, 1, 1000), np.arange(1000) >= 100
    >>> round(average_thresholded_confidence(np.linspace(0, 0.5, 500), old, right).risk, 2)
    0.2
    """
    where = "average_thresholded_confidence"
    seen, known, right = _checked(confidence, reference_confidence, reference_correct, where)
    wrong = int((~right).sum())
    ordered = np.sort(known)
    threshold = ordered[wrong] if wrong < len(ordered) else np.inf
    below = float((seen < threshold).mean())
    share = (wrong + 1) / (len(right) + 2)
    # The new rows' share below, their luck in erring, and the reference's count of errors; the first two are alike.
    spread = 2 * max(below * (1 - below), share * (1 - share)) / len(seen) + share * (1 - share) / len(right)
    return _interval(below, math.sqrt(spread), level)


def under_shift(
    estimated: float, shifts: Sequence[KnownShift], novelty: float, *, rows: int, level: float = LEVEL
) -> RiskEstimate:
    """The same estimate on rows that have moved, corrected and widened by what it missed on held-out domains.

    Parameters
    ----------
    estimated
        What an estimator says.
    shifts
        What the same estimator said and missed on held-out domains.
    novelty
        Share of the new rows that is novel (`yori.shift.rarity.Novelty.share`).
    rows
        How many new rows there are.
    level
        Of the prediction interval.

    Returns
    -------
    RiskEstimate
        ``estimated + mean miss ± t · sd · sqrt(1 + 1/K)``, cut to ``[0, 1]``: right if the new domain is one more draw from
        where the known ones came from. *Cannot know* with fewer than `FEWEST_SHIFTS` domains, or where more rows are novel
        than in any of them.

    Raises
    ------
    ValuesError
        If a share is outside ``[0, 1]``.

    Examples
    --------
    >>> shifts = [KnownShift(name, 0.1, 0.1 + miss, 0.2, 500) for name, miss in zip("abcde", (0.0, 0.02, 0.1, 0.06, 0.02))]
    >>> found = under_shift(0.08, shifts, 0.15, rows=500)
    >>> round(found.risk, 3), round(found.low, 3), round(found.high, 3), found.basis
    (0.12, 0.0, 0.248, 'known shifts')
    >>> under_shift(0.08, shifts, 0.4, rows=500).basis
    'cannot know'
    """
    if not (0 <= novelty <= 1 and math.isfinite(estimated)):
        raise ValuesError("an estimate and a share of novel rows", f"{estimated} and {novelty}", where="under_shift")
    if len(shifts) < FEWEST_SHIFTS:
        reason = (
            f"the rows have moved, and {len(shifts)} held-out domains are too few to say how far off the estimate is"
        )
        return RiskEstimate(estimated, 0.0, 1.0, "cannot know", reason)
    farthest = max(shifts, key=lambda each: each.novelty)
    luck = math.sqrt(farthest.novelty * (1 - farthest.novelty) / max(rows, 1))
    if novelty > farthest.novelty + 2 * luck:
        reason = (
            f"{novelty:.0%} of the rows are novel, more than in any held-out domain "
            f"({farthest.novelty:.0%} in {farthest.domain}): outside of what was ever checked"
        )
        return RiskEstimate(estimated, 0.0, 1.0, "cannot know", reason)
    misses = np.array([each.actual - each.estimated for each in shifts])
    risk = min(max(estimated + float(misses.mean()), 0.0), 1.0)
    spread = float(misses.std(ddof=1)) * math.sqrt(1 + 1 / len(misses))
    own = math.sqrt(max(risk * (1 - risk), 0.01) / max(rows, 1))  # luck of few rows, which large held-out domains lack
    half = t_quantile(0.5 + level / 2, len(misses) - 1) * math.hypot(spread, own)
    reason = f"the rows have moved; the interval is what {len(misses)} held-out domains missed by"
    return RiskEstimate(risk, max(0.0, risk - half), min(1.0, risk + half), "known shifts", reason)


def _checked(
    confidence: Float[np.ndarray, " m"], reference_confidence: Confidence, reference_correct: Correct, where: str
) -> tuple[Float[np.ndarray, " m"], Confidence, Correct]:
    known, right = check_outcomes(reference_confidence, reference_correct, where=where)
    seen, known = check_scores(confidence, known, where=where)
    if min(seen.min(), known.min()) < 0 or max(seen.max(), known.max()) > 1:
        raise ValuesError("confidences in [0, 1]", "others", where=where)
    return seen, known, right


def _interval(risk: float, error: float, level: float) -> RiskEstimate:
    if not 0 < level < 1:
        raise ValuesError("a level between 0 and 1", f"{level}", where="estimated risk")
    half = t_quantile(0.5 + level / 2, 1e6) * error
    risk = min(max(risk, 0.0), 1.0)
    reason = "the rows are like the reference as far as the tests can see"
    return RiskEstimate(risk, max(0.0, risk - half), min(1.0, risk + half), "same distribution", reason)
