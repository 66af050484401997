"""Who gave the labels makes mistakes of a kind: how often per source and class, and which class for which.

The labels are one annotator's (or several sources'), whose confusion is ``rate_source · factor_class · pair_{true, label}``
off the diagonal. It is estimated by EM together with the true classes, whose prior is what independent witnesses say of every
example. Each class starts from `PRIOR_WEIGHT` imagined examples with `PRIOR_RATE` errors spread over all other classes,
because a weak witness cannot tell an error from its own ignorance: without evidence labels are right. Rates of small sources
are drawn towards the mean. And nobody vouches for himself: what an example adds to the count of its own kind of error is
taken out again before it is judged, or the one odd label of a class would prove itself.

This is Dawid–Skene with one answer per example and a model in place of the other annotators.

References
----------
Patrini et al., CVPR 2017 (arXiv 1609.03683), for class-pair noise as a transition matrix. Dawid & Skene 1979. Asuncion,
Welling, Smyth, Teh, UAI 2009, for counts without the example itself (CVB0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

PRIOR_RATE, PRIOR_WEIGHT = 0.03, 45.0
"""Of each class: imagined examples, and the share of errors among them."""

SHRINK = 20.0
"""A source is drawn to the mean rate as if by so many examples."""

ROUNDS = 60
TOLERANCE = 1e-4
LEAST, MOST = 1e-4, 0.9
BLOCK = 1 << 17
"""Numbers of a block: three blocks of doubles stay in a core's cache."""


@dataclass(frozen=True)
class NoiseModel:
    """Chances that a label is wrong.

    ``rate``: ``(s,)`` by source. ``factor``: ``(c,)`` by true class, mean about 1. ``pair``: ``(c, c)`` ``[true, label]``,
    zero diagonal, rows sum to 1: which wrong label it becomes. ``counts``: ``(c, c)`` ``[true, label]`` expected examples
    that this was estimated from, imagined ones included; None = nobody was counted.
    """

    rate: Float[np.ndarray, " s"]
    factor: Float[np.ndarray, " c"]
    pair: Float[np.ndarray, "c c"]
    counts: Float[np.ndarray, "c c"] | None = None

    @property
    def transition(self) -> Float[np.ndarray, "c c"]:
        """``(c, c)`` ``[true, label]`` at the mean rate of the sources; rows sum to 1."""
        wrong = np.clip(float(self.rate.mean()) * self.factor, LEAST, MOST)
        table: Float[np.ndarray, "c c"] = wrong[:, None] * self.pair
        table[np.arange(len(table)), np.arange(len(table))] = 1 - wrong
        return table

    def posterior(
        self,
        witness: Float[np.ndarray, "b c"],
        labels: Int[np.ndarray, " b"],
        sources: Int[np.ndarray, " b"],
        own: tuple[Int[np.ndarray, " b"], Float[np.ndarray, " b"]] | None = None,
    ) -> Float[np.ndarray, "b c"]:
        """Probability of each class being the true one.

        Parameters
        ----------
        own
            What each example itself put into ``counts``: its likeliest other class, and how much.
        """
        wrong = np.clip(self.rate[sources, None] * self.factor, LEAST, MOST)
        joint = self.pair.T[labels]
        joint *= wrong
        rows = np.arange(len(labels))
        joint[rows, labels] = 1 - wrong[rows, labels]
        if own is not None and self.counts is not None:
            other, share = own
            pairs, members = self.counts[other, labels], self.counts.sum(axis=1)[other]
            joint[rows, other] *= (pairs - share) / pairs * members / (members - share)
        joint *= witness
        total = joint.sum(axis=1, keepdims=True)
        # A witness that is certain of a class which never gets this label: believe the witness.
        lost = total[:, 0] <= 0
        if lost.any():
            joint[lost], total[lost] = witness[lost], witness[lost].sum(axis=1, keepdims=True)
        joint /= total
        return joint


