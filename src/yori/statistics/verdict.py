"""From an interval to a word, by a rule that is written down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from yori.errors import ValuesError
from yori.statistics.comparable_metrics import Direction
from yori.statistics.comparison import Comparison
from yori.statistics.power import minimum_detectable_effect
from yori.statistics.sample_size import settling_size

Word: TypeAlias = Literal["improved", "no difference shown", "worse", "too few examples to tell"]

RELEVANT = 0.1
"""With no margin given, a change by this part of what is left to improve counts as relevant."""


@dataclass(frozen=True)
class Verdict:
    """A verdict and what it rests on.

    Attributes
    ----------
    word
        *improved*, *no difference shown*, *worse* or *too few examples to tell*.
    sentence
        The word with its numbers; the needed number of examples belongs to *too few examples to tell: n ≥ …*.
    margin, resolution
        The smallest change that counts, and the change that the test had to be able to see.
    minimum_detectable_effect
        The smallest true change that the test would have shown with the chance ``power``.
    n_examples, needed_examples
        Examples tested, and examples that would settle it; None where it is settled.
    needed_domains
        Where domains are a sample of others: how many of them, with as many examples each as now. None otherwise.
    """

    word: Word
    sentence: str
    margin: float
    resolution: float
    minimum_detectable_effect: float
    power: float
    n_examples: int
    needed_examples: int | None
    needed_domains: int | None

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and strings, ready for JSON."""
        return dict(vars(self))


def verdict(
    comparison: Comparison, margin: float = 0.0, direction: Direction | None = None, *, power: float = 0.8
) -> Verdict:
    """Say in one of four words what a comparison showed.

    Let ``g`` be the gain (the change, positive = better) with interval ``[L, U]``, ``m`` the margin, the smallest change
    that counts, and *MDE* the smallest true change that would have been shown with the chance ``power``. The
    *resolution* ``ρ`` is what the test had to be able to see: the margin, or, without one, a tenth of what is left to
    improve (of ``|best − before|``: of the AURC itself, of the error rate for an accuracy). The first line that holds
    decides:

    ====  =====================================  =======================================================
    line  holds when                             verdict
    ====  =====================================  =======================================================
    1     ``L = U = 0``                          no difference shown (nothing changed at all)
    2     ``L > m``                              improved
    3     ``U < −m``                             worse
    4     ``m > 0`` and ``−m ≤ L, U ≤ m``        no difference shown (changes that count are ruled out)
    5     ``L > 0`` or ``U < 0``                 too few examples to tell (a change, perhaps below the margin)
    6     ``MDE ≤ ρ``                            no difference shown (a change of ``ρ`` would have been seen)
    7     otherwise                              too few examples to tell
    ====  =====================================  =======================================================

    So *no difference shown* is never said by a test that could not have seen a relevant difference, and with true gain
    in ``[−m, m]`` the words *improved* and *worse* together come with a chance of at most ``1 − level``. The examples
    needed are those with which a true gain equal to the observed one would be shown with the chance ``power`` (line 5:
    told apart from the margin); where the observed gain is below ``ρ``, those with which *MDE* ``= ρ``.

    Parameters
    ----------
    comparison
        What `yori.statistics.compare` found.
    margin
        Smallest change that counts, at least 0, in the unit of the metric.
    direction
        ``"lower"`` or ``"higher"`` is better; None: what the comparison says.
    power
        Wanted chance to see a relevant change.

    Returns
    -------
    Verdict

    Raises
    ------
    ValuesError
        If the margin is negative or not finite, or ``power`` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from yori.statistics import Predictions, compare
    >>> ids, rng = np.arange(400), np.random.default_rng(1)
    >>> before = Predictions(ids, correct=rng.random(400) < 0.8)
    >>> after = Predictions(ids, correct=before.correct | (rng.random(400) < 0.08))
    >>> print(verdict(compare(before, after, metric="accuracy", rng=rng)))
    improved: accuracy 0.81 → 0.8275, change +0.0175 (95 % interval +0.004595 to +0.03041), 400 examples
    >>> print(verdict(compare(before, after, metric="accuracy", rng=rng), margin=0.02).word)
    too few examples to tell
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise ValuesError("a margin ≥ 0", f"{margin}", where="verdict", fix="Give its size; the direction is known.")
    lower_is_better = (direction or comparison.direction) == "lower"
    gain = -comparison.delta if lower_is_better else comparison.delta
    low, high = (-comparison.high, -comparison.low) if lower_is_better else (comparison.low, comparison.high)
    df = comparison.degrees_of_freedom
    detectable = minimum_detectable_effect(comparison.standard_error, df=df, level=comparison.level, power=power)
    left = abs(comparison.before - (comparison.best if comparison.best is not None else 0.0))
    resolution = margin if margin > 0 else RELEVANT * left
    distance: float | None = None  # what has to be resolved, where it was not
    word: Word
    if low == high == 0:
        word = "no difference shown"
    elif low > margin:
        word = "improved"
    elif high < -margin:
        word = "worse"
    elif margin > 0 and low >= -margin and high <= margin:
        word = "no difference shown"
    elif low > 0 or high < 0:
        word, distance = "too few examples to tell", abs(abs(gain) - margin)
    elif detectable <= resolution:
        word = "no difference shown"
    else:
        word, distance = "too few examples to tell", max(abs(gain), resolution)
    needed = None
    if distance is not None:
        smallest = 1e-3 * max(resolution, abs(gain))  # nobody can test to more than that; keeps the number finite
        needed = settling_size(
            comparison.n_examples,
            comparison.standard_error,
            max(distance, smallest),
            df=df,
            level=comparison.level,
            power=power,
        )
        needed = max(needed, comparison.n_examples + 1)
    sampled = needed is not None and not comparison.domains_fixed
    domains = math.ceil(comparison.n_domains * (needed or 0) / comparison.n_examples) if sampled else None
    return Verdict(
        word=word,
        sentence=_sentence(word, comparison, margin, needed, domains),
        margin=margin,
        resolution=resolution,
        minimum_detectable_effect=detectable,
        power=power,
        n_examples=comparison.n_examples,
        needed_examples=needed,
        needed_domains=domains,
    )


def _sentence(word: Word, found: Comparison, margin: float, needed: int | None, domains: int | None) -> str:
    size = "" if needed is None else f": n ≥ {needed:,}".replace(",", " ")
    size += "" if domains is None else f" in {domains} domains"
    counts = f", margin {margin:.4g}" if margin else ""
    seen = f"{found.n_examples:,} examples".replace(",", " ")
    seen += f" in {found.n_domains} domains" if found.n_domains > 1 else ""
    return (
        f"{word}{size}: {found.metric} {found.before:.4g} → {found.after:.4g}, change {found.delta:+.4g} "
        f"({100 * found.level:.4g} % interval {found.low:+.4g} to {found.high:+.4g}{counts}), {seen}"
    )
