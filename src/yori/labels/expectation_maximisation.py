"""The rounds that Dawid–Skene, one-coin and votes × model share: posteriors, then parameters, until the bound stops rising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.labels.consensus import LEAST, Consensus, confusion_counts, expect, log_of
from yori.labels.votes import Gold, Votes

TOLERANCE = 1e-5
ROUNDS = 100
TINY = 1e-300
"""Confusion matrices have their floor before their rows are scaled to 1; what is below it after that is meant."""


def class_balance(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " c"]:
    """Prior of every example: the mean posterior."""
    balance: Float[np.ndarray, " c"] = probs.mean(axis=0)
    return balance


def rounds_of_em(
    votes: Votes,
    probs: Float[np.ndarray, "n c"],
    confusion_of: Callable[[Float[np.ndarray, "a c c"]], Float[np.ndarray, "a c c"]],
    *,
    method: str,
    gold: Gold | None,
    tolerance: float,
    limit: int,
    prior_of: Callable[[Float[np.ndarray, "n c"]], Float[np.ndarray, "..."]] = class_balance,
) -> Consensus:
    """Repeat both steps.

    Parameters
    ----------
    probs
        ``(n, c)`` posteriors to begin with; overwritten where gold is known.
    confusion_of
        The M step: from expected counts ``(a, c, c)`` to confusion matrices.
    prior_of
        From posteriors to the prior, ``(c,)`` or ``(n, c)``.
    tolerance, limit
        Stop when the bound per answer rises by less, or after so many rounds. The bound counts the class prior once an
        answer, as crowd-kit does: both stop in the same round.
    """
    if limit < 1:
        raise ValuesError("limit ≥ 1", str(limit), where=method)
    known = gold.check(votes.examples, votes.classes) if gold is not None else None
    incidence, per_example = votes.incidence(), votes.per_example()
    transposed: Any = incidence.T.tocsr()
    if known is not None:
        known.fix(probs)
    prior = prior_of(probs)
    confusion = confusion_of(confusion_counts(transposed, probs))
    bound, rounds, log_likelihood = -np.inf, 0, float("nan")
    while rounds < limit:
        rounds += 1
        probs, evidence = expect(incidence, log_of(confusion, TINY), log_of(prior))
        log_likelihood = float(evidence.sum()) / len(votes)
        if known is not None:
            known.fix(probs)
        prior = prior_of(probs)
        counts = confusion_counts(transposed, probs)
        confusion = confusion_of(counts)
        certain = np.maximum(probs, LEAST)
        new = float((counts * log_of(confusion, TINY)).sum() - (certain * np.log(certain)).sum())
        new = (new + float(per_example @ (probs * log_of(prior)).sum(axis=1))) / len(votes)
        if new - bound < tolerance:
            break
        bound = new
    return Consensus(probs, class_balance(probs), confusion, method, log_likelihood, rounds)
