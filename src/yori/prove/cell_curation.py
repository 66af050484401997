"""Choose the edits of one cell: by whom the task lets it be asked, and why each.

``validation``: validation examples ask, training examples are edited. ``cross_fitted``: every example of the cell outside test
asks out of fold. For leave-one-domain-out the queries may come from each training domain in turn, left out of the head they
ask; ``choose`` compares both by leaving out one more domain (nested.py).

Runs in a worker process that is given training and validation examples only: no test example can reach it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num

from yori.curate import (
    LEAST_FOLDS,
    Choice,
    Curation,
    FoldedProblem,
    Problem,
    curate,
    curate_out_of_fold,
    plausible_labels,
)
from yori.curate.course import RESAMPLES as VOTING
from yori.curate.explanation import effects_on_queries
from yori.heads import LINKS, Spectrum
from yori.prove.baseline import Baseline, CellInput
from yori.splits import group_folds
from yori.task import CurationRules

JUDGES = 5
FOLDS = 5
"""Of a cross-fitted cell."""

MOST_EXPLAINED = 50
"""Edits of a cell that are explained, the largest gains first: each costs a solve for every fold."""

EXPLAINED_BY = 6
"""Query examples kept for each edit and direction; the report shows three."""


@dataclass(frozen=True)
class Curated:
    """``found``: what curation chose, positions in the cell's pool (training examples first). ``views (n, c)``: out-of-fold
    probabilities of every example that could be edited. ``facts``: how it was asked. ``queries``: ids of the query examples.
    """

    found: Curation
    views: Float[np.ndarray, "n c"]
    queries: np.ndarray
    targets: Num[np.ndarray, "n ..."]
    embeddings: Float[np.ndarray, "n d"]
    facts: Mapping[str, Any]


def pool_targets(cell: CellInput) -> Num[np.ndarray, "pool ..."]:
    """Labels to train on: those given, of validation examples too."""
    targets = cell.targets.copy()
    targets[cell.n_train :] = cell.validation_given
    return targets


def strata_of_pool(cell: CellInput) -> Int[np.ndarray, " pool"]:
    """Class of every example of the pool, for dealing folds."""
    return cell.targets.astype(np.int64) if cell.targets.ndim == 1 else cell.targets.argmax(axis=1)


def domain_numbers(cell: CellInput) -> Int[np.ndarray, " pool"] | None:
    """Domain of every example of the pool as a number."""
    return None if cell.domains is None else np.unique(cell.domains.astype(str), return_inverse=True)[1]


def nested_folds(cell: CellInput, rules: CurationRules) -> Int[np.ndarray, " pool"] | None:
    """Training domains as folds; None where the cell has too few, or a group or a question that spoils them."""
    numbers = domain_numbers(cell)
    if numbers is None or not cell.protocol.startswith("lodo"):
        return None
    asking = numbers if rules.cross_fitted else numbers[cell.n_train :]
    crossing = any(len(np.unique(numbers[cell.groups == group])) > 1 for group in np.unique(cell.groups))
    enough = len(np.unique(numbers)) >= LEAST_FOLDS and len(np.unique(asking)) == len(np.unique(numbers))
    return numbers if enough and not crossing else None


def cross_folds(cell: CellInput) -> Int[np.ndarray, " pool"]:
    """Folds of the groups of the pool."""
    parts = min(FOLDS, len(np.unique(cell.groups)))
    return group_folds(strata_of_pool(cell), cell.groups, parts, rng=cell.generator("cross fitting"))


def folded_problem(
    cell: CellInput,
    baseline: Baseline,
    pool: Float[np.ndarray, "pool d"],
    objective: str,
    rules: CurationRules,
    folds: Int[np.ndarray, " pool"],
    *,
    worst: bool,
) -> FoldedProblem:
    """The cell with examples that ask out of fold."""
    everyone = np.ones(len(pool), dtype=np.bool_)
    training = np.arange(len(pool)) < cell.n_train
    return FoldedProblem(
        embeddings=pool,
        targets=pool_targets(cell),
        asked_targets=cell.targets,
        folds=folds,
        trains=everyone if rules.cross_fitted else training,
        asks=everyone if rules.cross_fitted else ~training,
        groups=cell.groups,
        classes=cell.classes,
        l2=baseline.facts["l2"],
        objective=objective,
        link=cell.link,
        worst=worst,
        weight=cell.weight,
        domains=domain_numbers(cell),
        rules=rules,
    )


def validation_problem(
    cell: CellInput, baseline: Baseline, pool: Float[np.ndarray, "pool d"], objective: str, rules: CurationRules
) -> Problem:
    """The cell with validation asking."""
    n = cell.n_train
    groups = cell.groups[n:]
    judges = min(JUDGES, len(np.unique(groups)))
    domains = domain_numbers(cell)
    return Problem(
        embeddings=pool[:n],
        targets=cell.targets[:n],
        query_embeddings=pool[n:],
        query_targets=cell.targets[n:],
        query_folds=group_folds(strata_of_pool(cell)[n:], groups, judges, rng=cell.generator("judges")),
        classes=cell.classes,
        l2=baseline.facts["l2"],
        temperature=baseline.facts["temperature"],
        objective=objective,
        link=cell.link,
        weight=cell.weight[:n],
        answers=training_views(cell, baseline),
        domains=None if domains is None else domains[:n],
        groups=cell.groups[:n],
        rules=rules,
    )


def training_views(cell: CellInput, baseline: Baseline) -> Float[np.ndarray, "n c"]:
    """Out-of-fold probabilities of the training examples, by heads that saw training examples only."""
    logits = baseline.arrays["out_of_fold"].astype(np.float64) / baseline.facts["out_of_fold_temperature"]
    return LINKS[cell.link].probs(logits)


def votes_of(cell: CellInput, rules: CurationRules, asks: np.ndarray) -> Float[np.ndarray, "k m"] | None:
    """Bootstrap weightings of the query examples, for a consensus."""
    if rules.consensus <= 0:
        return None
    draws = np.zeros((VOTING, len(asks)))
    many = int(asks.sum())
    draws[:, asks] = cell.generator("consensus").multinomial(many, np.full(many, 1 / many), size=VOTING)
    return draws


def curate_cell(
    cell: CellInput,
    baseline: Baseline,
    pool: Float[np.ndarray, "pool d"],
    spectrum: Spectrum,
    *,
    budget: int,
    objective: str,
    rules: CurationRules,
    rounds: int,
) -> Curated:
    """Choose at most ``budget`` edits of a cell.

    Parameters
    ----------
    pool
        Embeddings of training examples, then of validation examples.
    spectrum
        Of the training examples.
    rounds
        Parts the budget is spent in.
    """
    from yori.prove.nested import prefer

    n = cell.n_train
    domains = nested_folds(cell, rules) if rules.queries != "training_domains" else None
    facts: dict[str, Any] = {"mode": rules.mode, "queries": "training_domains", "estimates": None}
    nested = domains is not None and rules.queries == "nested_domains"
    if domains is not None and rules.queries == "choose":
        facts["estimates"] = prefer(cell, baseline, pool, domains, budget=budget, objective=objective, rules=rules,
                                    rounds=rounds)  # fmt: skip
        nested = facts["estimates"] is not None and facts["estimates"]["preferred"] == "nested_domains"
    if nested:
        facts["queries"] = "nested_domains"
    if not (nested or rules.cross_fitted):
        problem = validation_problem(cell, baseline, pool, objective, rules)
        plausible = None
        if cell.link == "softmax":
            plausible = plausible_labels(
                pool[:n], cell.targets[:n], cell.groups[:n], baseline.arrays["out_of_fold"],
                temperature=baseline.facts["out_of_fold_temperature"],
            )  # fmt: skip
        found = curate(
            problem, budget=budget, plausible=plausible, rounds=rounds, spectrum=spectrum,
            draws=votes_of(cell, rules, np.ones(len(pool) - n, dtype=np.bool_)),
        )  # fmt: skip
        return Curated(found, training_views(cell, baseline), cell.ids[n:], cell.targets[:n], pool[:n], facts)
    folds = domains if nested and domains is not None else cross_folds(cell)
    if len(np.unique(folds)) < LEAST_FOLDS:
        # Too few groups for folds that can judge each other: nothing can be judged, so nothing is edited.
        nothing = Curation((), np.zeros(len(pool)), 0.0, 0.0, 0)
        return Curated(nothing, np.zeros((len(pool), cell.classes)), cell.ids, pool_targets(cell), pool, facts)
    folded = folded_problem(cell, baseline, pool, objective, rules, folds, worst=nested)
    found = curate_out_of_fold(
        folded, budget=budget, rounds=rounds, spectrum=spectrum, draws=votes_of(cell, rules, folded.asks)
    )
    views = np.zeros((len(pool), cell.classes)) if found.answers is None else found.answers
    return Curated(found, views, cell.ids, folded.targets, pool, {**facts, "folds": len(np.unique(folds))})


def explain_edits(
    curated: Curated, choices: Sequence[Choice], *, l2: float, link: str, spectrum: Spectrum
) -> dict[int, dict[str, list[list[Any]]]]:
    """For each edited position the query examples it ``helps`` and ``hurts`` most: ``[example id, effect]``, largest first."""
    largest = sorted(choices, key=lambda choice: choice.effect)[:MOST_EXPLAINED]
    effects = effects_on_queries(
        largest, curated.found.parts, curated.embeddings, curated.targets, queries=len(curated.queries), l2=l2, link=link,
        spectrum=spectrum, answers=curated.views,
    )  # fmt: skip
    said = {}
    for choice, row in zip(largest, effects, strict=True):
        order = np.argsort(row, kind="stable")
        said[choice.position] = {
            "helps": [[str(curated.queries[j]), float(row[j])] for j in order[:EXPLAINED_BY] if row[j] < 0],
            "hurts": [[str(curated.queries[j]), float(row[j])] for j in order[::-1][:EXPLAINED_BY] if row[j] > 0],
        }
    return said
