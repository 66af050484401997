"""Curate in rounds: choose a part of the budget by influence, refit, and go on; keep what helps examples that did not choose.

Edits interact: once ten copies of one mistake are gone the eleventh matters less. So the budget is spent in rounds, each on
scores of a refitted head. Whether edits chosen this way help is asked of examples that had no say: those who ask are dealt
into folds, and for each fold a course of its own chooses by the other folds alone, round after round, and predicts the fold.
The predictions of all folds together, against those of the unedited head, are the judges' verdict on the first round, the
first two, and so on. The course that all folds choose together keeps as many rounds as the judges liked best, or none. The
share of the judges' courses that hold an edit too is its agreement.

A round is judged by the sum of all up to it: a few edits change too little to be judged by themselves.

Rounds are of equal size, or a line search asks the judges how much of the rest of the budget to take, and stops where they
like no size.

Nothing here sees a test example.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from yori.attribution.objectives import query, query_of_logits
from yori.curate.course import Course, Taken
from yori.curate.outcome import Choice, Curation, Round
from yori.curate.parts import fit_head
from yori.curate.problem import Problem
from yori.curate.ranking import Pick
from yori.heads import Spectrum

ROUNDS = 2
LINE_SEARCH_ROUNDS = 4
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the rest of the budget: what a line search may take in one round."""

ACCEPT_AT = 0.0
"""Rounds count when the judges' mean improvement exceeds this many of its standard errors. Zero: they must see an improvement,
not a significant one. Whether it is real is for the test set to say; a higher bar refused good edits (on spoken digits with
wrong labels, edits that were right in 17 of 17 cases at 0.4 standard errors) more often than it stopped bad ones."""

Rank = Callable[[int], list[Pick]]
Take = Callable[[Sequence[Pick]], None]


@dataclass(frozen=True)
class Side:
    """A course as the rounds see it: how it ranks and takes edits, and what it holds.

    ``share``: of the examples the deciding course may edit, those this one may. ``knows (n,)``: which; None = all.
    """

    rank: Rank
    take: Take
    taken: Taken
    share: float = 1.0
    knows: Bool[np.ndarray, " n"] | None = None

    def part_of(self, size: int) -> int:
        """As many edits for this course as ``size`` are for the deciding one."""
        return max(0, math.ceil(self.share * size - 1e-9))


@dataclass(frozen=True)
class Judgement:
    """How the judges see edits: ``change(picks)`` after further picks of every judge, with its standard error."""

    change: Callable[[Sequence[Sequence[Pick]]], tuple[float, float]]


@dataclass(frozen=True)
class _Step:
    picks: list[Pick]
    change: float
    error: float
    value: float
    held: list[Taken]


def curate(
    problem: Problem,
    *,
    budget: int,
    plausible: Bool[np.ndarray, "n c"] | None = None,
    rounds: int = ROUNDS,
    accept_at: float = ACCEPT_AT,
    spectrum: Spectrum | None = None,
    draws: Float[np.ndarray, "k m"] | None = None,
) -> Curation:
    """Choose at most ``budget`` edits.

    Parameters
    ----------
    problem
        Training and validation examples and what is asked.
    budget
        Largest number of edits.
    plausible
        ``(n, c)`` where a relabel may go; None = drops only.
    rounds
        Parts the budget is spent in, where they are of equal size.
    accept_at
        Standard errors by which the judges must be convinced.
    draws
        ``(k, m)`` weightings of the validation examples (bootstrap counts) that vote where the rules ask for a consensus.

    Returns
    -------
    `Curation`; no edit at all is a result like any other.
    """
    spectrum = Spectrum.of(problem.embeddings, exact=True) if spectrum is None else spectrum
    head = fit_head(
        problem.embeddings, problem.targets, problem.weight.astype(np.float64), classes=problem.classes, l2=problem.l2,
        link=problem.link, spectrum=spectrum,
    )  # fmt: skip
    everyone = np.ones(len(problem.query_embeddings), dtype=np.bool_)

    def course(asking: Bool[np.ndarray, " m"]) -> Course:
        return Course(problem, asking, plausible, head, spectrum, budget=budget, draws=draws)

    main = course(everyone)
    parts = tuple(main.parts())
    folds = [problem.query_folds == fold for fold in np.unique(problem.query_folds)]
    judges = [(np.flatnonzero(inside), course(~inside)) for inside in folds] if len(folds) > 1 else []
    start = query(
        problem.objective, problem.query_embeddings, problem.query_targets, head.weight,
        link=problem.link, temperature=problem.temperature,
    )  # fmt: skip

    def change(picks: Sequence[Sequence[Pick]]) -> tuple[float, float]:
        judged = np.empty((len(everyone), problem.classes))
        for (inside, each), more in zip(judges, picks, strict=True):
            judged[inside] = each.logits(inside, more)
        return _held_out_change(problem, start.values, judged)

    def value() -> float:
        return query(
            problem.objective, problem.query_embeddings, problem.query_targets, main.head.weight,
            link=problem.link, temperature=problem.temperature,
        ).value  # fmt: skip

    sides = [Side(each.rank, each.take, each.taken) for _, each in judges]
    steps = spend(
        Side(main.rank, main.take, main.taken), sides, Judgement(change), value, budget=budget, rounds=rounds,
        line_search=problem.rules.rounds == "line_search",
    )  # fmt: skip
    listed, after = accepted(steps, sides, accept_at=accept_at, before=start.value)
    products = head.products + main.products + sum(each.products for _, each in judges)
    return Curation(listed, main.scores, start.value, after, products, parts)


