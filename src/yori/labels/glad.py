"""GLAD: every annotator has an ability, every example a difficulty; the answer is right with probability σ(α · e^β).

Wrong answers fall on all other classes alike. A negative ability is an adversary's. Abilities and log-easiness have normal
priors of mean 1 and variance 1, as in the paper, so that examples with one answer do not run away.

Departures: several classes; L-BFGS in the M step; ``difficulty = −β``, so that larger is harder.

References
----------
Whitehill, Wu, Bergsma, Movellan, Ruvolo, "Whose vote should count more", NIPS 2009.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

from yori.labels.consensus import Consensus
from yori.labels.expectation_maximisation import TOLERANCE
from yori.labels.votes import Gold, Votes

ROUNDS = 50
STEPS = 25


def glad(votes: Votes, *, gold: Gold | None = None, tolerance: float = TOLERANCE, limit: int = ROUNDS) -> Consensus:
    """Estimate true classes, the ability of every annotator and the difficulty of every example.

    Parameters
    ----------
    votes, gold
        As in `dawid_skene`.
    tolerance
        Stop when the penalised log-likelihood per answer rises by less.
    limit
        Most rounds.

    Returns
    -------
    `Consensus` with ``difficulty`` ``(n,)``. ``confusion``: each annotator's mean chance to be right on the examples
    answered, the rest spread over the other classes.

    Notes
    -----
    O(v + n c) a step of L-BFGS. Classes are taken as equally frequent, as in the paper.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 300)
    >>> example, annotator = np.divmod(np.arange(1500), 5)
    >>> right = rng.random(1500) < np.array([0.95, 0.9, 0.6, 0.6, 0.5])[annotator]
    >>> votes = Votes(example, annotator, np.where(right, truth[example], 1 - truth[example]), 300, 5, 2)
    >>> bool((glad(votes).labels == truth).mean() > 0.9)
    True
    """
    known = gold.check(votes.examples, votes.classes) if gold is not None else None
    parameters = np.ones(votes.annotators + votes.examples)
    value, rounds = -np.inf, 0
    probs, evidence = _posterior(votes, parameters)
    while rounds < limit:
        rounds += 1
        if known is not None:
            known.fix(probs)
        expected = probs[votes.example, votes.answer]
        found: Any = optimize.minimize(
            _minus_bound, parameters, args=(votes, expected), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
        )
        parameters = found.x
        probs, evidence = _posterior(votes, parameters)
        new = (evidence - 0.5 * float(((parameters - 1) ** 2).sum())) / len(votes)
        if new - value < tolerance:
            break
        value = new
    if known is not None:
        known.fix(probs)
    sure = special.expit(_strength(votes, parameters))
    answers = votes.per_annotator()
    total = np.bincount(votes.annotator, weights=sure, minlength=votes.annotators)
    skill = np.divide(total, answers, out=np.full(votes.annotators, 1 / votes.classes), where=answers > 0)
    confusion = np.empty((votes.annotators, votes.classes, votes.classes))
    confusion[:] = ((1 - skill) / (votes.classes - 1))[:, None, None]
    confusion[:, np.arange(votes.classes), np.arange(votes.classes)] = skill[:, None]
    return Consensus(
        probs, probs.mean(axis=0), confusion, "glad", evidence / len(votes), rounds, -parameters[votes.annotators :]
    )


def _strength(votes: Votes, parameters: Float[np.ndarray, " p"]) -> Float[np.ndarray, " v"]:
    """``α · e^β`` of every answer."""
    strength: Float[np.ndarray, " v"] = parameters[votes.annotator] * np.exp(
        parameters[votes.annotators + votes.example]
    )
    return strength


def _posterior(votes: Votes, parameters: Float[np.ndarray, " p"]) -> tuple[Float[np.ndarray, "n c"], float]:
    """Posteriors, and the log-likelihood of all answers."""
    strength = _strength(votes, parameters)
    right = -np.logaddexp(0, -strength)
    wrong = -np.logaddexp(0, strength) - np.log(votes.classes - 1)
    cell = votes.example * votes.classes + votes.answer
    log_joint = np.bincount(cell, weights=right - wrong, minlength=votes.examples * votes.classes)
    log_joint = log_joint.reshape(votes.examples, votes.classes) - np.log(votes.classes)
    total = special.logsumexp(log_joint, axis=1, keepdims=True)
    return np.exp(log_joint - total), float(total.sum() + wrong.sum())


def _minus_bound(
    parameters: Float[np.ndarray, " p"], votes: Votes, expected: Float[np.ndarray, " v"]
) -> tuple[float, Float[np.ndarray, " p"]]:
    """Minus the expected complete log-likelihood with its priors, and its gradient; ``expected``: P(answer is right)."""
    easiness = np.exp(parameters[votes.annotators + votes.example])
    ability = parameters[votes.annotator]
    strength = ability * easiness
    # expected · log σ(s) + (1 − expected) · log(1 − σ(s)) = expected · s − log(1 + e^s)
    value = float((expected * strength - np.logaddexp(0, strength)).sum())
    slope = expected - special.expit(strength)
    gradient = np.concatenate(
        [
            np.bincount(votes.annotator, weights=slope * easiness, minlength=votes.annotators),
            np.bincount(votes.example, weights=slope * strength, minlength=votes.examples),
        ]
    )
    away = parameters - 1
    return 0.5 * float((away**2).sum()) - value, away - gradient
