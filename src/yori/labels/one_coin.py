"""One-coin Dawid–Skene: one number per annotator, the share of right answers; errors fall on all other classes alike.

Where annotators are biased (nearly everywhere) this is worse than majority vote: on public crowd data it lost in three of
five sets. It is here for comparison and warns whenever it is used.

References
----------
Zhang, Chen, Zhou, Jordan, "Spectral methods meet EM", JMLR 17, 2016 (arXiv 1406.3824).
"""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

from yori.labels.consensus import LEAST, Consensus
from yori.labels.expectation_maximisation import ROUNDS, TOLERANCE, rounds_of_em
from yori.labels.majority import vote_shares
from yori.labels.votes import Gold, Votes


class OneCoinWarning(UserWarning):
    """One-coin assumes that nobody is biased towards a class."""


def one_coin(votes: Votes, *, gold: Gold | None = None, tolerance: float = TOLERANCE, limit: int = ROUNDS) -> Consensus:
    """Estimate true classes and the accuracy of every annotator; warns.

    Parameters
    ----------
    votes, gold, tolerance, limit
        As in `dawid_skene`.

    Returns
    -------
    `Consensus` whose confusion matrices have one value on the diagonal and one off it.

    Warns
    -----
    OneCoinWarning
        Always: often below majority vote.

    Notes
    -----
    Equal to crowd-kit's OneCoinDawidSkene to 1e-6.

    Examples
    --------
    >>> votes = Votes(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2] * 2), np.array([1, 1, 0, 0, 0, 0]), 2, 3, 2)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", OneCoinWarning)
    ...     one_coin(votes).labels
    array([1, 0])
    """
    warnings.warn(
        "one_coin ignores that annotators prefer some classes and is often below majority vote: use dawid_skene",
        OneCoinWarning,
        stacklevel=2,
    )
    answers = votes.per_annotator()

    def confusion_of(counts: Float[np.ndarray, "a c c"]) -> Float[np.ndarray, "a c c"]:
        right = np.trace(counts, axis1=1, axis2=2)
        chance = np.full(votes.annotators, 1 / votes.classes)
        skill = np.divide(right, answers, out=chance, where=answers > 0)
        confusion = np.empty_like(counts)
        confusion[:] = ((1 - skill) / (votes.classes - 1))[:, None, None]
        confusion[:, np.arange(votes.classes), np.arange(votes.classes)] = skill[:, None]
        return np.clip(confusion, LEAST, 1 - LEAST)

    return rounds_of_em(
        votes, vote_shares(votes), confusion_of, method="one_coin", gold=gold, tolerance=tolerance, limit=limit
    )
