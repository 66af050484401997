"""Curate in rounds: choose a part of the budget by influence, refit, and go on; keep what helps examples that did not choose.

Edits interact: once ten copies of one mistake are gone the eleventh matters less. So the budget is spent in rounds, each on
scores of a refitted head. Whether edits chosen this way help is asked of validation examples that had no say: validation
is dealt into folds, and for each fold a course of its own chooses by the other folds alone, round after round, and predicts
the fold. The predictions of all folds together, against those of the unedited head, are the judges' verdict on the first
round, the first two, and so on. The course that all folds choose together keeps as many rounds as the judges liked best,
or none. The share of the judges' courses that hold an edit too is its agreement.

A round is judged by the sum of all up to it: a few edits change too little to be judged by themselves.

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

ROUNDS = 2
SOLVE_TOLERANCE = 1e-3
REFIT_TOLERANCE = 1e-3
ACCEPT_AT = 0.0
"""Rounds count when the judges' mean improvement exceeds this many of its standard errors. Zero: they must see an improvement,
not a significant one. Whether it is real is for the test set to say; a higher bar refused good edits (on spoken digits with
wrong labels, edits that were right in 17 of 17 cases at 0.4 standard errors) more often than it stopped bad ones."""


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
        """Class of every training example, for the guard; of several labels the rarest, of none one more class."""
        if self.link == "softmax":
            return self.targets.astype(np.int64)
        rarity = np.argsort(np.argsort(-self.targets.sum(axis=0), kind="stable"), kind="stable") + 1
        rarest = (self.targets * rarity).argmax(axis=1)
        return np.where(self.targets.any(axis=1), rarest, self.classes).astype(np.int64)


@dataclass(frozen=True)
class Choice:
    """One edit: position, new label (None = drop), predicted change of the objective, share of the judges who chose it."""

    position: int
    new_label: int | None
    effect: float
    agreement: float


@dataclass(frozen=True)
class Round:
    """What a round chose, and how the judges saw all rounds up to it: change of the objective and its standard error."""

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


class _Course:
    """One sequence of rounds, asked by some of the validation examples."""

    def __init__(
        self,
        problem: Problem,
        asking: Bool[np.ndarray, " m"],
        plausible: Bool[np.ndarray, "n c"] | None,
        head: Head,
        spectrum: Spectrum,
    ) -> None:
        self.problem, self.asking, self.plausible, self.spectrum = problem, asking, plausible, spectrum
        self.weight = problem.weight.astype(np.float64)
        self.targets = problem.targets.copy()
        self.head = head
        self.touched = self.weight <= 0  # dropped before: nothing left to edit
        self.guard = ClassGuard(problem.strata[~self.touched], classes=problem.classes + 1)
        self.taken: dict[int, int | None] = {}
        self.scores = np.zeros(len(self.weight))
        self.products = 0

    def step(self, size: int) -> list[tuple[int, int | None, float]]:
        """Choose up to ``size`` more edits, apply them, refit."""
        effects, new_labels = self._effects()
        chosen: list[tuple[int, int | None, float]] = []
        strata = self.problem.strata
        for position in np.argsort(effects, kind="stable").tolist():
            if len(chosen) == size or not effects[position] < 0:
                break
            if self.guard.allows(int(strata[position])):
                self.guard.take(int(strata[position]))
                label = int(new_labels[position])
                chosen.append((position, None if label < 0 else label, float(effects[position])))
        for position, new, _ in chosen:
            self.touched[position] = True
            self.taken[position] = new
            if new is None:
                self.weight[position] = 0
            else:
                self.targets[position] = new
        if chosen:
            self.head = _fit(self.problem, self.targets, self.weight, self.head.weight, self.spectrum)
            self.products += self.head.products
        return chosen

    def _effects(self) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Predicted change of the objective by each example's best edit, and its new label (−1 = drop)."""
        problem = self.problem
        share = (self.weight / self.weight.sum()).astype(problem.embeddings.dtype)
        probs = LINKS[problem.link].probs(logits_of(problem.embeddings, self.head.weight))
        curvature = Curvature(
            problem.embeddings, probs, share, l2=problem.l2, link=problem.link, spectrum=self.spectrum
        )  # fmt: skip
        asked = query(
            problem.objective, problem.query_embeddings[self.asking], problem.query_targets[self.asking],
            self.head.weight, link=problem.link, temperature=problem.temperature,
        )  # fmt: skip
        solution = curvature.solve(asked.gradient(), tolerance=SOLVE_TOLERANCE, strict=False)
        self.products += curvature.products
        result = influence_of_solution(curvature, self.targets, asked.value, solution, leverage=False)
        best = result.drop_effect().copy()
        if not self.scores.any():
            self.scores = best.copy()
        label = np.full(len(best), -1, dtype=np.int64)
        if self.plausible is not None and problem.link == "softmax":
            relabel = np.where(self.plausible, result.relabel_effect(), np.inf)
            to = relabel.argmin(axis=1)
            gain = relabel[np.arange(len(best)), to]
            better = gain < best
            best = np.where(better, gain, best)
            label[better] = to[better]
        best[self.touched] = np.inf
        return best, label


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
    head = _fit(problem, problem.targets, problem.weight.astype(np.float64), None, spectrum)
    everyone = np.ones(len(problem.query_embeddings), dtype=np.bool_)
    main = _Course(problem, everyone, plausible, head, spectrum)
    folds = [problem.query_folds == fold for fold in np.unique(problem.query_folds)]
    judges = [(inside, _Course(problem, ~inside, plausible, head, spectrum)) for inside in folds]
    start = query(
        problem.objective, problem.query_embeddings, problem.query_targets, head.weight,
        link=problem.link, temperature=problem.temperature,
    )  # fmt: skip
    steps: list[tuple[list[tuple[int, int | None, float]], float, float, float, list[dict[int, int | None]]]] = []
    spent = 0
    for number in range(1, rounds + 1):
        size = -(-(budget - spent) // (rounds + 1 - number))
        if size <= 0 or len(folds) < 2:
            break
        chosen = main.step(size)
        if not chosen:
            break
        spent += len(chosen)
        judged = np.empty((len(everyone), problem.classes))
        for inside, course in judges:
            course.step(size)
            judged[inside] = course.head.logits(problem.query_embeddings[inside])
        change, error = _held_out_change(problem, start.values, judged)
        held = [dict(course.taken) for _, course in judges]
        steps.append((chosen, change, error, _value(problem, main.head), held))
    best = min(range(len(steps)), key=lambda k: steps[k][1], default=-1)
    if best >= 0 and not steps[best][1] < -accept_at * steps[best][2]:
        best = -1
    listed = []
    for k, (chosen, change, error, _, held) in enumerate(steps):
        votes = held if best < k else steps[best][4]
        choices = tuple(
            Choice(place, new, effect, sum(place in each and each[place] == new for each in votes) / len(votes))
            for place, new, effect in chosen
        )
        listed.append(Round(k + 1, choices, change, error, k <= best))
    products = head.products + main.products + sum(course.products for _, course in judges)
    after = steps[best][3] if best >= 0 else start.value
    return Curation(tuple(listed), main.scores, start.value, after, products)


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
