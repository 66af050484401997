"""Who gave the labels makes mistakes of a kind: how often per source and class, and which class for which.

The labels are one annotator's (or several sources'), whose confusion is ``rate_source · factor_class · pair_{true, label}``
off the diagonal. It is estimated by EM together with the true classes, whose prior is what independent witnesses say of every
example. Rates of small sources and small classes are drawn towards the mean, unseen pairs towards all alike.

This is Dawid–Skene with one answer per example and a model in place of the other annotators.

References
----------
Patrini et al., CVPR 2017 (arXiv 1609.03683), for class-pair noise as a transition matrix. Dawid & Skene 1979.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

SHRINK = 20.0
"""A source or class is drawn to the mean rate as if by so many examples."""

PAIR_SHRINK = 1.0
"""Expected errors of a class that are spread over all others before any is seen."""

ROUNDS = 30
TOLERANCE = 1e-4
LEAST, MOST = 1e-4, 0.9
BLOCK = 1 << 17
"""Numbers of a block: three blocks of doubles stay in a core's cache."""


@dataclass(frozen=True)
class NoiseModel:
    """Chances that a label is wrong.

    ``rate``: ``(s,)`` by source. ``factor``: ``(c,)`` by true class, mean about 1. ``pair``: ``(c, c)`` ``[true, label]``,
    zero diagonal, rows sum to 1: which wrong label it becomes.
    """

    rate: Float[np.ndarray, " s"]
    factor: Float[np.ndarray, " c"]
    pair: Float[np.ndarray, "c c"]

    @property
    def transition(self) -> Float[np.ndarray, "c c"]:
        """``(c, c)`` ``[true, label]`` at the mean rate of the sources; rows sum to 1."""
        wrong = np.clip(float(self.rate.mean()) * self.factor, LEAST, MOST)
        table: Float[np.ndarray, "c c"] = wrong[:, None] * self.pair
        table[np.arange(len(table)), np.arange(len(table))] = 1 - wrong
        return table

    def posterior(
        self, witness: Float[np.ndarray, "b c"], labels: Int[np.ndarray, " b"], sources: Int[np.ndarray, " b"]
    ) -> Float[np.ndarray, "b c"]:
        """Probability of each class being the true one."""
        wrong = np.clip(self.rate[sources, None] * self.factor, LEAST, MOST)
        joint = self.pair.T[labels]
        joint *= wrong
        rows = np.arange(len(labels))
        joint[rows, labels] = 1 - wrong[rows, labels]
        joint *= witness
        total = joint.sum(axis=1, keepdims=True)
        # A witness that is certain of a class which never gets this label: believe the witness.
        lost = total[:, 0] <= 0
        if lost.any():
            joint[lost], total[lost] = witness[lost], witness[lost].sum(axis=1, keepdims=True)
        joint /= total
        return joint


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Slices of rows whose arrays of ``columns`` fit a block."""
    step = max(1, BLOCK // max(1, columns))
    return [slice(begin, min(begin + step, rows)) for begin in range(0, rows, step)]


def fit_noise_model(
    witness: Float[np.ndarray, "n c"],
    labels: Int[np.ndarray, " n"],
    sources: Int[np.ndarray, " n"],
    *,
    rounds: int = ROUNDS,
) -> NoiseModel:
    """Estimate how the labels go wrong.

    Parameters
    ----------
    witness
        ``(n, c)`` probabilities of the true class from witnesses that did not see the example's own label.
    labels, sources
        ``(n,)``: the given labels, and who gave them (codes from 0).
    rounds
        Most rounds of EM.

    Notes
    -----
    O(n c) a round, in row blocks. Stops when no source's rate changes by more than `TOLERANCE`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 3, 3000)
    >>> labels = np.where((truth == 0) & (rng.random(3000) < 0.3), 1, truth)     # 0 is often called 1
    >>> witness = 0.8 * np.eye(3)[truth] + 0.2 / 3
    >>> fit_noise_model(witness, labels, np.zeros(3000, int)).transition.round(1)
    array([[0.7, 0.3, 0. ], [0. , 1. , 0. ], [0. , 0. , 1. ]])
    """
    classes = witness.shape[1]
    number = int(sources.max()) + 1
    model = NoiseModel(np.full(number, 0.05), np.ones(classes), (1 - np.eye(classes)) / (classes - 1))
    members = np.bincount(sources, minlength=number)
    for round_ in range(rounds):
        by_label, wrong = np.zeros((classes, classes)), np.zeros(number)  # by_label: [label, true]
        for block in row_blocks(len(labels), classes):
            given = labels[block]
            # The first round believes the witnesses alone; a rate assumed beforehand would confirm itself.
            posterior = witness[block] if round_ == 0 else model.posterior(witness[block], given, sources[block])
            count = len(given)
            chosen = sparse.csr_array((np.ones(count), (given, np.arange(count))), shape=(classes, count))
            by_label += chosen @ posterior
            own = posterior[np.arange(count), given]
            wrong += np.bincount(sources[block], weights=1 - own, minlength=number)
        off = by_label.T.copy()
        np.fill_diagonal(off, 0.0)
        mean = max(float(wrong.sum()) / len(labels), LEAST)
        rate = (wrong + SHRINK * mean) / (members + SHRINK)
        factor = (off.sum(axis=1) + SHRINK * mean) / (by_label.sum(axis=0) + SHRINK) / mean
        pair = off + PAIR_SHRINK / (classes - 1)
        np.fill_diagonal(pair, 0.0)
        pair /= pair.sum(axis=1, keepdims=True)
        change = float(np.abs(rate - model.rate).max())
        model = NoiseModel(rate, factor, pair)
        if change < TOLERANCE:
            break
    return model
