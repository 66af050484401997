"""One sequence of rounds, asked by some of the validation examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.attribution.objectives import query
from yori.curate.limits import EditGuard
from yori.curate.parts import Part, effects_of, fit_head
from yori.curate.problem import Problem
from yori.curate.ranking import Best, Pick, asked_relabels, best_edits, ranked_by_all
from yori.heads import Head, Spectrum

RESAMPLES = 8
"""Resampled query sets that vote."""

Taken = dict[int, tuple[str, int | None]]
"""What was done to each example: action and new label."""


def apply_picks(
    picks: Sequence[Pick],
    targets: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, " n"],
    answers: Float[np.ndarray, "n c"] | None = None,
) -> tuple[Num[np.ndarray, "n ..."], Float[np.ndarray, " n"]]:
    """Labels and weights after edits, as copies.

    A review waits for a person and changes nothing, unless ``answers (n, c)`` are given: then it takes the likeliest answer.
    So judges can say whether asking is worth it; no arm is ever trained on such an answer.
    """
    targets, weight = targets.copy(), weight.copy()
    for pick in picks:
        if pick.action == "drop":
            weight[pick.position] = 0
        elif pick.action == "relabel":
            targets[pick.position] = pick.new_label
        elif pick.action == "review" and answers is not None:
            likely = answers[pick.position]
            targets[pick.position] = likely.argmax() if targets.ndim == 1 else likely >= 0.5
    return targets, weight


class Course:
    """State of one course: labels, weights and head after the edits so far.

    Parameters
    ----------
    asking
        ``(m,)`` which validation examples ask.
    plausible
        ``(n, c)`` where a relabel may go; None = nowhere.
    head
        Fitted on the unedited training examples.
    budget
        Largest number of edits in all.
    draws
        ``(k, m)`` weightings of the query examples that vote.
    """

    def __init__(
        self,
        problem: Problem,
        asking: Bool[np.ndarray, " m"],
        plausible: Bool[np.ndarray, "n c"] | None,
        head: Head,
        spectrum: Spectrum,
        *,
        budget: int = 0,
        draws: Float[np.ndarray, "k m"] | None = None,
    ) -> None:
        self.problem, self.asking, self.plausible, self.spectrum = problem, np.flatnonzero(asking), plausible, spectrum
        self.draws = draws
        self.weight = problem.weight.astype(np.float64)
        self.targets = problem.targets.copy()
        self.head = head
        self.touched = self.weight <= 0  # dropped before: nothing left to edit
        self.guard = EditGuard(
            problem.strata, classes=problem.classes + 1, budget=budget, rules=problem.rules, domains=problem.domains,
            groups=problem.groups, present=~self.touched,
        )  # fmt: skip
        self.taken: Taken = {}
        self.scores = np.zeros(len(self.weight))
        self.products = 0

    def rank(self, size: int) -> list[Pick]:
        """Up to ``size`` more edits, the best first."""
        return ranked_by_all(self.best, size, self.guard, self.problem.rules, self.problem.objective, self.draws)

    def take(self, picks: Sequence[Pick]) -> None:
        """Make edits and refit."""
        if not picks:
            return
        self.head = self._refitted(picks)
        self.targets, self.weight = apply_picks(picks, self.targets, self.weight, self.problem.answers)
        for pick in picks:
            self.guard.take(pick.position, pick.action)
            self.touched[pick.position] = True
            self.taken[pick.position] = (pick.action, pick.new_label)

    def step(self, size: int) -> list[Pick]:
        """Choose up to ``size`` more edits and make them."""
        picks = self.rank(size)
        self.take(picks)
        return picks

    def logits(self, rows: Int[np.ndarray, " k"], picks: Sequence[Pick] = ()) -> Float[np.ndarray, "k c"]:
        """What the head says of validation examples, after ``picks`` too if there are any."""
        head = self._refitted(picks) if picks else self.head
        return head.logits(self.problem.query_embeddings[rows])

    def parts(self, objective: str | None = None) -> list[Part]:
        """The head and what is asked of it."""
        problem = self.problem
        asked = query(
            objective or problem.objective, problem.query_embeddings[self.asking], problem.query_targets[self.asking],
            self.head.weight, link=problem.link, temperature=problem.temperature,
        )  # fmt: skip
        return [Part(self.head.weight, self.weight, asked, self.asking)]

    def best(self, objective: str | None = None, draw: Float[np.ndarray, " m"] | None = None) -> Best:
        """The best edit of every example that has not been edited yet."""
        problem = self.problem
        effects, products = effects_of(
            self.parts(objective), problem.embeddings, self.targets, l2=problem.l2, link=problem.link,
            spectrum=self.spectrum, draw=draw,
            relabels=asked_relabels(problem.rules, self.targets, self.plausible, problem.answers),
        )  # fmt: skip
        self.products += products
        if not self.scores.any():
            self.scores = effects.drop.copy()
        best = best_edits(effects, self.targets, rules=problem.rules, plausible=self.plausible, answers=problem.answers)
        best.net[self.touched] = np.inf
        return best

    def _refitted(self, picks: Sequence[Pick]) -> Head:
        problem = self.problem
        targets, weight = apply_picks(picks, self.targets, self.weight, problem.answers)
        head = fit_head(
            problem.embeddings, targets, weight, classes=problem.classes, l2=problem.l2, link=problem.link,
            spectrum=self.spectrum, start=self.head.weight,
        )  # fmt: skip
        self.products += head.products
        return head
