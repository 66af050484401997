"""One sequence of rounds in which every example asks a head that has not seen its fold.

For each fold a head is fitted on the other folds, the fold's examples ask it (ranked by confidence together with all other
folds', as the reliability objectives need), and the influence of every example that head has seen is added up over the folds.
A judge's course leaves its own fold out of everything: of the heads, of the questions, and of the examples whose labels make
a relabel plausible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Num

from yori.attribution.objectives import Query, query_of_logits
from yori.curate.course import Taken, apply_picks
from yori.curate.limits import EditGuard
from yori.curate.parts import Part, effects_of, fit_head
from yori.curate.plausibility import plausible_labels
from yori.curate.problem import FoldedProblem
from yori.curate.ranking import Best, Pick, asked_relabels, best_edits, ranked_by_all
from yori.heads import LINKS, Head, Spectrum
from yori.metrics import fit_sigmoid_temperature, fit_temperature

SHARPNESS = 10.0
"""How strongly the worst domain counts: domain *e* weighs ``exp(SHARPNESS · J_e / mean J)``, all weights summing to 1."""

FirstHead = Callable[[frozenset[int]], Head]
"""The head fitted on the unedited examples of all folds but these."""


def temperature_of_folds(logits: Float[np.ndarray, "m c"], targets: Num[np.ndarray, "m ..."]) -> float:
    """Temperature of out-of-fold logits."""
    if targets.ndim == 1:
        return fit_temperature(logits.astype(np.float64), targets)
    return fit_sigmoid_temperature(logits.astype(np.float64), targets.astype(np.int64))


def asked_of_folds(
    problem: FoldedProblem,
    rows: Bool[np.ndarray, " n"],
    logits: Float[np.ndarray, "n c"],
    *,
    temperature: float,
    objective: str | None = None,
    domain_weight: dict[int, float] | None = None,
) -> tuple[Query, dict[int, float]]:
    """What the examples in ``rows`` ask, given their out-of-fold logits.

    All together; where the problem is of the worst domain, domain by domain, each weighed by how bad it is.

    Returns
    -------
    The `Query` of all ``n`` examples (zero where they do not ask), and the weight of every domain.
    """
    values = np.zeros(len(rows))
    gradient = np.zeros((len(rows), logits.shape[1]), dtype=problem.embeddings.dtype)
    name = objective or problem.objective
    sets = [np.flatnonzero(rows)]
    if problem.worst:
        sets = [np.flatnonzero(rows & (problem.folds == fold)) for fold in np.unique(problem.folds[rows])]
    found = [
        query_of_logits(
            name, problem.embeddings[each], problem.asked_targets[each], logits[each], link=problem.link,
            temperature=temperature,
        )
        for each in sets
    ]  # fmt: skip
    numbers = [int(problem.folds[each[0]]) for each in sets] if problem.worst else [0]
    if domain_weight is None:
        level = np.array([each.value for each in found])
        exponent = SHARPNESS * level / max(float(np.abs(level).mean()), np.finfo(np.float64).tiny)
        strength = np.exp(exponent - exponent.max())
        domain_weight = dict(zip(numbers, (strength / strength.sum()).tolist(), strict=True))
    for number, each, asked in zip(numbers, sets, found, strict=True):
        values[each] = domain_weight[number] * asked.values
        gradient[each] = domain_weight[number] * asked.rows
    return Query(problem.embeddings, values, gradient), domain_weight


class FoldedCourse:
    """State of one course: labels and weights after the edits so far, and the head of every fold.

    Parameters
    ----------
    outside
        The fold of the judge: it neither trains nor asks; None for the course that decides.
    first
        Heads on unedited examples.
    budget
        Largest number of edits in all.
    draws
        ``(k, n)`` weightings of the asking examples that vote.
    """

    def __init__(
        self,
        problem: FoldedProblem,
        outside: int | None,
        first: FirstHead,
        spectrum: Spectrum,
        *,
        budget: int = 0,
        draws: Float[np.ndarray, "k n"] | None = None,
    ) -> None:
        self.problem, self.spectrum, self.draws = problem, spectrum, draws
        self.outside = frozenset[int]() if outside is None else frozenset([outside])
        self.inside = ~np.isin(problem.folds, list(self.outside))
        self.trains, self.asks = problem.trains & self.inside, problem.asks & self.inside
        self.weight = np.where(self.trains, problem.weight, 0.0)
        self.targets = problem.targets.copy()
        self.touched = self.weight <= 0
        self.guard = EditGuard(
            problem.strata, classes=problem.classes + 1, budget=budget, rules=problem.rules, domains=problem.domains,
            groups=problem.groups, present=~self.touched,
        )  # fmt: skip
        self._heads = {fold: first(self.outside | {fold}) for fold in np.unique(problem.folds[self.inside]).tolist()}
        self._stale = False
        self.whole = first(self.outside) if outside is not None else None
        self.first_logits = self.out_of_fold()
        self.temperature = temperature_of_folds(self.first_logits[self.asks], problem.asked_targets[self.asks])
        self.plausible, self.answers = self._witnesses()
        self.taken: Taken = {}
        self.scores = np.zeros(len(self.weight))
        self.products = 0

    def _witnesses(self) -> tuple[Bool[np.ndarray, "n c"] | None, Float[np.ndarray, "n c"]]:
        """Where a relabel may go, and what a person would answer, by those inside who never saw the example's fold."""
        problem, rows = self.problem, np.flatnonzero(self.trains)
        heat = temperature_of_folds(self.first_logits[rows], problem.targets[rows])
        answers = LINKS[problem.link].probs(self.first_logits.astype(np.float64) / heat)
        if problem.link != "softmax":
            return None, answers
        plausible = np.zeros(self.first_logits.shape, dtype=np.bool_)
        plausible[rows] = plausible_labels(
            problem.embeddings[rows], problem.targets[rows], problem.groups[rows], self.first_logits[rows],
            temperature=heat,
        )  # fmt: skip
        return plausible, answers

    def out_of_fold(self) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` logits of every example inside from the head that has not seen its fold; 0 outside."""
        problem = self.problem
        logits = np.zeros((len(self.weight), problem.classes), dtype=problem.embeddings.dtype)
        for fold, head in self.heads.items():
            mine = problem.folds == fold
            logits[mine] = head.logits(problem.embeddings[mine])
        return logits

    def rank(self, size: int) -> list[Pick]:
        """Up to ``size`` more edits, the best first."""
        return ranked_by_all(self.best, size, self.guard, self.problem.rules, self.problem.objective, self.draws)

    def take(self, picks: Sequence[Pick]) -> None:
        """Make edits; heads are refitted when they are looked at."""
        if not picks:
            return
        self.targets, self.weight = apply_picks(picks, self.targets, self.weight, self.answers)
        for pick in picks:
            self.guard.take(pick.position, pick.action)
            self.touched[pick.position] = True
            self.taken[pick.position] = (pick.action, pick.new_label)
        if self.whole is not None:
            self.whole = self._fitted(self.targets, self.weight, self.whole)
        self._stale = True

    @property
    def heads(self) -> dict[int, Head]:
        """The head of every fold; refitted when they are asked for: nobody asks after a judge's last edits."""
        if self._stale:
            self._heads = {
                fold: self._fitted(self.targets, np.where(self.problem.folds == fold, 0.0, self.weight), head)
                for fold, head in self._heads.items()
            }
            self._stale = False
        return self._heads

    def judged(self, picks: Sequence[Pick] = ()) -> Float[np.ndarray, "k c"]:
        """What a head fitted on everything inside says of the judge's fold, after ``picks`` too if there are any."""
        head = self.whole
        if head is None:  # the course that decides judges nothing
            return np.empty((0, self.problem.classes))
        if picks:
            head = self._fitted(*apply_picks(picks, self.targets, self.weight, self.answers), head)
        return head.logits(self.problem.embeddings[self.judges()])

    def judges(self) -> Bool[np.ndarray, " n"]:
        """The asking examples of the fold outside."""
        return self.problem.asks & ~self.inside

    def value(self) -> float:
        """The objective of the asking examples out of fold."""
        return self._asked()[0].value

    def _asked(self, objective: str | None = None) -> tuple[Query, dict[int, float]]:
        return asked_of_folds(
            self.problem, self.asks, self.out_of_fold(), temperature=self.temperature, objective=objective
        )

    def parts(self, objective: str | None = None) -> list[Part]:
        """The head of every fold, and what the fold asks of it."""
        problem = self.problem
        asked, _ = self._asked(objective)
        made = []
        for fold, head in self.heads.items():
            mine = problem.folds == fold
            rows = np.flatnonzero(mine & self.asks)
            if len(rows):
                part = Query(problem.embeddings[rows], asked.values[rows], asked.rows[rows])
                made.append(Part(head.weight, np.where(mine, 0.0, self.weight), part, rows))
        return made

    def best(self, objective: str | None = None, draw: Float[np.ndarray, " n"] | None = None) -> Best:
        """The best edit of every example that has not been edited yet."""
        problem = self.problem
        effects, products = effects_of(
            self.parts(objective), problem.embeddings, self.targets, l2=problem.l2, link=problem.link,
            spectrum=self.spectrum, draw=draw,
            relabels=asked_relabels(problem.rules, self.targets, self.plausible, self.answers),
        )  # fmt: skip
        self.products += products
        if not self.scores.any():
            self.scores = effects.drop.copy()
        best = best_edits(effects, self.targets, rules=problem.rules, plausible=self.plausible, answers=self.answers)
        best.net[self.touched] = np.inf
        return best

    def _fitted(self, targets: Num[np.ndarray, "n ..."], weight: Float[np.ndarray, " n"], start: Head) -> Head:
        problem = self.problem
        head = fit_head(
            problem.embeddings, targets, weight, classes=problem.classes, l2=problem.l2, link=problem.link,
            spectrum=self.spectrum, start=start.weight,
        )  # fmt: skip
        self.products += head.products
        return head
