"""Share a budget of answers out among reasons, without asking twice about one thing.

Chance goes first, from all rows alike, so that its share stays a fair sample whatever the others take. Then the reasons take
turns, each its best row that is left; what one cannot use goes to the others. A row whose embedding nearly equals one that was
taken is passed over, and so is one whose domain or class has had its part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from yori.errors import ValuesError

RANDOM = "random"


@dataclass(frozen=True)
class Pick:
    """One row that was taken: under which share, and its place in that share from 0 (first) to 1."""

    row: int
    share: str
    place: float


@dataclass(frozen=True)
class Picked:
    """What was taken, in the order of taking, and why others were passed over."""

    picks: tuple[Pick, ...]
    passed: Mapping[str, int]


def part_of(budget: int, shares: Mapping[str, float], available: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers that sum to the budget (or to all there is), in proportion to the shares, each at most what is there.

    Examples
    --------
    >>> part_of(10, {"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 2, "b": 50, "c": 50})
    {'a': 2, 'b': 5, 'c': 3}
    """
    part = dict.fromkeys(shares, 0)
    left = min(budget, sum(available.get(name, 0) for name in shares))
    while left:
        open_ = {name: weight for name, weight in shares.items() if weight > 0 and part[name] < available.get(name, 0)}
        if not open_:
            break
        total = sum(open_.values())
        wish = {name: left * weight / total for name, weight in open_.items()}
        given = {name: min(int(wish[name]), available[name] - part[name]) for name in open_}
        if not any(given.values()):  # less than one for each: the largest remainders first
            order = sorted(open_, key=lambda name: (-wish[name], list(shares).index(name)))
            given = dict.fromkeys(order[:left], 1)
        for name, number in given.items():
            part[name] += number
            left -= number
    return part


def pick(
    scores: Mapping[str, Float[np.ndarray, " n"]],
    shares: Mapping[str, float],
    budget: int,
    *,
    eligible: Bool[np.ndarray, " n"],
    asked: Bool[np.ndarray, " n"],
    embeddings: Float[np.ndarray, "n d"] | None,
    radius: float,
    limits: Sequence[tuple[Shaped[np.ndarray, " n"], int | None, str]] = (),
    rng: np.random.Generator,
) -> Picked:
    """Take rows until the budget is used.

    Parameters
    ----------
    scores
        Reason → ``(n,)``; higher is asked earlier, NaN does not apply.
    shares
        Reason → weight, ``random`` among them.
    budget
        At most so many rows.
    eligible
        ``(n,)`` rows that may be asked about.
    asked
        ``(n,)`` rows that were asked about before: their near-duplicates are passed over, too.
    embeddings, radius
        ``(n, d)`` with NaN rows where there is none; rows nearer to each other than ``radius`` are the same thing.
    limits
        Column ``(n,)``, most rows with one value (None = any), and what to call it; an empty value has no limit.
    rng
        Draws the random share.

    Raises
    ------
    ValuesError
        If the budget or a share is negative.
    """
    if budget < 0 or any(not weight >= 0 for weight in shares.values()):
        raise ValuesError("a budget and shares ≥ 0", f"{budget}, {dict(shares)}", where="mine")
    n = len(eligible)
    queues: dict[str, list[int]] = {}
    for name, weight in shares.items():
        if weight <= 0:
            continue
        if name == RANDOM:
            queues[name] = rng.permutation(np.flatnonzero(eligible)).tolist()
        elif name in scores:
            usable = np.flatnonzero(eligible & np.isfinite(scores[name]))
            queues[name] = usable[np.argsort(-scores[name][usable], kind="stable")].tolist()
    state = _State(n, embeddings, radius, limits)
    for row in np.flatnonzero(asked).tolist():
        state.mark(row)
    # A reason's last rows may be passed over, so parts are filled again from what is left until nothing more can be taken.
    # A row can be there for several reasons; chance must not use up what the others have in common with it.
    parts = part_of(min(budget, int(eligible.sum())), shares, {name: len(queue) for name, queue in queues.items()})
    taken: dict[str, list[int]] = {name: [] for name in queues}
    _fill(RANDOM, parts, queues, taken, state)
    while sum(map(len, taken.values())) < budget:
        before = sum(map(len, taken.values()))
        for name in [each for each in queues if each != RANDOM]:
            if len(taken[name]) < parts[name]:
                _one(name, queues, taken, state)
        if sum(map(len, taken.values())) == before:
            left = {name: len(queues[name]) for name in queues if name != RANDOM and queues[name]}
            more = part_of(budget - before, {name: shares[name] for name in left}, left)
            if not any(more.values()):
                break
            for name, number in more.items():
                parts[name] = len(taken[name]) + number
    picks = [
        Pick(row, name, (place + 0.5) / len(rows)) for name, rows in taken.items() for place, row in enumerate(rows)
    ]
    return Picked(tuple(sorted(picks, key=lambda each: (each.place, each.share))), dict(state.passed))


class _State:
    """What was taken so far, and what that rules out."""

    def __init__(
        self,
        n: int,
        embeddings: Float[np.ndarray, "n d"] | None,
        radius: float,
        limits: Sequence[tuple[Shaped[np.ndarray, " n"], int | None, str]],
    ) -> None:
        self.free = np.ones(n, dtype=np.bool_)
        self.near = np.zeros(n, dtype=np.bool_)
        self.embeddings, self.radius, self.limits = embeddings, radius, limits
        self.counts: list[Counter[str]] = [Counter() for _ in limits]
        self.passed: Counter[str] = Counter()

    def takes(self, row: int, *, any_row: bool) -> bool:
        """Whether a row may be taken; a row drawn by chance only must not be taken already."""
        if not self.free[row]:
            return False
        if any_row:
            return True
        if self.near[row]:
            self.passed["near-duplicate"] += 1
            return False
        for (column, most, name), count in zip(self.limits, self.counts, strict=True):
            value = column[row]
            if most is not None and value not in (None, "") and count[str(value)] >= most:
                self.passed[name] += 1
                return False
        return True

    def take(self, row: int) -> None:
        self.free[row] = False
        for (column, _, _), count in zip(self.limits, self.counts, strict=True):
            count[str(column[row])] += 1
        self.mark(row)

    def mark(self, row: int) -> None:
        """Rule the near-duplicates of a row out."""
        if self.embeddings is not None and np.isfinite(self.embeddings[row]).all():
            with np.errstate(invalid="ignore"):
                distance = np.sqrt(np.square(self.embeddings - self.embeddings[row]).sum(axis=1))
                self.near |= distance < self.radius


def _one(name: str, queues: dict[str, list[int]], taken: dict[str, list[int]], state: _State) -> bool:
    queue = queues[name]
    while queue:
        row = queue.pop(0)
        if state.takes(row, any_row=name == RANDOM):
            state.take(row)
            taken[name].append(row)
            return True
    return False


def _fill(
    name: str, parts: Mapping[str, int], queues: dict[str, list[int]], taken: dict[str, list[int]], state: _State
) -> None:
    while name in queues and len(taken[name]) < parts[name] and _one(name, queues, taken, state):
        pass
