"""Answers of annotators whose skill is known: careful people, biased ones, spammers and adversaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import Labels, check_labels
from yori.errors import ValuesError
from yori.labels import Votes

WHERE = "annotator_votes"
KINDS = ("careful", "biased", "spammer", "adversary")


@dataclass(frozen=True)
class SimulatedVotes:
    """``votes``; ``confusion`` ``(a, c, c)`` they were drawn from, ``[annotator, true class, answer]``; everybody's kind."""

    votes: Votes
    confusion: Float[np.ndarray, "a c c"]
    kinds: tuple[str, ...]


def annotator_votes(
    labels: Labels,
    kinds: Sequence[str],
    *,
    classes: int,
    answers: int,
    rng: np.random.Generator,
    skill: tuple[float, float] = (0.6, 0.95),
) -> SimulatedVotes:
    """Let annotators answer.

    Parameters
    ----------
    labels
        Shape ``(n,)``, taken as true.
    kinds
        One per annotator. ``careful``: right with the annotator's skill, else any other class. ``biased``: the same, but all
        wrong answers fall on one favourite class, and examples of half of the classes are called by it half of the time.
        ``spammer``: a fixed distribution over the answers, whatever the truth. ``adversary``: with the annotator's skill the
        next class instead of the true one.
    classes
        ``c``.
    answers
        How many different annotators answer each example; at most as many as there are.
    rng
        Randomness.
    skill
        Range the skills are drawn from.

    Returns
    -------
    `SimulatedVotes`.

    Raises
    ------
    ValuesError
        If a kind is unknown, or a number makes no sense.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> made = annotator_votes(np.array([0, 1, 1]), ["careful", "adversary"], classes=2, answers=2, rng=rng)
    >>> len(made.votes), made.confusion.shape
    (6, (2, 2, 2))
    """
    true = check_labels(labels, classes, where=WHERE)
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValuesError(f"kinds out of {', '.join(KINDS)}", ", ".join(unknown), where=WHERE)
    if not 1 <= answers <= len(kinds):
        raise ValuesError(f"between 1 and {len(kinds)} answers an example", str(answers), where=WHERE)
    if classes < 2 or not 0 <= skill[0] <= skill[1] <= 1:
        raise ValuesError("at least 2 classes and 0 ≤ skill ≤ 1", f"{classes} and {skill}", where=WHERE)
    confusion = np.stack([_confusion(kind, rng.uniform(*skill), classes, rng) for kind in kinds])
    example = np.repeat(np.arange(len(true)), answers)
    # The smallest of random keys: `answers` different annotators for each example, without a loop over examples.
    people = np.empty((len(true), answers), dtype=np.int64)
    for begin in range(0, len(true), 4096):
        keys = rng.random((len(true[begin : begin + 4096]), len(kinds)))
        people[begin : begin + 4096] = np.argsort(keys, axis=1)[:, :answers]
    annotator: Int[np.ndarray, " v"] = people.ravel()
    cumulative = confusion.cumsum(axis=2)[annotator, true[example]]
    answer = (cumulative < rng.random((len(example), 1))).sum(axis=1).clip(max=classes - 1)
    votes = Votes(example, annotator, answer, len(true), len(kinds), classes)
    return SimulatedVotes(votes, confusion, tuple(kinds))


def _confusion(kind: str, skill: float, classes: int, rng: np.random.Generator) -> Float[np.ndarray, "c c"]:
    if kind == "spammer":
        return np.tile(rng.dirichlet(np.ones(classes)), (classes, 1))
    matrix = np.full((classes, classes), (1 - skill) / (classes - 1))
    np.fill_diagonal(matrix, skill)
    if kind == "adversary":
        return np.roll(matrix, 1, axis=1)
    if kind == "biased":
        favourite = int(rng.integers(classes))
        matrix = np.eye(classes) * skill
        matrix[:, favourite] += 1 - skill
        for k in rng.permutation(np.delete(np.arange(classes), favourite))[: classes // 2]:
            matrix[k] = 0
            matrix[k, k] = matrix[k, favourite] = 0.5
    return matrix