def noise_of_counts(
    counts: Float[np.ndarray, "c c"], wrong: Float[np.ndarray, " s"], members: Int[np.ndarray, " s"]
) -> NoiseModel:
    """The model that follows from expected counts.

    Parameters
    ----------
    counts
        ``(c, c)`` ``[true, label]`` without the imagined examples.
    wrong, members
        ``(s,)`` expected wrong labels of each source, and how many labels it gave.
    """
    classes = len(counts)
    full = counts + PRIOR_WEIGHT * PRIOR_RATE / (classes - 1)
    full[np.arange(classes), np.arange(classes)] = counts.diagonal() + PRIOR_WEIGHT * (1 - PRIOR_RATE)
    off = full.copy()
    np.fill_diagonal(off, 0.0)
    mean = float(off.sum() / full.sum())
    imagined = classes * PRIOR_WEIGHT * members / max(int(members.sum()), 1)
    rate = (wrong + imagined * PRIOR_RATE + SHRINK * mean) / (members + imagined + SHRINK)
    chance = off.sum(axis=1)
    return NoiseModel(rate, chance / full.sum(axis=1) / mean, off / chance[:, None], full)


def first_guess(classes: int, sources: int) -> NoiseModel:
    """The model before anything is counted: the imagined examples alone."""
    return noise_of_counts(np.zeros((classes, classes)), np.zeros(sources), np.zeros(sources, dtype=np.int64))


@dataclass(frozen=True)
class Expected:
    """One pass over the examples: the next model, what every example put into its counts, and how likely the labels were."""

    model: NoiseModel
    own: tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]
    wrong: float
    log_likelihood: float


def expect(
    model: NoiseModel,
    witness: Callable[[slice], Float[np.ndarray, "b c"]],
    labels: Int[np.ndarray, " n"],
    sources: Int[np.ndarray, " n"],
    own: tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]] | None,
    *,
    heard: Callable[[slice, Float[np.ndarray, "b c"], Float[np.ndarray, "b c"]], None] | None = None,
) -> Expected:
    """One round of EM, in row blocks.

    Parameters
    ----------
    witness
        From rows to ``(b, c)`` probabilities of the true class.
    own
        Of the pass before; None in the first.
    heard
        Told ``(rows, posterior, witness)`` of each block.
    """
    classes, n = len(model.factor), len(labels)
    by_label, wrong = np.zeros((classes, classes)), np.zeros(len(model.rate))  # by_label: [label, true]
    other, share = np.empty(n, dtype=np.int32), np.empty(n)
    surprise = 0.0
    for block in row_blocks(n, classes):
        given = labels[block]
        rows = np.arange(len(given))
        said = witness(block)
        posterior = model.posterior(
            said, given, sources[block], None if own is None else (own[0][block], own[1][block])
        )
        chosen = sparse.csr_array((np.ones(len(given)), (given, rows)), shape=(classes, len(given)))
        by_label += chosen @ posterior
        kept = posterior[rows, given]
        wrong += np.bincount(sources[block], weights=1 - kept, minlength=len(wrong))
        # P(label) by Bayes' rule at the label itself, which is never 0.
        surprise -= float(np.log(np.maximum(said[rows, given], 1e-300) / np.maximum(kept, 1e-300)).sum())
        right = np.clip(model.rate[sources[block]] * model.factor[given], LEAST, MOST)
        surprise -= float(np.log1p(-right).sum())
        if heard is not None:
            heard(block, posterior, said)
        posterior[rows, given] = -1.0
        other[block] = posterior.argmax(axis=1)
        share[block] = posterior[rows, other[block]]
    members = np.bincount(sources, minlength=len(wrong))
    following = noise_of_counts(by_label.T, wrong, members)
    return Expected(following, (other, share), float(wrong.sum()) / n, -surprise)


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
    """Estimate how the labels go wrong, from witnesses whose probabilities can be taken as they are.

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
    O(n c) a round, in row blocks. Stops when the share of wrong labels changes by less than `TOLERANCE`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 3, 3000)
    >>> labels = np.where((truth == 0) & (rng.random(3000) < 0.3), 1, truth)     # 0 is often called 1
    >>> witness = 0.8 * np.eye(3)[truth] + 0.2 / 3
    >>> fit_noise_model(witness, labels, np.zeros(3000, int)).transition.round(1)
    array([[0.7, 0.3, 0. ], [0. , 1. , 0. ], [0. , 0. , 1. ]])
    """
    model = first_guess(witness.shape[1], int(sources.max()) + 1)
    own, before = None, np.inf
    for _ in range(rounds):
        found = expect(model, lambda rows: witness[rows], labels, sources, own)
        model, own = found.model, found.own
        if abs(found.wrong - before) < TOLERANCE:
            break
        before = found.wrong
    return model
