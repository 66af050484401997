"""EM of the label model, on the distinct rows of a vote matrix: there are few of them, however many examples there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from yori.labels.consensus import LEAST
from yori.labels.labelling_functions import ABSTAIN, VoteMatrix

PRECISION = 0.75
"""What a vote is worth before anything is known."""

PSEUDO_EXAMPLES = 10.0
"""How many examples the start is worth against the data."""

ROUNDS = 200
TOLERANCE = 1e-5
"""Stop when the log-likelihood of a row rises by less, nats."""


@dataclass(frozen=True)
class Patterns:
    """The distinct rows of a vote matrix.

    ``met``: sparse ``(p, m·(c+1))``, which (function, answer) each has. ``many``: ``(p,)`` how often. ``back``: ``(n,)``
    which one each row is. ``share``: ``(m, c)`` of each vote among all rows.
    """

    met: Any
    many: Float[np.ndarray, " p"]
    back: Int[np.ndarray, " n"]
    share: Float[np.ndarray, "m c"]

    @classmethod
    def of(cls, matrix: VoteMatrix) -> Patterns:
        """Find the distinct rows."""
        classes = len(matrix.classes)
        votes = np.where(matrix.votes == ABSTAIN, classes, matrix.votes)
        rows, back, many = np.unique(votes, axis=0, return_inverse=True, return_counts=True)
        p, m = rows.shape
        column = (np.arange(m) * (classes + 1) + rows).ravel()
        met = sparse.csr_array((np.ones(p * m), (np.repeat(np.arange(p), m), column)), shape=(p, m * (classes + 1)))
        counts: Float[np.ndarray, "m v"] = (met.T @ many.astype(np.float64)).reshape(m, classes + 1)
        return cls(met, many.astype(np.float64), back.reshape(-1), counts[:, :classes] / len(votes))


def start_of(
    share: Float[np.ndarray, "m c"], balance: Float[np.ndarray, " c"], precision: float | Float[np.ndarray, "m c"]
) -> Float[np.ndarray, "m c v"]:
    """Every vote is right with ``precision``, and never less often than half-way from its class's share to 1."""
    m, classes = share.shape
    precise = np.maximum(precision, balance + 0.5 * (1 - balance))
    answers = np.empty((m, classes, classes + 1))
    answers[:, :, :classes] = (share * (1 - precise) / (1 - balance))[:, None, :]
    every = np.arange(classes)
    answers[:, every, every] = share * precise / balance
    total = answers[:, :, :classes].sum(axis=2, keepdims=True)
    answers[:, :, :classes] *= np.minimum(1, 0.99 / np.maximum(total, 1e-12))
    answers[:, :, classes] = 1 - answers[:, :, :classes].sum(axis=2)
    return answers


def posterior(
    patterns: Patterns, balance: Float[np.ndarray, " c"], answers: Float[np.ndarray, "m c v"]
) -> tuple[Float[np.ndarray, "p c"], Float[np.ndarray, " p"]]:
    """Posterior and log-likelihood of every distinct row."""
    logs = np.log(np.maximum(answers, LEAST)).transpose(0, 2, 1).reshape(-1, len(balance))
    joint: Float[np.ndarray, "p c"] = patterns.met @ logs + np.log(np.maximum(balance, LEAST))
    top = joint.max(axis=1, keepdims=True)
    np.exp(joint - top, out=joint)
    total = joint.sum(axis=1, keepdims=True)
    return joint / total, (np.log(total) + top)[:, 0]


def fit(
    patterns: Patterns,
    *,
    precision: float | Float[np.ndarray, "m c"] = PRECISION,
    even: float = 0.5,
    balance: Float[np.ndarray, " c"] | None = None,
    many: Float[np.ndarray, " p"] | None = None,
) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, "m c v"], Float[np.ndarray, "p c"]]:
    """Class balance, answers, and the posterior of every distinct row.

    ``even``: how much of the class balance at the start is even, the rest are the shares of the votes: functions of one class
    only must not take it for the only one. ``many``: other weights of the rows, for a resample.
    """
    weight = patterns.many if many is None else many
    m, classes = patterns.share.shape
    if balance is None:
        voted = patterns.share.sum(axis=0) + 1e-3
        balance = (1 - even) * voted / voted.sum() + even / classes
    start = start_of(patterns.share, balance, precision)
    answers, before = start, -np.inf
    transposed = patterns.met.T.tocsr()
    for _ in range(ROUNDS):
        probs, evidence = posterior(patterns, balance, answers)
        value = float(evidence @ weight) / weight.sum()
        if value - before < TOLERANCE:
            break
        before = value
        weighted = probs * weight[:, None]
        balance = (weighted.sum(axis=0) + 1) / (weight.sum() + classes)
        answers = (transposed @ weighted).reshape(m, classes + 1, classes).transpose(0, 2, 1)
        answers = answers + PSEUDO_EXAMPLES * start
        answers /= answers.sum(axis=2, keepdims=True)
    return balance, answers, posterior(patterns, balance, answers)[0]
