"""Cross-fitted curation: every example asks out of fold, nothing is spent on validation alone.

The judges are the folds. Each leaves its fold out altogether, cross-fits and chooses on the others, refits on what it has
edited, and predicts the fold it has not seen: a nested cross-validation of the whole choice. Queries keep the labels they
have, right or wrong: a query that could be edited away would be an objective that can be pleased by silence.

Where folds are domains and ``worst`` is set this is nested leave-one-domain-out.

References
----------
Chernozhukov et al., Econometrics Journal 21, 2018 (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from yori.curate.folded_course import FoldedCourse, asked_of_folds
from yori.curate.outcome import Curation
from yori.curate.parts import fit_head
from yori.curate.problem import FoldedProblem
from yori.curate.ranking import Pick
from yori.curate.rounds import ACCEPT_AT, ROUNDS, Judgement, Side, accepted, change_of_values, spend
from yori.errors import ValuesError
from yori.heads import Head, Spectrum

LEAST_FOLDS = 3
"""A judge leaves one fold out; the others must still be able to ask each other."""


def curate_out_of_fold(
    problem: FoldedProblem,
    *,
    budget: int,
    rounds: int = ROUNDS,
    accept_at: float = ACCEPT_AT,
    spectrum: Spectrum | None = None,
    draws: Float[np.ndarray, "k n"] | None = None,
) -> Curation:
    """Choose at most ``budget`` edits of the examples that are trained on.

    Parameters
    ----------
    problem
        Examples, who trains, who asks, and the folds.
    budget
        Largest number of edits.
    rounds, accept_at
        As for `curate`.
    draws
        ``(k, n)`` weightings of the asking examples that vote where the rules ask for a consensus.

    Returns
    -------
    `Curation` with the out-of-fold logits before any edit.

    Raises
    ------
    ValuesError
        If there are fewer than three folds, or a fold in which nobody asks.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (60, 2)), rng.normal(1, 1, (60, 2))])
    >>> y = np.repeat([0, 1], 60)
    >>> wrong = y.copy()
    >>> wrong[:3] = 1
    >>> all_of_them = np.ones(120, dtype=bool)
    >>> found = curate_out_of_fold(
    ...     FoldedProblem(x, wrong, wrong, np.arange(120) % 5, all_of_them, all_of_them, np.arange(120), 2, 0.01), budget=3
    ... )
    >>> len(found.chosen) <= 3
    True
    """
    folds = np.unique(problem.folds).tolist()
    asked = np.unique(problem.folds[problem.asks]).tolist()
    if len(folds) < LEAST_FOLDS or asked != folds:
        raise ValuesError(
            f"at least {LEAST_FOLDS} folds, each with examples that ask", f"{len(folds)} folds, {len(asked)} of them asking",
            where="curate", fix="Give more groups (or domains), or let validation ask.",
        )  # fmt: skip
    spectrum = Spectrum.of(problem.embeddings, exact=True) if spectrum is None else spectrum
    heads: dict[frozenset[int], Head] = {}

    def first(excluded: frozenset[int]) -> Head:
        if excluded not in heads:  # a course that leaves out j and asks k shares its first head with that of k asking j
            weight = np.where(problem.trains & ~np.isin(problem.folds, list(excluded)), problem.weight, 0.0)
            heads[excluded] = fit_head(
                problem.embeddings, problem.targets, weight, classes=problem.classes, l2=problem.l2, link=problem.link,
                spectrum=spectrum,
            )  # fmt: skip
        return heads[excluded]

    main = FoldedCourse(problem, None, first, spectrum, budget=budget, draws=draws)
    judges = [FoldedCourse(problem, fold, first, spectrum, budget=budget, draws=draws) for fold in folds]
    parts = tuple(main.parts())
    before = main.first_logits.astype(np.float64)
    start, weights = asked_of_folds(problem, problem.asks, main.first_logits, temperature=main.temperature)

    def change(picks: Sequence[Sequence[Pick]]) -> tuple[float, float]:
        judged = before.copy()
        for course, more in zip(judges, picks, strict=True):
            judged[course.judges()] = course.judged(more)
        after, _ = asked_of_folds(
            problem, problem.asks, judged, temperature=main.temperature, domain_weight=weights
        )  # fmt: skip
        return change_of_values((after.values - start.values)[problem.asks])

    many = max(1, int(main.trains.sum()))
    sides = [Side(each.rank, each.take, each.taken, int(each.trains.sum()) / many, each.trains) for each in judges]
    steps = spend(
        Side(main.rank, main.take, main.taken), sides, Judgement(change), main.value, budget=budget, rounds=rounds,
        line_search=problem.rules.rounds == "line_search",
    )  # fmt: skip
    listed, after = accepted(steps, sides, accept_at=accept_at, before=start.value)
    products = main.products + sum(each.products for each in judges) + sum(each.products for each in heads.values())
    return Curation(
        listed, main.scores, start.value, after, products, parts, main.first_logits, main.answers, main.temperature
    )
