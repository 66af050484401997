"""MACE: an annotator either knows the class or spams, from a habit of his own.

With probability ``competence`` the answer is the true class, else it is drawn from the annotator's own distribution over the
classes, whatever the truth: who always clicks the first button is found out.

Estimated by variational Bayes from several random starts; the start with the highest likelihood wins.

References
----------
Hovy, Berg-Kirkpatrick, Vaswani, Hovy, "Learning whom to trust with MACE", NAACL 2013.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import special

from yori.errors import ValuesError
from yori.labels.consensus import LEAST, Consensus
from yori.labels.votes import Gold, Votes

RESTARTS = 10
ROUNDS = 50
COMPETENCE_PRIOR = 0.5
HABIT_PRIOR = 10.0


def mace(
    votes: Votes, *, rng: np.random.Generator, gold: Gold | None = None, restarts: int = RESTARTS, limit: int = ROUNDS
) -> Consensus:
    """Estimate true classes, the competence and the habit of every annotator.

    Parameters
    ----------
    votes, gold
        As in `dawid_skene`.
    rng
        Draws the starts.
    restarts, limit
        Number of starts, and rounds of each.

    Returns
    -------
    `Consensus`; ``confusion[a, k, l] = competence·[k = l] + (1 − competence)·habit_l``.

    Raises
    ------
    ValuesError
        If ``restarts`` or ``limit`` is below 1.

    Notes
    -----
    O(restarts · limit · (v + n c)). Priors as in the authors' program: ½ and ½ for competence, 10 for every habit. From the
    same start equal to crowd-kit, whose ten starts are one and the same.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 300)
    >>> example, annotator = np.divmod(np.arange(1200), 4)
    >>> answer = np.where(annotator == 3, 0, truth[example])  # the last always says 0
    >>> found = mace(Votes(example, annotator, answer, 300, 4, 2), rng=rng)
    >>> bool((found.labels == truth).all()), int(found.information.argmin())
    (True, 3)
    """
    if restarts < 1 or limit < 1:
        raise ValuesError("restarts ≥ 1 and limit ≥ 1", f"{restarts} and {limit}", where="mace")
    known = gold.check(votes.examples, votes.classes) if gold is not None else None
    best: tuple[float, Float[np.ndarray, "n c"], Float[np.ndarray, " a"], Float[np.ndarray, "a c"]] | None = None
    for _ in range(restarts):
        spam = rng.uniform(1, 1.5, (votes.annotators, 2))
        habit = rng.uniform(1, 1.5, (votes.annotators, votes.classes))
        spam /= spam.sum(axis=1, keepdims=True)
        habit /= habit.sum(axis=1, keepdims=True)
        spam, habit = variational_rounds(votes, spam, habit, known, limit)
        probs, likelihood, _ = _posterior(votes, spam, habit, known)
        if best is None or likelihood > best[0]:
            best = likelihood, probs, spam[:, 1] / spam.sum(axis=1), habit / habit.sum(axis=1, keepdims=True)
    assert best is not None
    likelihood, probs, competence, habit = best
    confusion = np.repeat(((1 - competence)[:, None] * habit)[:, None, :], votes.classes, axis=1)
    confusion[:, np.arange(votes.classes), np.arange(votes.classes)] += competence[:, None]
    return Consensus(probs, probs.mean(axis=0), confusion, "mace", likelihood / len(votes), limit)


def variational_rounds(
    votes: Votes,
    spam: Float[np.ndarray, "a 2"],
    habit: Float[np.ndarray, "a c"],
    gold: Gold | None,
    limit: int,
) -> tuple[Float[np.ndarray, "a 2"], Float[np.ndarray, "a c"]]:
    """``limit`` rounds from one start: ``[spams, knows]`` and the habit of every annotator, not normalised."""
    cell = votes.annotator * votes.classes + votes.answer
    for _ in range(limit):
        probs, _, by_habit = _posterior(votes, spam, habit, gold)
        right = probs[votes.example, votes.answer]
        spammed = 1 - right + right * by_habit
        spams = np.bincount(votes.annotator, weights=spammed, minlength=votes.annotators)
        knows = np.bincount(votes.annotator, weights=1 - spammed, minlength=votes.annotators)
        used = np.bincount(cell, weights=spammed, minlength=votes.annotators * votes.classes)
        spam = _geometric_mean(np.stack([spams, knows], axis=1) + COMPETENCE_PRIOR)
        habit = _geometric_mean(used.reshape(votes.annotators, votes.classes) + HABIT_PRIOR)
    return spam, habit


def _geometric_mean(counts: Float[np.ndarray, "a k"]) -> Float[np.ndarray, "a k"]:
    """``exp E[log p]`` under a Dirichlet distribution; the rows sum to less than 1."""
    mean: Float[np.ndarray, "a k"] = np.exp(
        special.digamma(counts) - special.digamma(counts.sum(axis=1, keepdims=True))
    )
    return mean


def _posterior(
    votes: Votes, spam: Float[np.ndarray, "a 2"], habit: Float[np.ndarray, "a c"], gold: Gold | None
) -> tuple[Float[np.ndarray, "n c"], float, Float[np.ndarray, " v"]]:
    """Posteriors, log-likelihood, and for every answer P(it came from habit | it is the true class)."""
    blind = np.maximum(spam[votes.annotator, 0] * habit[votes.annotator, votes.answer], LEAST**2)
    sure = blind + spam[votes.annotator, 1]
    cell = votes.example * votes.classes + votes.answer
    log_joint = np.bincount(cell, weights=np.log(sure / blind), minlength=votes.examples * votes.classes)
    log_joint = log_joint.reshape(votes.examples, votes.classes) - np.log(votes.classes)
    total = special.logsumexp(log_joint, axis=1, keepdims=True)
    probs: Float[np.ndarray, "n c"] = np.exp(log_joint - total)
    if gold is not None:
        gold.fix(probs)
    return probs, float(total.sum() + np.log(blind).sum()), blind / sure
