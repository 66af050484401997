"""Dawid–Skene: every annotator has a confusion matrix, estimated together with the true classes.

``P(class of i = k | answers) ∝ prior_k · Π_v confusion[annotator_v, k, answer_v]``; the confusion matrices and the prior are
expected counts under these posteriors; the two are repeated from majority vote until the bound stops rising.

Departures from the paper: log space throughout; sparse products instead of loops; control questions; pseudo-counts drawn
from the confusion of all annotators together, so that somebody with one answer is taken for an average person and not for a
genius; a warm start, so that new answers cost a few rounds.

References
----------
Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Applied Statistics 28(1), 1979,
doi:10.2307/2346806.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError
from yori.labels.consensus import LEAST, Consensus, expect, log_of, maximise
from yori.labels.expectation_maximisation import ROUNDS, TOLERANCE, rounds_of_em
from yori.labels.majority import answers_given, vote_shares
from yori.labels.votes import Gold, Votes

WHERE = "dawid_skene"


def dawid_skene(
    votes: Votes,
    *,
    gold: Gold | None = None,
    pooling: float = 0.0,
    prior: Float[np.ndarray, "..."] | None = None,
    start: Consensus | None = None,
    tolerance: float = TOLERANCE,
    limit: int = ROUNDS,
) -> Consensus:
    """Estimate true classes and the confusion matrix of every annotator.

    Parameters
    ----------
    votes
        Answers.
    gold
        Control questions: their class is known and teaches how good the annotators are.
    pooling
        Pseudo-answers per true class that every annotator starts with, distributed like the answers of all annotators
        together. 0: none (the paper). 1 to 5 is wise where people answered few examples.
    prior
        Pseudo-counts, ``(c, c)`` or ``(a, c, c)`` as ``[true class, answer]``: what is known from elsewhere.
    start
        An earlier result: the rounds begin at its confusion matrices instead of at majority vote. Annotators that it does
        not know (with higher numbers) begin as the average one.
    tolerance
        Stop when the bound per answer rises by less.
    limit
        Stop after so many rounds.

    Returns
    -------
    `Consensus`.

    Raises
    ------
    ShapeError, ValuesError
        If ``prior`` or ``start`` do not fit the votes, or a number makes no sense.

    Notes
    -----
    O(v c) a round in time; memory O(v + n c + a c²). With ``pooling=0`` and no prior equal to crowd-kit to 1e-6, rounds
    included (the criterion is the same: the bound with the class prior counted once an answer).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 200)
    >>> example, annotator = np.divmod(np.arange(1000), 5)
    >>> right = rng.random(1000) < np.array([0.95, 0.9, 0.55, 0.55, 0.1])[annotator]
    >>> votes = Votes(example, annotator, np.where(right, truth[example], 1 - truth[example]), 200, 5, 2)
    >>> found = dawid_skene(votes)
    >>> float((found.labels == truth).mean()) > 0.95, int(found.skill.argmin())
    (True, 4)
    """
    pseudo = _check(votes, pooling, prior, start)
    given = answers_given(votes)

    def confusion_of(counts: Float[np.ndarray, "a c c"]) -> Float[np.ndarray, "a c c"]:
        added = pseudo
        if pooling:
            together = counts.sum(axis=0) + LEAST
            pooled = pooling * together / together.sum(axis=1, keepdims=True)
            added = pooled if pseudo is None else pseudo + pooled
        return maximise(counts, given, added)

    if start is None:
        probs = vote_shares(votes)
    else:
        confusion = _extend(start.confusion, votes.annotators)
        probs = expect(votes.incidence(), log_of(confusion), log_of(start.priors))[0]
    return rounds_of_em(votes, probs, confusion_of, method=WHERE, gold=gold, tolerance=tolerance, limit=limit)


def _check(
    votes: Votes, pooling: float, prior: Float[np.ndarray, "..."] | None, start: Consensus | None
) -> Float[np.ndarray, "..."] | None:
    if not (pooling >= 0 and np.isfinite(pooling)):
        raise ValuesError("pooling ≥ 0", str(pooling), where=WHERE)
    square = (votes.classes, votes.classes)
    if start is not None and (start.confusion.shape[1:] != square or len(start.confusion) > votes.annotators):
        raise ShapeError(
            f"a start with at most {votes.annotators} annotators and {votes.classes} classes",
            f"confusion of shape {start.confusion.shape}",
            where=WHERE,
            fix="New annotators and examples come last; the classes stay.",
        )
    if prior is None:
        return None
    pseudo = np.asarray(prior, dtype=np.float64)
    check_finite(pseudo, name="prior", where=WHERE)
    if pseudo.shape not in (square, (votes.annotators, *square)) or (pseudo < 0).any():
        raise ShapeError(f"pseudo-counts ≥ 0 of shape {square} or {(votes.annotators, *square)}",
                         f"shape {pseudo.shape}, least {pseudo.min():g}", where=WHERE)  # fmt: skip
    return pseudo


def _extend(confusion: Float[np.ndarray, "b c c"], annotators: int) -> Float[np.ndarray, "a c c"]:
    """The known annotators, and an average one for each that is new."""
    average = confusion.mean(axis=0, keepdims=True)
    return np.concatenate([confusion, np.repeat(average, annotators - len(confusion), axis=0)])
