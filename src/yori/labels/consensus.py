"""What several annotators together say, and how good each of them is: the result of every method of this folder.

`expect` and `maximise` are the two steps of the EM that Dawid–Skene, one-coin and votes × model share, both a product with
one sparse matrix, in log space: a thousand answers about one example do not underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

LEAST = 1e-10
"""No probability is estimated as less: one answer can be unlikely but never impossible. As in crowd-kit."""


@dataclass(frozen=True)
class Consensus:
    """Posterior of every example's class, and an error model of every annotator.

    Parameters
    ----------
    probs
        ``(n, c)``, rows sum to 1.
    priors
        ``(c,)``: estimated class balance.
    confusion
        ``(a, c, c)`` as ``[annotator, true class, answer]``; rows sum to 1. For methods with fewer parameters, what they
        imply.
    method
        Name of the method that made it.
    log_likelihood
        Mean log-probability of an answer under the model, nats; ``nan`` where the method has no model.
    iterations
        Rounds of EM.
    difficulty
        ``(n,)`` by GLAD, larger = harder; None by the others.
    """

    probs: Float[np.ndarray, "n c"]
    priors: Float[np.ndarray, " c"]
    confusion: Float[np.ndarray, "a c c"]
    method: str
    log_likelihood: float = float("nan")
    iterations: int = 0
    difficulty: Float[np.ndarray, " n"] | None = None

    @property
    def labels(self) -> Int[np.ndarray, " n"]:
        """``(n,)`` most probable class; of equal ones the first."""
        labels: Int[np.ndarray, " n"] = self.probs.argmax(axis=1)
        return labels

    @property
    def skill(self) -> Float[np.ndarray, " a"]:
        """``(a,)`` expected share of right answers, at the estimated class balance."""
        diagonal = np.diagonal(self.confusion, axis1=1, axis2=2)
        skill: Float[np.ndarray, " a"] = diagonal @ self.priors
        return skill

    @property
    def information(self) -> Float[np.ndarray, " a"]:
        """``(a,)`` share of the class entropy that one answer removes, 0 … 1.

        0: the answers say nothing. An adversary who always gives the wrong one of two classes has skill 0 and information 1:
        turned around, the answers are perfect.
        """
        joint = self.priors[:, None] * self.confusion
        answers = joint.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(joint > 0, joint * np.log(self.confusion / answers), 0.0)
            entropy = -np.where(self.priors > 0, self.priors * np.log(self.priors), 0.0).sum()
        told: Float[np.ndarray, " a"] = parts.sum(axis=(1, 2))
        return np.clip(told / entropy, 0, 1) if entropy > 0 else np.zeros(len(told))


def expect(
    incidence: Any, log_confusion: Float[np.ndarray, "a c c"], log_prior: Float[np.ndarray, "..."]
) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, " n"]]:
    """E step: posteriors ``(n, c)`` and the log-likelihood of each example's answers ``(n,)``.

    Parameters
    ----------
    incidence
        `Votes.incidence`.
    log_confusion
        ``(a, c, c)``, ``[annotator, true class, answer]``.
    log_prior
        ``(c,)``, or ``(n, c)`` where each example has its own.
    """
    classes = log_confusion.shape[1]
    log_joint: Float[np.ndarray, "n c"] = incidence @ log_confusion.transpose(0, 2, 1).reshape(-1, classes)
    log_joint += log_prior
    top = log_joint.max(axis=1, keepdims=True)
    log_joint -= top
    np.exp(log_joint, out=log_joint)
    total = log_joint.sum(axis=1, keepdims=True)
    log_joint /= total
    return log_joint, (np.log(total) + top)[:, 0]


def confusion_counts(transposed: Any, probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "a c c"]:
    """Expected ``[annotator, true class, answer]`` counts; ``transposed`` is the incidence's transpose."""
    classes = probs.shape[1]
    counts: Float[np.ndarray, "a c c"] = (transposed @ probs).reshape(-1, classes, classes).transpose(0, 2, 1)
    return counts


def maximise(
    counts: Float[np.ndarray, "a c c"], given: Bool[np.ndarray, "a c"], prior: Float[np.ndarray, "..."] | None
) -> Float[np.ndarray, "a c c"]:
    """M step: confusion matrices from expected counts and pseudo-counts.

    Parameters
    ----------
    counts
        ``(a, c, c)``.
    given
        ``(a, c)``: which answers each annotator ever gave. Without pseudo-counts the others keep probability 0.
    prior
        Pseudo-counts that broadcast to ``(a, c, c)``, or None.
    """
    estimate: Float[np.ndarray, "a c c"] = np.maximum(counts, LEAST)
    estimate = estimate * given[:, None, :] if prior is None else estimate + prior
    total = estimate.sum(axis=2, keepdims=True)
    # An annotator without any answer says nothing: all answers alike.
    return np.divide(estimate, total, out=np.full_like(estimate, 1 / estimate.shape[2]), where=total > 0)


def log_of(probs: Float[np.ndarray, "..."], least: float = LEAST) -> Float[np.ndarray, "..."]:
    """Logarithm with a floor, so that an impossible answer is very unlikely instead."""
    logs: Float[np.ndarray, "..."] = np.log(np.maximum(probs, least))
    return logs
