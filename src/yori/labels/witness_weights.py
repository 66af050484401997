"""How far each witness is to be believed, found together with how the labels go wrong.

Heads out of fold and votes of neighbours give log probabilities ``z_1, z_2, …`` of the true class. They are joined as
``q = softmax(w_1 z_1 + w_2 z_2 + …)``. A witness that is surer than it is right gets a small weight, one that is right more
often than it says a large one; all witnesses of a weak embedding end near 0, and then nobody is accused. Wrong labels must not
be taken for mistakes of the witnesses, so weights and `NoiseModel` are fitted to the labels at once: EM, with one
Newton step for the weights in each round, from every start in `STARTS`; the likelier end is taken.

It generalises temperature scaling (one witness, ``w = 1 / T``) to several witnesses and noisy labels.

References
----------
Guo, Pleiss, Sun, Weinberger, ICML 2017, for temperature scaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.labels.noise_model import NoiseModel, expect, first_guess

STARTS = (1.0, 0.3)
"""Multiples of the weights to start from."""

ROUNDS = 60
TOLERANCE, WEIGHT_TOLERANCE = 1e-4, 1e-2
STEP = 0.5
PULL = 1.0
"""Towards the first weights, for when the examples say nothing or everything."""

WEIGHED_NUMBERS = 150_000
"""The weights are found on evenly spaced rows with at most so many probabilities; how labels go wrong, on all rows given."""


@dataclass(frozen=True)
class Weighed:
    """``weights`` ``(w,)`` of the witnesses; ``noise``; ``own``: what each example put into its counts."""

    weights: Float[np.ndarray, " w"]
    noise: NoiseModel
    own: tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]


def joined(logs: Sequence[Num[np.ndarray, "b c"]], weights: Float[np.ndarray, " w"]) -> Float[np.ndarray, "b c"]:
    """``q``, rows sum to 1.

    Examples
    --------
    >>> joined([np.log([[0.8, 0.2]]), np.log([[0.5, 0.5]])], np.array([0.5, 1.0])).round(3)
    array([[0.667, 0.333]])
    """
    said: Float[np.ndarray, "b c"] = weights[0] * np.asarray(logs[0], dtype=np.float64)
    for log, weight in zip(logs[1:], weights[1:], strict=True):
        said += weight * log
    said -= said.max(axis=1, keepdims=True)
    np.exp(said, out=said)
    said /= said.sum(axis=1, keepdims=True)
    return said


def weigh_witnesses(
    logs: Sequence[Num[np.ndarray, "n c"]],
    labels: Int[np.ndarray, " n"],
    sources: Int[np.ndarray, " n"],
    *,
    first: Sequence[float],
) -> Weighed:
    """Fit weights and noise.

    Parameters
    ----------
    logs
        Of each witness ``(n, c)`` finite log probabilities of the true class, up to a constant in each row; none saw the
        example's own label.
    labels, sources
        ``(n,)``: the given labels, and who gave them (codes from 0).
    first
        The weights to start from, and to stay near while there is little to go by.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 2000)
    >>> right = np.where(rng.random(2000) < 0.9, labels, 1 - labels)
    >>> boastful = np.log(np.where(right[:, None] == np.arange(2), 0.999, 0.001))    # right 9 times out of 10
    >>> found = weigh_witnesses([boastful], labels, np.zeros(2000, int), first=[1.0])
    >>> bool(0.3 < found.weights[0] < 0.4)                        # log(0.9 / 0.1) / log(0.999 / 0.001) = 0.32
    True
    """
    n, classes = logs[0].shape
    origin = np.asarray(first, dtype=np.float64)
    stride = -(-n * classes // WEIGHED_NUMBERS)
    few = [log[::stride] for log in logs]
    number = int(sources.max()) + 1
    ends = [_climb(few, labels[::stride], sources[::stride], number, origin, start) for start in STARTS]
    weights, model, own, _ = max(ends, key=lambda each: each[3])
    if stride > 1:
        none = (np.zeros(n, dtype=np.int32), np.zeros(n))
        for turn in range(ROUNDS):
            found = expect(
                model, lambda rows: joined([log[rows] for log in logs], weights), labels, sources, own if turn else none
            )
            change = float(np.abs(found.model.rate - model.rate).max())
            model, own = found.model, found.own
            if change < TOLERANCE:
                break
    return Weighed(weights, model, own)


def _climb(
    logs: Sequence[Num[np.ndarray, "n c"]],
    labels: Int[np.ndarray, " n"],
    sources: Int[np.ndarray, " n"],
    number: int,
    origin: Float[np.ndarray, " w"],
    start: float,
) -> tuple[Float[np.ndarray, " w"], NoiseModel, tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]], float]:
    """EM from one start; its end, and how likely the labels are there."""
    classes, many = logs[0].shape[1], len(origin)
    model = first_guess(classes, number)
    at = start * origin
    own: tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]] | None = None
    before = np.inf
    slope, bend = np.zeros(many), np.zeros((many, many))

    def said(rows: slice) -> Float[np.ndarray, "b c"]:
        return joined([log[rows] for log in logs], at)

    def heard(rows: slice, posterior: Float[np.ndarray, "b c"], q: Float[np.ndarray, "b c"]) -> None:
        part = [np.asarray(log[rows], dtype=np.float64) for log in logs]
        mean = [np.einsum("bc,bc->b", q, z) for z in part]
        for a in range(many):
            slope[a] += np.einsum("bc,bc->", posterior - q, part[a])
            for b in range(a + 1):
                bend[a, b] += np.einsum("bc,bc,bc->", q, part[a], part[b]) - mean[a] @ mean[b]

    turn = 0
    while True:
        slope[:], bend[:] = 0.0, 0.0
        found = expect(model, said, labels, sources, own, heard=heard)
        full = bend + np.tril(bend, -1).T + PULL * np.eye(many)
        step = np.linalg.solve(full, slope - PULL * (at - origin))
        following = np.maximum(at + np.clip(step, -STEP, STEP), 0.0)
        still = abs(found.wrong - before) < TOLERANCE and np.abs(following - at).max() < WEIGHT_TOLERANCE
        turn += 1
        if still or turn == ROUNDS:
            return at, found.model, found.own, found.log_likelihood
        model, own, before, at = found.model, found.own, found.wrong, following
