"""The best edit of every example, what it costs, and the order in which edits are made.

Drops and relabels take their predicted effect. A review takes the effect expected of the answer: a person is expected to
give each label as often as out-of-fold heads believe in it, the label the example has included. From every effect the worth
of the person's minutes is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.curate.limits import EditGuard
from yori.errors import ValuesError
from yori.task import CurationRules

ACTIONS = ("drop", "relabel", "review")

LEAST_ANSWER = 0.01
"""Answers less likely than this count for nothing in what a review is worth."""

VOTERS = ("nll", "brier", "aurc_soft", "augrc_soft")
"""Objectives that vote where a consensus is asked for."""


class Pick(NamedTuple):
    """One edit before the judges see it: ``new_label`` only for a relabel; ``effect`` negative = helps."""

    position: int
    new_label: int | None
    effect: float
    action: str


@dataclass(frozen=True)
class Effects:
    """Predicted change of the objective, negative = better: of a drop ``(n,)``, of each new label ``(n, c)``."""

    drop: Float[np.ndarray, " n"]
    relabel: Float[np.ndarray, "n c"]


@dataclass(frozen=True)
class Best:
    """The best edit of every example: ``net (n,)`` change of the objective with the price of minutes added (+∞: none),
    ``effect (n,)`` without it, ``label (n,)`` (−1: not a relabel), ``action (n,)`` position in `ACTIONS`.
    """

    net: Float[np.ndarray, " n"]
    effect: Float[np.ndarray, " n"]
    label: Int[np.ndarray, " n"]
    action: Int[np.ndarray, " n"]

    def pick(self, position: int) -> Pick:
        """The edit of one example."""
        label = int(self.label[position])
        return Pick(
            position, None if label < 0 else label, float(self.effect[position]), ACTIONS[self.action[position]]
        )


def asked_relabels(
    rules: CurationRules,
    targets: Num[np.ndarray, "n ..."],
    plausible: Bool[np.ndarray, "n c"] | None,
    answers: Float[np.ndarray, "n c"] | None,
) -> Bool[np.ndarray, "n c"] | None:
    """``(n, c)`` relabels whose effect `best_edits` needs; None = of none."""
    asked = plausible if "relabel" in rules.actions else None
    if "review" in rules.actions and answers is not None:
        likely = _changed(answers, targets) >= LEAST_ANSWER
        asked = likely if asked is None else asked | likely
    return asked


def best_edits(
    effects: Effects,
    targets: Int[np.ndarray, "n ..."] | Float[np.ndarray, "n ..."],
    *,
    rules: CurationRules,
    plausible: Bool[np.ndarray, "n c"] | None,
    answers: Float[np.ndarray, "n c"] | None,
) -> Best:
    """Choose among the actions the rules allow.

    Parameters
    ----------
    effects
        Of every edit.
    targets
        Labels the examples have.
    plausible
        ``(n, c)`` where a relabel may go; None: nowhere. Only for one label per example.
    answers
        ``(n, c)`` probabilities of what a person would answer; needed where reviews are allowed.

    Raises
    ------
    ValuesError
        If reviews are allowed and ``answers`` is missing.
    """
    n = len(effects.drop)
    rows = np.arange(n)
    price = {action: rules.costs.minute * rules.costs.of(action) for action in ACTIONS}
    net, effect = np.full(n, np.inf), np.zeros(n)
    label, action = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    if "drop" in rules.actions:
        net, effect = effects.drop + price["drop"], effects.drop.copy()
    if "relabel" in rules.actions and plausible is not None and targets.ndim == 1:
        candidates = np.where(plausible, effects.relabel, np.inf)
        to = candidates.argmin(axis=1)
        gain = candidates[rows, to]
        better = gain + price["relabel"] < net
        net = np.where(better, gain + price["relabel"], net)
        effect = np.where(better, gain, effect)
        label[better], action[better] = to[better], ACTIONS.index("relabel")
    if "review" in rules.actions:
        if answers is None:
            raise ValuesError("answers (n, c), to know what a review is worth", "none", where="curate")
        expected = (_changed(answers, targets) * effects.relabel).sum(axis=1)
        better = expected + price["review"] < net
        net, effect = np.where(better, expected + price["review"], net), np.where(better, expected, effect)
        label[better], action[better] = -1, ACTIONS.index("review")
    return Best(net, effect, label, action)


def _changed(answers: Float[np.ndarray, "n c"], targets: Num[np.ndarray, "n ..."]) -> Float[np.ndarray, "n c"]:
    """How likely a person's answer is each new label, or changes each of several."""
    return answers if targets.ndim == 1 else np.abs(answers - targets)


def ranked_by_all(
    best: Callable[..., Best],
    size: int,
    guard: EditGuard,
    rules: CurationRules,
    objective: str,
    draws: Float[np.ndarray, "k m"] | None,
) -> list[Pick]:
    """`ranked`, with the votes of other objectives and resampled queries where the rules ask for a consensus.

    Parameters
    ----------
    best
        ``best(objective=…)`` or ``best(draw=…)``: the best edits as another objective or another draw of queries sees them.
    """
    mine = best()
    votes: list[Best] = []
    if rules.consensus > 0:
        votes = [best(objective=name) for name in VOTERS if name != objective]
        votes += [best(draw=draw) for draw in (() if draws is None else draws)]
    return ranked(mine, size, guard, votes, rules.consensus)


def ranked(best: Best, size: int, guard: EditGuard, votes: Sequence[Best] = (), consensus: float = 0.0) -> list[Pick]:
    """Up to ``size`` edits, the best first, that ``guard`` allows; the guard itself is not changed.

    Parameters
    ----------
    votes
        The best edits as others see them: another objective, resampled queries. Each votes for its own ``size`` best.
    consensus
        Share of the votes an edit needs.
    """
    guard = guard.copy()
    share = np.zeros(len(best.net))
    for vote in votes:
        theirs = np.argsort(vote.net, kind="stable")[:size]
        theirs = theirs[vote.net[theirs] < 0]
        same = (vote.action[theirs] == best.action[theirs]) & (vote.label[theirs] == best.label[theirs])
        share[theirs[same]] += 1 / len(votes)
    chosen: list[Pick] = []
    for position in np.argsort(best.net, kind="stable").tolist():
        if len(chosen) == size or not best.net[position] < 0:
            break
        pick = best.pick(position)
        if (votes and share[position] < consensus - 1e-9) or not guard.allows(position, pick.action):
            continue
        guard.take(position, pick.action)
        chosen.append(pick)
    return chosen
