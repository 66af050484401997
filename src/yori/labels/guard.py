"""Is the clever consensus better than majority vote? If not, majority vote is the answer.

With control questions: both are asked about control questions they were not told; the one with fewer errors wins, the
clever one where they are equal. Without: some answers are hidden, one each of examples that keep another, and predicted from
the rest, by both; the higher likelihood wins. A likelihood cannot see classes that have changed their names, so a
consensus whose typical annotator gives some true class mostly another name is refused before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from yori.labels.consensus import LEAST, Consensus, confusion_counts, maximise
from yori.labels.dawid_skene import dawid_skene
from yori.labels.majority import answers_given, majority
from yori.labels.votes import Gold, Votes
from yori.labels.votes_and_model import votes_and_model

FEW_GOLD = 20
"""Fewer control questions than this decide nothing; answers are hidden instead."""

FOLDS = 5
HIDDEN = 5000
"""Most answers that are hidden."""


@dataclass(frozen=True)
class Guarded:
    """``consensus``: the one to use. ``candidate``: the clever one. ``kept``: whether they are the same.

    ``judged_by``: ``gold``, ``hidden answers``, ``swapped classes`` or ``nothing`` (too little of both).
    ``candidate_score`` and ``majority_score``: share of right control questions, or mean log-likelihood of the hidden answers.
    """

    consensus: Consensus
    candidate: Consensus
    kept: bool
    judged_by: str
    candidate_score: float
    majority_score: float
    questions: int

    @property
    def reason(self) -> str:
        """One sentence for a report."""
        if self.judged_by == "swapped classes":
            return "Majority vote: the estimate had exchanged the names of two classes."
        if self.judged_by == "nothing":
            return "Majority vote: too few control questions and too few answers per example to judge anything else."
        what = "control questions" if self.judged_by == "gold" else "hidden answers"
        word = self.consensus.method if self.kept else "Majority vote"
        return (
            f"{word}: on {self.questions} {what} {self.candidate.method} scored {self.candidate_score:.4f}, "
            f"majority vote {self.majority_score:.4f}."
        )


def guarded_consensus(
    votes: Votes,
    *,
    rng: np.random.Generator,
    gold: Gold | None = None,
    probs: Float[np.ndarray, "n c"] | None = None,
    pooling: float = 1.0,
) -> Guarded:
    """Take Dawid–Skene (or votes × model, where a model is given) if it beats majority vote, else majority vote.

    Parameters
    ----------
    votes, gold, pooling
        As in `dawid_skene`.
    rng
        Draws the parts of the control questions, and the hidden answers.
    probs
        ``(n, c)`` out-of-fold probabilities of a model; then `votes_and_model` is the candidate.

    Returns
    -------
    `Guarded`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 300)
    >>> example, annotator = np.divmod(np.arange(1500), 5)
    >>> right = rng.random(1500) < np.array([0.95, 0.9, 0.6, 0.6, 0.1])[annotator]
    >>> votes = Votes(example, annotator, np.where(right, truth[example], 1 - truth[example]), 300, 5, 2)
    >>> guarded_consensus(votes, rng=rng).kept
    True
    """

    def fit(answers: Votes, known: Gold | None) -> Consensus:
        if probs is None:
            return dawid_skene(answers, gold=known, pooling=pooling)
        return votes_and_model(answers, probs, gold=known, pooling=pooling)

    return guard(votes, fit, rng=rng, gold=gold)


def guard(
    votes: Votes, fit: Callable[[Votes, Gold | None], Consensus], *, rng: np.random.Generator, gold: Gold | None = None
) -> Guarded:
    """`guarded_consensus` for any method: ``fit(votes, gold)`` returns its `Consensus`."""
    candidate, plain = fit(votes, gold), majority(votes, gold=gold)

    def decided(kept: bool, by: str, ours: float = float("nan"), theirs: float = float("nan"), n: int = 0) -> Guarded:
        return Guarded(candidate if kept else plain, candidate, kept, by, ours, theirs, n)

    if _swapped(votes, candidate):
        return decided(False, "swapped classes")
    if gold is not None and len(gold) >= FEW_GOLD:
        fold = rng.permutation(len(gold)) % FOLDS
        ours, theirs = 0, 0
        for number in range(FOLDS):
            asked = gold.take(fold == number)
            told = gold.take(fold != number)
            ours += int((fit(votes, told).labels[asked.example] == asked.label).sum())
            theirs += int((majority(votes).labels[asked.example] == asked.label).sum())
        return decided(ours >= theirs, "gold", ours / len(gold), theirs / len(gold), len(gold))
    hidden = hidden_answers(votes, rng)
    if len(hidden) < FEW_GOLD:
        return decided(False, "nothing")
    seen = votes.take(np.setdiff1d(np.arange(len(votes)), hidden))
    ours_log = answer_log_likelihood(votes.take(hidden), fit(seen, gold))
    counted = majority(seen, gold=gold)
    theirs_log = answer_log_likelihood(votes.take(hidden), _pooled(seen, counted))
    better = float(ours_log.mean()) > float(theirs_log.mean())
    return decided(better, "hidden answers", float(ours_log.mean()), float(theirs_log.mean()), len(hidden))


def hidden_answers(votes: Votes, rng: np.random.Generator) -> Int[np.ndarray, " h"]:
    """Positions of one random answer of each example that has two or more; at most `HIDDEN`."""
    order = rng.permutation(len(votes))
    first = order[np.unique(votes.example[order], return_index=True)[1]]
    enough = votes.per_example()[votes.example[first]] >= 2
    chosen: Int[np.ndarray, " h"] = first[enough]
    return np.sort(rng.permutation(chosen)[:HIDDEN])


def answer_log_likelihood(votes: Votes, consensus: Consensus) -> Float[np.ndarray, " v"]:
    """Log-probability of each answer, given a consensus that was made without it."""
    told = consensus.confusion[votes.annotator, :, votes.answer]
    likelihood: Float[np.ndarray, " v"] = (consensus.probs[votes.example] * told).sum(axis=1)
    return np.log(np.maximum(likelihood, LEAST))


def _pooled(votes: Votes, consensus: Consensus) -> Consensus:
    """The same posteriors, with confusion matrices that know what everybody does: as fair to majority as to the other."""
    counts = confusion_counts(votes.incidence().T.tocsr(), consensus.probs)
    together = counts.sum(axis=0) + LEAST
    confusion = maximise(counts, answers_given(votes), together / together.sum(axis=1, keepdims=True))
    return replace(consensus, confusion=confusion)


def _swapped(votes: Votes, consensus: Consensus) -> bool:
    """Does the typical annotator call some (not rare) class mostly by another name?"""
    counts = confusion_counts(votes.incidence().T.tocsr(), consensus.probs).sum(axis=0)
    common = counts.sum(axis=1) >= 0.01 * len(votes)
    return bool((counts.argmax(axis=1) != np.arange(votes.classes))[common].any())
