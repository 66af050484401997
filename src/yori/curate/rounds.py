"""Curate in rounds: choose a part of the budget by influence, refit, check on validation folds that did not choose, go on.

Edits interact: once ten copies of one mistake are gone the eleventh matters less. So the budget is spent in rounds, each on
scores of a refitted head. Validation is dealt into folds. In every round each fold is judge once: a set of edits is chosen
by the other folds alone, a head is refitted with it, and its predictions on the fold are kept; the predictions of all folds
together say whether edits chosen this way help examples that did not choose them. Only then does the round count, with the
set that all folds chose together. The share of the fold-less sets that hold an edit too is its agreement.

Nothing here sees a test example.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.attribution.influence import influence_of_solution
from yori.attribution.objectives import query, query_of_logits
from yori.curate.guard import ClassGuard
from yori.heads import LINKS, Curvature, Head, Spectrum, fit_sigmoid, fit_softmax
from yori.heads.curvature import logits_of

ROUNDS = 4
SOLVE_TOLERANCE = 1e-3
REFIT_TOLERANCE = 1e-3
ACCEPT_AT = 1.0
"""A round counts when the judges' mean improvement exceeds this many of its standard errors."""


@dataclass(frozen=True)
class Problem:
    """What curation works on; every array is of training or validation examples, never of test examples.

    ``weight (n,)``: of the training examples, all 1 by default.
    """

    embeddings: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    query_embeddings: Float[np.ndarray, "m d"]
    query_targets: Num[np.ndarray, "m ..."]
    query_folds: Int[np.ndarray, " m"]
    classes: int
    l2: float
    temperature: float = 1.0
    objective: str = "aurc_soft"
    link: str = "softmax"
    weight: Float[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if len(self.weight) == 0:
            object.__setattr__(self, "weight", np.ones(len(self.embeddings)))

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of every training example, for the guard; of several labels the rarest."""
        if self.link == "softmax":
            return self.targets.astype(np.int64)
        rarity = np.argsort(np.argsort(self.targets.sum(axis=0)))
        return np.where(self.targets > 0, rarity.max() + 1 - rarity, 0).argmax(axis=1).astype(np.int64)


@dataclass(frozen=True)
class Choice:
    """One edit of a round: position, new label (None = drop), predicted change of the objective, votes of the folds."""

    position: int
    new_label: int | None
    effect: float
    agreement: float


@dataclass(frozen=True)
class Round:
    """What a round chose, what the judges measured, and whether it counts."""

    number: int
    choices: tuple[Choice, ...]
    held_out_change: float
    held_out_error: float
    accepted: bool


@dataclass(frozen=True)
class Curation:
    """All rounds; ``chosen`` are those that count, in order. ``products``: Hessian-vector products spent."""

    rounds: tuple[Round, ...]
    scores: Float[np.ndarray, " n"]
    objective_before: float
    objective_after: float
    products: int

    @property
    def chosen(self) -> tuple[tuple[int, Choice], ...]:
        """``(round, choice)`` of every edit that counts."""
        return tuple((each.number, choice) for each in self.rounds if each.accepted for choice in each.choices)


@dataclass
class _State:
    weight: Float[np.ndarray, " n"]
    targets: Num[np.ndarray, "n ..."]
    touched: Bool[np.ndarray, " n"]
    head: Head
    guard: ClassGuard
    spectrum: Spectrum
    products: int = field(default=0)


def curate(
    problem: Problem,
    *,
    budget: int,
    plausible: Bool[np.ndarray, "n c"] | None = None,
    rounds: int = ROUNDS,
    accept_at: float = ACCEPT_AT,
    spectrum: Spectrum | None = None,
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
        Parts the budget is spent in.
    accept_at
        Standard errors by which the judges must be convinced.

    Returns
    -------
    `Curation`; no edit at all is a result like any other.
    """
    spectrum = Spectrum.of(problem.embeddings) if spectrum is None else spectrum
    weight = problem.weight.astype(np.float64)
    head = _fit(problem, problem.targets, weight, None, spectrum)
    guard = ClassGuard(problem.strata, classes=problem.classes)
    touched = weight <= 0  # dropped before: nothing left to edit
    state = _State(weight, problem.targets.copy(), touched, head, guard, spectrum, head.products)
    before = _value(problem, head)
    done: list[Round] = []
    scores = np.zeros(len(weight))
    spent = 0
    for number in range(1, rounds + 1):
        part = -(-(budget - spent) // (rounds + 1 - number))
        if part <= 0:
            break
        result, first_scores = _round(problem, state, part, number, plausible, accept_at)
        if number == 1:
            scores = first_scores
        done.append(result)
        if not result.accepted:
            break
        spent += len(result.choices)
    return Curation(tuple(done), scores, before, _value(problem, state.head), state.products)


def _round(
    problem: Problem,
    state: _State,
    size: int,
    number: int,
    plausible: Bool[np.ndarray, "n c"] | None,
    accept_at: float,
) -> tuple[Round, Float[np.ndarray, " n"]]:
    """Choose, judge, and apply to ``state`` if it counts."""
    folds = np.unique(problem.query_folds)
    curvature = _curvature(problem, state)
    asked = query(
        problem.objective, problem.query_embeddings, problem.query_targets, state.head.weight,
        link=problem.link, temperature=problem.temperature,
    )  # fmt: skip
    solutions = []
    for fold in folds:
        gradient = asked.gradient((problem.query_folds == fold).astype(np.float64))
        solutions.append(curvature.solve(gradient, tolerance=SOLVE_TOLERANCE, strict=False))
    state.products += curvature.products
    whole = np.sum(solutions, axis=0)
    effects, new_labels = _effects(problem, state, curvature, whole, plausible)
    chosen = _take_best(problem, state, effects, size)
    votes = np.zeros(len(effects))
    judged = np.empty((len(problem.query_embeddings), problem.classes))
    for fold, own in zip(folds, solutions, strict=True):
        others, other_labels = _effects(problem, state, curvature, whole - own, plausible)
        theirs = _take_best(problem, state, others, size)
        votes[theirs] += 1 / len(folds)
        weight, targets = _applied(state, theirs, other_labels)
        refitted = _fit(problem, targets, weight, state.head.weight, state.spectrum)
        state.products += refitted.products
        inside = problem.query_folds == fold
        judged[inside] = refitted.logits(problem.query_embeddings[inside])
    change, error = _held_out_change(problem, asked.values, judged)
    accepted = bool(len(chosen)) and change < -accept_at * error
    choices = tuple(
        Choice(
            int(position),
            int(new_labels[position]) if new_labels[position] >= 0 else None,
            float(effects[position]),
            float(votes[position]),
        )
        for position in chosen
    )
    scores = influence_of_solution(curvature, state.targets, asked.value, whole, leverage=False).drop_effect()
    if accepted:
        for position in chosen:
            state.guard.take(int(problem.strata[position]))
        state.weight, state.targets = _applied(state, chosen, new_labels)
        state.touched[chosen] = True
        state.head = _fit(problem, state.targets, state.weight, state.head.weight, state.spectrum)
        state.products += state.head.products
    return Round(number, choices, change, error, accepted), scores


def _effects(
    problem: Problem,
    state: _State,
    curvature: Curvature,
    solution: Float[np.ndarray, "c d1"],
    plausible: Bool[np.ndarray, "n c"] | None,
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Predicted change of the objective by each example's best edit, and its new label (−1 = drop)."""
    result = influence_of_solution(curvature, state.targets, 0.0, solution, leverage=False)
    best = result.drop_effect()
    label = np.full(len(best), -1, dtype=np.int64)
    if plausible is not None and problem.link == "softmax":
        relabel = np.where(plausible, result.relabel_effect(), np.inf)
        to = relabel.argmin(axis=1)
        gain = relabel[np.arange(len(best)), to]
        better = gain < best
        best = np.where(better, gain, best)
        label[better] = to[better]
    best = best.copy()
    best[state.touched] = np.inf
    return best, label


def _take_best(problem: Problem, state: _State, effects: Float[np.ndarray, " n"], size: int) -> Int[np.ndarray, " k"]:
    """The ``size`` largest predicted falls that the guard allows; ties by position."""
    guard, strata = state.guard.copy(), problem.strata
    taken: list[int] = []
    for position in np.argsort(effects, kind="stable"):
        if len(taken) == size or not effects[position] < 0:
            break
        label = int(strata[position])
        if guard.allows(label):
            guard.take(label)
            taken.append(int(position))
    return np.array(taken, dtype=np.int64)


def _applied(
    state: _State, positions: Int[np.ndarray, " k"], new_labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Num[np.ndarray, "n ..."]]:
    weight, targets = state.weight.copy(), state.targets.copy()
    for position in positions:
        if new_labels[position] < 0:
            weight[position] = 0
        else:
            targets[position] = new_labels[position]
    return weight, targets


def _held_out_change(
    problem: Problem, before: Float[np.ndarray, " m"], logits: Float[np.ndarray, "m c"]
) -> tuple[float, float]:
    """Change of the objective as the judges saw it, and its standard error over query examples."""
    after = query_of_logits(
        problem.objective, problem.query_embeddings, problem.query_targets, logits,
        link=problem.link, temperature=problem.temperature,
    ).values  # fmt: skip
    difference = after - before
    m = len(difference)
    return float(difference.sum()), float(difference.std(ddof=1) * np.sqrt(m)) if m > 1 else np.inf


def _value(problem: Problem, head: Head) -> float:
    return query(
        problem.objective, problem.query_embeddings, problem.query_targets, head.weight,
        link=problem.link, temperature=problem.temperature,
    ).value  # fmt: skip


def _curvature(problem: Problem, state: _State) -> Curvature:
    share = (state.weight / state.weight.sum()).astype(problem.embeddings.dtype)
    probs = LINKS[problem.link].probs(logits_of(problem.embeddings, state.head.weight))
    return Curvature(problem.embeddings, probs, share, l2=problem.l2, link=problem.link, spectrum=state.spectrum)


def _fit(
    problem: Problem,
    targets: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, " n"],
    start: Float[np.ndarray, "c d1"] | None,
    spectrum: Spectrum,
) -> Head:
    tolerance = 1e-4 if start is None else REFIT_TOLERANCE
    if problem.link == "softmax":
        return fit_softmax(
            problem.embeddings, targets, classes=problem.classes, l2=problem.l2, sample_weight=weight, init=start,
            spectrum=spectrum, tolerance=tolerance,
        )  # fmt: skip
    return fit_sigmoid(
        problem.embeddings, targets, l2=problem.l2, sample_weight=weight, init=start, spectrum=spectrum,
        tolerance=tolerance,
    )  # fmt: skip
