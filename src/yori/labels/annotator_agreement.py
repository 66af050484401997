"""Do annotators agree, class by class and with each other: κ and α, from the tables that `yori.statistics` reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.errors import ValuesError
from yori.labels.consensus import Consensus
from yori.labels.votes import Votes
from yori.statistics import cohen_kappa, fleiss_kappa, krippendorff_alpha


@dataclass(frozen=True)
class ClassAgreement:
    """Agreement on each class against all others, and on all classes together; ``nan`` where it is not defined.

    ``kappa``: Fleiss, on the examples that have the most common number of answers (``raters``). ``alpha``: Krippendorff, on
    all examples with two answers or more. 1 = full agreement, 0 = chance. ``answers``: how often each class was given.
    """

    kappa: Float[np.ndarray, " c"]
    alpha: Float[np.ndarray, " c"]
    answers: Int[np.ndarray, " c"]
    overall_kappa: float
    overall_alpha: float
    raters: int


def class_agreement(votes: Votes) -> ClassAgreement:
    """κ and α of every class.

    Parameters
    ----------
    votes
        Answers.

    Returns
    -------
    `ClassAgreement`; all ``nan`` if no example has two answers, for example because no two annotators overlap.

    Examples
    --------
    >>> votes = Votes(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1] * 3), np.array([0, 0, 1, 2, 1, 2]), 3, 2, 3)
    >>> found = class_agreement(votes)            # 1 and 2 are always confused, 0 never
    >>> found.alpha.round(2)
    array([ 1. , -0.25, -0.25])
    """
    counts = votes.counts()
    ratings, rated = _side_by_side(votes)
    many = counts.sum(axis=1)
    several = many[many >= 2]
    raters = int(np.bincount(several).argmax()) if len(several) else 0
    equal = counts[many == raters] if raters else counts[:0]
    kappa, alpha = np.full(votes.classes, np.nan), np.full(votes.classes, np.nan)
    for k in range(votes.classes):
        kappa[k] = _kappa(np.stack([raters - equal[:, k], equal[:, k]], axis=1))
        alpha[k] = _alpha((ratings == k).astype(np.int64), rated)
    return ClassAgreement(kappa, alpha, counts.sum(axis=0), _kappa(equal), _alpha(ratings, rated), raters)


def _side_by_side(votes: Votes) -> tuple[Int[np.ndarray, "n m"], Bool[np.ndarray, "n m"]]:
    """Answers of each example in the first columns of its row: α does not ask who gave them."""
    many = votes.per_example()
    order = np.argsort(votes.example, kind="stable")
    first = np.cumsum(many) - many
    column = np.arange(len(votes)) - first[votes.example[order]]
    ratings = np.zeros((votes.examples, max(2, int(many.max()))), dtype=np.int64)
    rated = np.zeros(ratings.shape, dtype=np.bool_)
    ratings[votes.example[order], column] = votes.answer[order]
    rated[votes.example[order], column] = True
    return ratings, rated


def _kappa(counts: Int[np.ndarray, "n c"]) -> float:
    if len(counts) == 0 or (counts.sum(axis=0) > 0).sum() < 2:
        return float("nan")
    return fleiss_kappa(counts)


def _alpha(ratings: Int[np.ndarray, "n m"], rated: Bool[np.ndarray, "n m"]) -> float:
    try:
        return krippendorff_alpha(ratings, rated=rated)
    except ValuesError:  # no example with two answers, or a single class
        return float("nan")


@dataclass(frozen=True)
class AnnotatorTable:
    """One row per annotator, ``(a,)`` each; ``nan`` where an annotator has too few answers to tell.

    ``answers``: how many. ``skill``: expected share of right answers. ``information``: share of the class entropy that one
    answer removes. ``kappa``: agreement with the consensus beyond chance. ``most_confused``: ``(a, 2)`` true class and wrong
    answer that the annotator gives most often, in expected answers.
    """

    answers: Int[np.ndarray, " a"]
    skill: Float[np.ndarray, " a"]
    information: Float[np.ndarray, " a"]
    kappa: Float[np.ndarray, " a"]
    most_confused: Int[np.ndarray, "a 2"]


def annotator_table(votes: Votes, consensus: Consensus) -> AnnotatorTable:
    """How good each annotator is, measured against the consensus.

    Parameters
    ----------
    votes, consensus
        Answers, and what a method made of them.

    Examples
    --------
    >>> from yori.labels.majority import majority
    >>> votes = Votes(np.arange(6) // 3, np.arange(6) % 3, np.array([0, 0, 1, 1, 1, 0]), 2, 3, 2)
    >>> annotator_table(votes, majority(votes)).kappa
    array([ 1.,  1., -1.])
    """
    labels = consensus.labels
    order = np.argsort(votes.annotator, kind="stable")
    answers = votes.per_annotator()
    kappa = np.full(votes.annotators, np.nan)
    for a, rows in enumerate(np.split(order, np.cumsum(answers)[:-1])):
        given, truth = votes.answer[rows], labels[votes.example[rows]]
        if len(rows) and len(np.union1d(given, truth)) > 1:
            kappa[a] = cohen_kappa(given, truth)
    wrong = consensus.confusion * consensus.priors[:, None]
    wrong[:, np.arange(votes.classes), np.arange(votes.classes)] = -1
    worst = np.stack(np.unravel_index(wrong.reshape(votes.annotators, -1).argmax(axis=1), wrong.shape[1:]), axis=1)
    skill, information = consensus.skill, consensus.information
    silent = answers == 0
    skill[silent], information[silent] = np.nan, np.nan
    return AnnotatorTable(answers, skill, information, kappa, worst)


def pairwise_kappa(votes: Votes) -> Float[np.ndarray, "a a"]:
    """Cohen's κ of every two annotators on the examples both answered; ``nan`` where they never met or used one class.

    Notes
    -----
    O(a²) pairs over a dense ``(n, a)`` table: for teams, not for crowds. An annotator's last answer to an example counts.

    Raises
    ------
    ValuesError
        If the table would have more than 50 million cells.

    Examples
    --------
    >>> votes = Votes(np.array([0, 1, 0, 1, 2]), np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0]), 3, 3, 2)
    >>> pairwise_kappa(votes)[0]
    array([ 1.,  1., nan])
    """
    if votes.examples * votes.annotators > 50_000_000:
        raise ValuesError(
            "examples × annotators up to 50 million", f"{votes.examples} × {votes.annotators}",
            where="pairwise_kappa", fix="Pass the answers of a few annotators.",
        )  # fmt: skip
    table = np.full((votes.annotators, votes.examples), -1, dtype=np.int32)  # -1 only in here: no answer
    table[votes.annotator, votes.example] = votes.answer
    kappa = np.full((votes.annotators, votes.annotators), np.nan)
    for a in range(votes.annotators):
        for b in range(a + 1):
            met = (table[a] >= 0) & (table[b] >= 0)
            if met.any() and len(np.union1d(table[a, met], table[b, met])) > 1:
                kappa[a, b] = kappa[b, a] = cohen_kappa(table[a, met], table[b, met])
    return kappa
