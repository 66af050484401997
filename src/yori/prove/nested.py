"""Who should ask for edits of a cell that holds a domain out: examples of the training domains, or each left out in turn?

Answered without the held-out domain: one more training domain is left out of everything, both ways choose edits on the others,
and heads refitted on either edited set predict it. The way under which the left-out domains are better off asks.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.curate import LEAST_FOLDS, Curation, curate, curate_out_of_fold, plausible_labels
from yori.curate.course import apply_picks
from yori.curate.parts import fit_head
from yori.curate.problem import FoldedProblem, Problem
from yori.heads import LINKS, Spectrum
from yori.labels import out_of_fold_logits
from yori.metrics import aurc
from yori.prove.baseline import Baseline, CellInput
from yori.prove.cell_curation import FOLDS, cross_folds, folded_problem, votes_of
from yori.prove.pooled_arms import picks_of
from yori.prove.tuning import outcomes, temperature_of
from yori.splits import group_folds
from yori.task import CurationRules

WAYS = ("training_domains", "nested_domains")
"""In the order of preference where both come out alike."""


def prefer(
    cell: CellInput,
    baseline: Baseline,
    pool: Float[np.ndarray, "pool d"],
    domains: Int[np.ndarray, " pool"],
    *,
    budget: int,
    objective: str,
    rules: CurationRules,
    rounds: int,
) -> dict[str, Any] | None:
    """Estimate both ways.

    Parameters
    ----------
    domains
        ``(pool,)`` number of the training domain of each example.

    Returns
    -------
    ``preferred``; for each way the mean change of AURC over left-out domains, its standard error and the worst; None if there
    are too few domains to leave out one more.
    """
    names = np.unique(domains)
    if len(names) <= LEAST_FOLDS:
        return None
    changes: dict[str, list[float]] = {way: [] for way in WAYS}
    for name in names.tolist():
        inside = domains != name
        for way in WAYS:
            changes[way].append(_change(cell, baseline, pool, domains, inside, way, budget, objective, rules, rounds))
    estimates = {
        way: {
            "mean_change": float(np.mean(found)),
            "standard_error": float(np.std(found, ddof=1) / np.sqrt(len(found))),
            "worst_change": float(np.max(found)),
        }
        for way, found in changes.items()
    }
    preferred = min(WAYS, key=lambda way: estimates[way]["mean_change"])
    return {"preferred": preferred, "left_out_domains": len(names), "metric": "aurc", **estimates}


def _change(
    cell: CellInput,
    baseline: Baseline,
    pool: Float[np.ndarray, "pool d"],
    domains: Int[np.ndarray, " pool"],
    inside: Bool[np.ndarray, " pool"],
    way: str,
    budget: int,
    objective: str,
    rules: CurationRules,
    rounds: int,
) -> float:
    """Change of AURC on the domain outside, when the others are edited as ``way`` asks."""
    whole = folded_problem(cell, baseline, pool, objective, rules, domains, worst=way == "nested_domains")
    trains = whole.trains & inside
    problem = _part(whole, inside, domains if way == "nested_domains" else cross_folds(cell))
    some = max(1, int(budget * trains.sum() / max(1, whole.trains.sum())))
    spectrum = Spectrum.of(problem.embeddings, exact=True)
    if way == "nested_domains" or rules.cross_fitted:
        draws = votes_of(cell, rules, problem.asks)
        found = curate_out_of_fold(problem, budget=some, rounds=rounds, spectrum=spectrum, draws=draws)
        changed = problem
    else:
        found, changed = _by_validation(cell, baseline, problem, some, rounds, rules), problem
    weight = np.where(changed.trains, changed.weight, 0.0)
    targets, kept = apply_picks(picks_of(found), changed.targets, weight)
    asked = ~inside & whole.asks
    values = []
    first = None
    for labels, share in ((changed.targets, weight), (targets, kept)):
        head = fit_head(
            changed.embeddings, labels, share, classes=cell.classes, l2=changed.l2, link=cell.link, spectrum=spectrum,
            start=first,
        )  # fmt: skip
        first = head.weight
        confidence, correct = outcomes(head.logits(pool[asked]), whole.asked_targets[asked])
        values.append(aurc(confidence, correct))
    return values[1] - values[0]


def _part(problem: FoldedProblem, rows: Bool[np.ndarray, " n"], folds: Int[np.ndarray, " n"]) -> FoldedProblem:
    """The problem on some of its examples."""
    names = ("embeddings", "targets", "asked_targets", "trains", "asks", "groups", "weight")
    some = {name: getattr(problem, name)[rows] for name in names}
    domains = None if problem.domains is None else problem.domains[rows]
    return dataclasses.replace(problem, **some, folds=folds[rows], domains=domains)


def _by_validation(
    cell: CellInput, baseline: Baseline, problem: FoldedProblem, budget: int, rounds: int, rules: CurationRules
) -> Curation:
    """Validation examples of the other domains ask heads that have heard these domains."""
    train, asks = np.flatnonzero(problem.trains), np.flatnonzero(problem.asks)
    x, y, groups = problem.embeddings[train], problem.targets[train], problem.groups[train]
    stratum = y.astype(np.int64) if y.ndim == 1 else y.argmax(axis=1)
    fold = group_folds(stratum, groups, min(FOLDS, len(np.unique(groups))), rng=cell.generator("nested", "folds"))
    logits = out_of_fold_logits(x, y, fold, classes=cell.classes, l2=problem.l2, link=cell.link, tolerance=1e-3)
    heat = temperature_of(logits, y)
    plausible = plausible_labels(x, y, groups, logits, temperature=heat) if cell.link == "softmax" else None
    answers = problem.asked_targets[asks]
    strata = answers.astype(np.int64) if answers.ndim == 1 else answers.argmax(axis=1)
    asking_groups = problem.groups[asks]
    judges = group_folds(
        strata, asking_groups, min(FOLDS, len(np.unique(asking_groups))), rng=cell.generator("nested", "judges")
    )
    asked = Problem(
        x, y, problem.embeddings[asks], answers, judges, cell.classes, problem.l2, baseline.facts["temperature"],
        problem.objective, cell.link, problem.weight[train],
        answers=LINKS[cell.link].probs(logits.astype(np.float64) / heat),
        domains=None if problem.domains is None else problem.domains[train], groups=groups, rules=rules,
    )  # fmt: skip
    draws = votes_of(cell, rules, np.ones(len(asks), dtype=np.bool_))
    found = curate(asked, budget=budget, plausible=plausible, rounds=rounds, draws=draws)
    return _at(found, train)


def _at(found: Curation, rows: Int[np.ndarray, " n"]) -> Curation:
    """The same edits, by position among all examples."""
    moved = tuple(
        dataclasses.replace(
            each,
            choices=tuple(dataclasses.replace(choice, position=int(rows[choice.position])) for choice in each.choices),
        )
        for each in found.rounds
    )
    return dataclasses.replace(found, rounds=moved)
