"""Do people label alike, class by class, and did a change of the guide help.

The score of a class is its specific agreement: of the answers that name the class, the share of *other* answers to the same
examples that name it, too. 1 = whoever hears it calls it so. An example counts in proportion to its answers, whatever their
number. Unlike κ it needs no second class and is not lowered by a class being rare; the share that chance alone would give
is reported beside it.

References ---------- Cicchetti, Feinstein, "High agreement but low kappa: II", Journal of Clinical Epidemiology 1990,
doi:10.1016/0895-4356(90)90159-M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.audit.annotators import Answers
from yori.errors import ValuesError

REPLICATES = 1000


@dataclass(frozen=True)
class ClassConsistency:
    """Agreement about one class.

    Parameters
    ----------
    label
        The class.
    agreement
        Specific agreement, 0 to 1, higher is better; NaN if nobody named the class twice-answered.
    low, high
        95 % interval, bootstrap over examples.
    chance
        What it would be if everybody drew answers from the same proportions.
    examples
        Examples with at least two answers of which one names the class.
    """

    label: str
    agreement: float
    low: float
    high: float
    chance: float
    examples: int


@dataclass(frozen=True)
class ConsistencyChange:
    """Agreement about one class before and after: the difference, its 95 % interval, and what it shows."""

    label: str
    before: ClassConsistency
    after: ClassConsistency
    change: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``no difference shown`` or ``too few answers``."""
        if np.isnan(self.change) or np.isnan(self.low):
            return "too few answers"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "no difference shown"


def class_consistency(
    answers: Answers, classes: Sequence[str] | None = None, *, rng: np.random.Generator
) -> list[ClassConsistency]:
    """Agreement about every class.

    Parameters
    ----------
    answers
        At least one example must have answers of two people.
    classes
        In this order; by default all that occur, sorted.
    rng
        Of the bootstrap.

    Raises
    ------
    ValuesError
        If no example has two answers, or an answer is no class.

    Examples
    --------
    >>> answers = Answers(["x", "x", "y", "y"], ["ann", "ben"] * 2, ["cat", "cat", "cat", "dog"])
    >>> [(each.label, round(each.agreement, 2)) for each in class_consistency(answers, rng=np.random.default_rng(0))]
    [('cat', 0.67), ('dog', 0.0)]
    """
    names, agree, total, chance = _counts(answers, classes)
    spread = _replicates(agree, total, rng)
    return [
        ClassConsistency(name, _ratio(agree[:, k].sum(), total[:, k].sum()), *_interval(spread[:, k]),
                         float(chance[k]), int((total[:, k] > 0).sum()))
        for k, name in enumerate(names)
    ]  # fmt: skip


def consistency_change(
    before: Answers, after: Answers, classes: Sequence[str] | None = None, *, rng: np.random.Generator
) -> list[ConsistencyChange]:
    """Agreement about every class before and after a change of the guide.

    The two need not be about the same examples; they are compared as independent samples of examples, which is what they are
    if the second round asked about new ones, and is careful if it asked about the same.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ids = [f"e{k}" for k in range(60) for _ in range(2)]
    >>> before = Answers(ids, ["ann", "ben"] * 60, [("cat", "dog")[int(each)] for each in rng.integers(0, 2, 120)])
    >>> after = Answers(ids, ["ann", "ben"] * 60, [("cat", "dog")[k // 2 % 2] for k in range(120)])
    >>> [each.verdict for each in consistency_change(before, after, rng=rng)]
    ['better', 'better']
    """
    known = sorted({*before.label, *after.label}) if classes is None else list(classes)
    first, second = (class_consistency(each, known, rng=rng) for each in (before, after))
    spreads = [_replicates(*_counts(each, known)[1:3], rng) for each in (before, after)]
    return [
        ConsistencyChange(name, a, b, b.agreement - a.agreement, *_interval(spreads[1][:, k] - spreads[0][:, k]))
        for k, (name, a, b) in enumerate(zip(known, first, second, strict=True))
    ]


def _counts(
    answers: Answers, classes: Sequence[str] | None
) -> tuple[list[str], Float[np.ndarray, "e c"], Float[np.ndarray, "e c"], Float[np.ndarray, " c"]]:
    """Per example with two answers or more and class: agreeing and all (ordered) pairs from answers that name the class."""
    names = sorted(set(answers.label)) if classes is None else list(classes)
    place = {name: k for k, name in enumerate(names)}
    unknown = sorted(set(answers.label) - place.keys())
    if unknown:
        raise ValuesError(f"answers among {', '.join(names)}", repr(unknown[0]), where="consistency")
    given = [list(each.values()) for each in answers.by_example().values() if len(each) > 1]
    if not given:
        raise ValuesError(
            "examples answered by two people",
            "none",
            where="consistency",
            fix="Let two people answer the same examples.",
        )
    votes = np.zeros((len(given), len(names)))
    for row, labels in enumerate(given):
        for label in labels:
            votes[row, place[label]] += 1
    n = votes.sum(axis=1, keepdims=True)
    share = votes.sum(axis=0) / votes.sum()
    # Divided by n − 1, so that an example weighs as many answers as it has and not their square.
    return names, votes * (votes - 1) / (n - 1), votes, share


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _replicates(
    agree: Float[np.ndarray, "e c"], total: Float[np.ndarray, "e c"], rng: np.random.Generator
) -> Float[np.ndarray, "r c"]:
    weight = rng.multinomial(len(agree), np.full(len(agree), 1 / len(agree)), size=REPLICATES).astype(np.float64)
    over, under = weight @ agree, weight @ total
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)


def _interval(values: Float[np.ndarray, " r"]) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if len(known) < 0.5 * len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