def spend(
    main: Side,
    judges: Sequence[Side],
    judgement: Judgement,
    value: Callable[[], float],
    *,
    budget: int,
    rounds: int,
    line_search: bool,
) -> list[_Step]:
    """Spend the budget in rounds; without two judges nothing can be judged and nothing is spent."""
    steps: list[_Step] = []
    spent, last = 0, 0.0
    nothing: list[list[Pick]] = [[] for _ in judges]
    for number in range(1, (LINE_SEARCH_ROUNDS if line_search else rounds) + 1):
        rest = budget - spent
        size = rest if line_search else -(-rest // (rounds + 1 - number))
        if size <= 0 or len(judges) < 2:
            break
        picks = main.rank(size)
        if not picks:
            break
        theirs = [each.rank(each.part_of(size)) for each in judges]
        if line_search:
            size, best = _best_size(judges, judgement, theirs, len(picks))
            if not best < last:
                break
            last = best
            picks, theirs = (
                picks[:size],
                [more[: each.part_of(size)] for each, more in zip(judges, theirs, strict=True)],
            )
        main.take(picks)
        for each, more in zip(judges, theirs, strict=True):
            each.take(more)
        spent += len(picks)
        steps.append(_Step(picks, *judgement.change(nothing), value(), [dict(each.taken) for each in judges]))
    return steps


def _best_size(
    judges: Sequence[Side], judgement: Judgement, theirs: Sequence[list[Pick]], most: int
) -> tuple[int, float]:
    """How many of the next edits the judges like best, and how much."""
    sizes = sorted({max(1, math.ceil(share * most)) for share in SHARES})
    found = []
    for size in sizes:
        change, _ = judgement.change([more[: each.part_of(size)] for each, more in zip(judges, theirs, strict=True)])
        found.append((change, size))
    best, size = min(found)
    return size, best


def accepted(
    steps: Sequence[_Step], judges: Sequence[Side], *, accept_at: float, before: float
) -> tuple[tuple[Round, ...], float]:
    """The rounds with what counts of them, and the objective after those that do."""
    best = min(range(len(steps)), key=lambda k: steps[k].change, default=-1)
    if best >= 0 and not steps[best].change < -accept_at * steps[best].error:
        best = -1
    listed = []
    for k, step in enumerate(steps):
        votes = step.held if best < k else steps[best].held
        choices = tuple(
            Choice(pick.position, pick.new_label, pick.effect, _agreement(pick, votes, judges), pick.action)
            for pick in step.picks
        )
        listed.append(Round(k + 1, choices, step.change, step.error, k <= best))
    return tuple(listed), steps[best].value if best >= 0 else before


def _agreement(pick: Pick, votes: Sequence[Taken], judges: Sequence[Side]) -> float:
    could = [
        each for each, judge in zip(votes, judges, strict=True) if judge.knows is None or judge.knows[pick.position]
    ]
    return sum(each.get(pick.position) == (pick.action, pick.new_label) for each in could) / max(1, len(could))


def _held_out_change(
    problem: Problem, before: Float[np.ndarray, " m"], logits: Float[np.ndarray, "m c"]
) -> tuple[float, float]:
    """Change of the objective as the judges saw it, and its standard error over query examples."""
    after = query_of_logits(
        problem.objective, problem.query_embeddings, problem.query_targets, logits,
        link=problem.link, temperature=problem.temperature,
    ).values  # fmt: skip
    return change_of_values(after - before)


def change_of_values(difference: Float[np.ndarray, " m"]) -> tuple[float, float]:
    """Sum of per-example changes and its standard error."""
    m = len(difference)
    return float(difference.sum()), float(difference.std(ddof=1) * np.sqrt(m)) if m > 1 else np.inf
