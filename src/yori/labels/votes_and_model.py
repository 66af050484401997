"""Votes × model × gold in one EM: the model is one more annotator, and a calibrated one.

Its out-of-fold probabilities, with one scale and one shift per class, are the prior of every example:
``P(k | i) ∝ exp(β log p_ik + b_k) · Π_v confusion[annotator_v, k, answer_v]``. Scale and shift are estimated in the same
rounds as the confusion matrices, so an overconfident model loses its weight and a useless one its say (β → 0), and this
raises the likelihood of the answers: the model cannot confirm itself. Control questions are certain and teach both.

References
----------
Raykar et al., "Learning from crowds", JMLR 11, 2010. Goh, Tkachenko, Mueller, "CROWDLAB", 2022 (arXiv 2210.06812), for the
idea that any classifier helps; its weights are heuristic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

from yori.arrays import check_length, check_probs
from yori.errors import ShapeError
from yori.labels.consensus import LEAST, Consensus, log_of, maximise
from yori.labels.expectation_maximisation import ROUNDS, TOLERANCE, rounds_of_em
from yori.labels.majority import answers_given, vote_shares
from yori.labels.votes import Gold, Votes

RIDGE = 1.0
"""Draws scale and shifts towards 1 and 0, like one example that disagrees."""

STEPS = 20
WHERE = "votes_and_model"


def votes_and_model(
    votes: Votes,
    probs: Float[np.ndarray, "n c"],
    *,
    gold: Gold | None = None,
    pooling: float = 1.0,
    tolerance: float = TOLERANCE,
    limit: int = ROUNDS,
) -> Consensus:
    """Estimate true classes from answers, a model and control questions together.

    Parameters
    ----------
    votes
        Answers; an example may have none.
    probs
        ``(n, c)`` the model's probabilities for every example. Out of fold, where the model was trained on these answers.
    gold, pooling, tolerance, limit
        As in `dawid_skene`.

    Returns
    -------
    `Consensus`.

    Raises
    ------
    ShapeError, ValuesError
        If the probabilities do not fit the votes, or are none.

    Examples
    --------
    >>> votes = Votes(np.array([0, 0, 1, 1, 2, 3]), np.array([0, 1, 0, 1, 0, 1]), np.array([1, 0, 0, 1, 1, 0]), 4, 2, 2)
    >>> model = np.array([[0.1, 0.9], [0.8, 0.2], [0.1, 0.9], [0.9, 0.1]])
    >>> votes_and_model(votes, model).labels      # the first two are ties without the model
    array([1, 0, 1, 0])
    """
    model = check_probs(probs, where=WHERE)
    check_length(model, votes.examples, name="probs", where=WHERE)
    if model.shape[1] != votes.classes:
        raise ShapeError(f"probs of {votes.classes} classes", f"shape {model.shape}", where=WHERE)
    logits = log_of(model)
    given = answers_given(votes)
    state = np.concatenate([[1.0], np.zeros(votes.classes)])

    def confusion_of(counts: Float[np.ndarray, "a c c"]) -> Float[np.ndarray, "a c c"]:
        if not pooling:
            return maximise(counts, given, None)
        together = counts.sum(axis=0) + LEAST
        return maximise(counts, given, pooling * together / together.sum(axis=1, keepdims=True))

    def prior_of(posterior: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        state[:] = calibrate(logits, posterior, state)
        return special.softmax(state[0] * logits + state[1:], axis=1)

    # From the answers alone: a start that believed an overconfident model would never leave it.
    return rounds_of_em(
        votes,
        vote_shares(votes),
        confusion_of,
        method=WHERE,
        gold=gold,
        tolerance=tolerance,
        limit=limit,
        prior_of=prior_of,
    )


def calibrate(
    logits: Float[np.ndarray, "n c"], posterior: Float[np.ndarray, "n c"], start: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    """Scale and shifts ``(1 + c,)`` that make ``softmax(scale · logits + shift)`` the most likely, given soft labels."""
    by_class = posterior.sum(axis=0)
    met = float((posterior * logits).sum())

    def loss(state: Float[np.ndarray, " k"]) -> tuple[float, Float[np.ndarray, " k"]]:
        scores = state[0] * logits + state[1:]
        total = special.logsumexp(scores, axis=1, keepdims=True)
        expected = np.exp(scores - total)
        away = state - np.concatenate([[1.0], np.zeros(len(state) - 1)])
        value = float(total.sum()) - state[0] * met - float(by_class @ state[1:]) + 0.5 * RIDGE * float(away @ away)
        gradient = np.concatenate([[float((expected * logits).sum()) - met], expected.sum(axis=0) - by_class])
        return value, gradient + RIDGE * away

    bounds = [(0.0, None), *[(None, None)] * (len(start) - 1)]
    found: Any = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    state: Float[np.ndarray, " k"] = found.x
    return state
