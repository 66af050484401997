"""Facility location by greedy choice: every reference example should have a similar one among the chosen.

The value of a set is ``Σ_j max_{i ∈ set} s_ij`` over reference examples *j*: monotone and submodular, so the greedy
choice has at least 63 % of the best possible value. Similarities are computed for the rows that are looked at and
thrown away; nothing of size n × n is kept. Two ways to be greedy:

* ``lazy``: a gain never grows, so an old gain is an upper bound, and only candidates whose bound is at the top are
  looked at again. The same set as plain greedy.
* ``stochastic``: each pick is the best of a random ``n / k · ln(1 / ε)`` candidates: ``n ln(1 / ε)`` gains in all,
  whatever the budget, and in expectation at least ``63 % − ε`` of the best value.

References
----------
Nemhauser, Wolsey, Fisher, Math. Programming 14, 1978. Minoux, 1978 (lazy). Mirzasoleiman et al., "Lazier than lazy
greedy", AAAI 2015 (stochastic)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from yori.errors import ValuesError

Similarity: TypeAlias = Callable[[Int[np.ndarray, " b"]], Float[np.ndarray, "b r"]]
"""Similarities ≥ 0 of some candidates to all reference examples."""

EPSILON = 0.1
LOOKED_AT = 64
BLOCK = 2048
Way: TypeAlias = Literal["lazy", "stochastic"]


@dataclass(frozen=True)
class Cover:
    """Chosen candidates, the value each added, and how many reference examples each is the most similar to."""

    rows: Int[np.ndarray, " b"]
    gains: Float[np.ndarray, " b"]
    served: Int[np.ndarray, " b"]


def cover(
    similarity: Similarity, n: int, references: int, budget: int, *, way: Way = "lazy", rng: np.random.Generator
) -> Cover:
    """Choose ``budget`` of ``n`` candidates by greedy facility location.

    Parameters
    ----------
    similarity
        Of some candidates to all reference examples, ≥ 0.
    n, references, budget
        Candidates, reference examples, and how many to choose, at most n.
    way
        ``lazy`` or ``stochastic``.
    rng
        Used by ``stochastic``.

    Examples
    --------
    >>> near = np.array([[3.0, 2.0, 0.0], [2.0, 3.0, 0.0], [0.0, 0.0, 1.5]])
    >>> cover(lambda rows: near[rows], 3, 3, 2, rng=np.random.default_rng(0)).rows
    array([0, 2])
    """
    if way not in ("lazy", "stochastic"):
        raise ValuesError("lazy or stochastic", repr(way), where="greedy")
    best = np.zeros(references)
    owner = np.full(references, -1, dtype=np.int64)
    rows, gains = np.empty(budget, dtype=np.int64), np.empty(budget)
    free = np.ones(n, dtype=np.bool_)
    bounds = np.empty(0)
    if way == "lazy":
        bounds = np.concatenate(
            [similarity(np.arange(s, min(s + BLOCK, n))).sum(axis=1, dtype=np.float64) for s in range(0, n, BLOCK)]
        )
    sample = max(1, int(np.ceil(n / budget * np.log(1 / EPSILON))))
    for step in range(budget):
        if way == "lazy":
            row, gain, found = _lazy(similarity, bounds, best)
            bounds[row] = -np.inf
        else:
            left = np.flatnonzero(free)
            asked = left if len(left) <= sample else np.sort(rng.choice(left, sample, replace=False))
            similar = similarity(asked)
            values = np.maximum(similar - best, 0).sum(axis=1)
            place = int(values.argmax())
            row, gain, found = int(asked[place]), float(values[place]), similar[place]
        rows[step], gains[step], free[row] = row, gain, False
        better = found > best
        owner[better] = step
        best[better] = found[better]
    return Cover(rows, gains, np.bincount(owner[owner >= 0], minlength=budget))


def _lazy(
    similarity: Similarity, bounds: Float[np.ndarray, " n"], best: Float[np.ndarray, " r"]
) -> tuple[int, float, Float[np.ndarray, " r"]]:
    """The best candidate now; bounds of those looked at become their gains."""
    top_row, top_gain = -1, -np.inf
    top: Float[np.ndarray, " r"] = np.empty(0)
    fresh = np.zeros(len(bounds), dtype=np.bool_)
    look = 8
    while True:
        stale = np.where(fresh, -np.inf, bounds)
        count = min(look, len(bounds))
        asked = np.argpartition(-stale, count - 1)[:count]
        asked = np.sort(asked[stale[asked] > max(top_gain, -1.0)])
        if len(asked) == 0:
            return top_row, top_gain, top
        similar = similarity(asked)
        values = np.maximum(similar - best, 0).sum(axis=1, dtype=np.float64)
        bounds[asked], fresh[asked] = values, True
        place = int(values.argmax())
        if values[place] > top_gain:
            top_row, top_gain, top = int(asked[place]), float(values[place]), similar[place]
        look = LOOKED_AT
