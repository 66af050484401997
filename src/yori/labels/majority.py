"""Majority vote: the share of the answers, the baseline that every other method must beat."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from yori.labels.consensus import Consensus, confusion_counts, maximise
from yori.labels.votes import Gold, Votes


def vote_shares(votes: Votes) -> Float[np.ndarray, "n c"]:
    """``(n, c)`` share of each class among an example's answers; the overall shares where it has none."""
    counts = votes.counts().astype(np.float64)
    total = counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / len(votes)
    return np.divide(counts, total, out=np.tile(overall, (votes.examples, 1)), where=total > 0)


def majority(votes: Votes, *, gold: Gold | None = None) -> Consensus:
    """Take the most frequent answer of each example; of equal ones the first class.

    Parameters
    ----------
    votes
        Answers.
    gold
        Examples whose class is known: certain in the result.

    Returns
    -------
    `Consensus`; ``confusion`` counts every annotator against these shares.

    Examples
    --------
    >>> votes = Votes(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.array([1, 1, 0, 0]), 2, 3, 2)
    >>> majority(votes).labels
    array([1, 0])
    """
    probs = vote_shares(votes)
    if gold is not None:
        gold.check(votes.examples, votes.classes).fix(probs)
    incidence = votes.incidence()
    confusion = maximise(confusion_counts(incidence.T.tocsr(), probs), answers_given(votes), None)
    return Consensus(probs, probs.mean(axis=0), confusion, "majority")


def answers_given(votes: Votes) -> Bool[np.ndarray, "a c"]:
    """``(a, c)``: which answers each annotator ever gave."""
    given = np.zeros((votes.annotators, votes.classes), dtype=np.bool_)
    given[votes.annotator, votes.answer] = True
    return given
