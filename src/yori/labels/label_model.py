"""Label model: true classes from labelling functions, with estimated class balance, guarded against losing to majority vote.

Every function *j* has ``T_j[k, v]``: the chance to give answer *v* (a class, or abstain) to an example of class *k*.
Abstaining is an answer: a function that only ever votes *ship* speaks by its silence too. ``T`` and the class balance are
estimated by EM on the distinct rows of the vote matrix, from a start in which each vote is right with `PRECISION`, and drawn
towards that start by a few pseudo-examples.

Where the model is not shown to beat majority vote, majority vote is the answer: label_model_guard.py.

Departure from data programming: no correlation structure is estimated; where there is one, the guard says so.

References
----------
Ratner et al., "Data programming", NeurIPS 2016 (arXiv 1605.07723). Dawid & Skene 1979. Zhang et al., "WRENCH", NeurIPS 2021
(arXiv 2109.11377): no label model beats majority vote everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from yori.errors import ValuesError
from yori.labels.label_model_guard import judge_label_model
from yori.labels.labelling_functions import ABSTAIN, VoteMatrix
from yori.labels.vote_patterns import Patterns, fit
from yori.labels.votes import Gold


@dataclass(frozen=True)
class LabelModel:
    """What the functions say together.

    ``probs``: ``(n, c)``. ``balance``: ``(c,)`` estimated class balance. ``answers``: ``(m, c, c+1)``, ``[function, true
    class, vote]``, abstaining last. ``kept``: whether ``probs`` are the model's and not majority vote's; ``reason``: one
    sentence why. ``model_probs``: the model's, whatever the guard said.
    """

    probs: Float[np.ndarray, "n c"]
    balance: Float[np.ndarray, " c"]
    answers: Float[np.ndarray, "m c v"]
    kept: bool
    reason: str
    model_probs: Float[np.ndarray, "n c"]

    @property
    def labels(self) -> Int[np.ndarray, " n"]:
        """``(n,)`` most probable class."""
        labels: Int[np.ndarray, " n"] = self.probs.argmax(axis=1)
        return labels


def majority_of_functions(matrix: VoteMatrix) -> Float[np.ndarray, "n c"]:
    """Shares of the votes ``(n, c)``; ties, and rows without a vote, lean to the class with more votes overall."""
    counts = matrix.counts().astype(np.float64)
    overall = counts.sum(axis=0) + 1e-3
    counts += 1e-6 * overall / overall.sum()
    shares: Float[np.ndarray, "n c"] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def label_model(
    matrix: VoteMatrix, *, rng: np.random.Generator, gold: Gold | None = None, guard: bool = True
) -> LabelModel:
    """Join the votes of labelling functions.

    Parameters
    ----------
    matrix
        Votes; functions that always abstain are allowed and say nothing.
    rng
        Draws the resamples of the guard.
    gold
        Examples whose class is known; they guard, they do not teach.
    guard
        False: the model, whatever it is worth.

    Returns
    -------
    `LabelModel`.

    Raises
    ------
    ValuesError
        If not a single function votes anywhere.

    Notes
    -----
    O(p m c) a round on the *p* distinct rows; the guard repeats the fit up to 33 times.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 2000)
    >>> right = rng.random((2000, 5)) < [0.95, 0.6, 0.6, 0.6, 0.6]
    >>> matrix = VoteMatrix(np.where(right, truth[:, None], 1 - truth[:, None]), tuple("abcde"), ("x", "y"))
    >>> found = label_model(matrix, rng=rng)
    >>> bool((found.labels == truth).mean() > (majority_of_functions(matrix).argmax(axis=1) == truth).mean())
    True
    """
    if not (matrix.votes != ABSTAIN).any():
        raise ValuesError(
            "a function that votes", "functions that all abstain everywhere", where="label_model",
            fix="Loosen a rule, or look at the coverage in the table of functions.",
        )  # fmt: skip
    known = gold.check(len(matrix.votes), len(matrix.classes)) if gold is not None else None
    patterns = Patterns.of(matrix)
    balance, answers, by_pattern = fit(patterns)
    probs = by_pattern[patterns.back]
    plain = majority_of_functions(matrix)
    kept, reason = True, "The label model, unguarded."
    if guard:
        kept, reason = judge_label_model(matrix, patterns, balance, answers, probs, plain, known, rng)
    return LabelModel(probs if kept else plain, balance, answers, kept, reason, probs)
