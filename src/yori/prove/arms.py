"""Every arm of one cell besides *before*: the edits, the controls at the same budget, all trained by the same recipe.

Runs in a worker process that is given training and validation examples only: no test example can reach it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, Num

from yori.attribution.influence import influence_of_solution
from yori.attribution.objectives import query
from yori.curate import Curation, Problem
from yori.curate.course import apply_picks
from yori.curate.parts import effects_of
from yori.curate.rounds import ROUNDS
from yori.heads import LINKS, Curvature, Spectrum, train_head
from yori.heads.curvature import logits_of
from yori.heads.flops import product_flops
from yori.labels import label_error_order
from yori.prove.arm_names import (
    AFTER,
    CONFIDENT_LEARNING,
    HIGHEST_LOSS,
    ORACLE,
    RANDOM,
    TRAIN_AND_VALIDATION,
)
from yori.prove.baseline import Baseline, CellInput, read_stage, write_stage
from yori.prove.cell_curation import Curated, curate_cell, explain_edits, pool_targets, validation_problem
from yori.prove.pooled_arms import OutOfFold, picks_of, pooled_arms
from yori.store import Project, content_key
from yori.task import CurationRules

__all__ = [
    "AFTER",
    "CONFIDENT_LEARNING",
    "HIGHEST_LOSS",
    "ORACLE",
    "RANDOM",
    "ArmsInput",
    "make_arms",
]

VERSION = 3
RESAMPLES = 4


@dataclass(frozen=True)
class ArmsInput:
    """A cell, its baseline, and what curation is asked for."""

    cell: CellInput
    baseline: str
    budget: float
    objective: str
    rounds: int = ROUNDS
    rules: CurationRules = field(default_factory=CurationRules)

    def key(self) -> str:
        """Content key of `make_arms`."""
        return content_key(
            stage="arms", version=VERSION, baseline=self.baseline, budget=self.budget, objective=self.objective,
            rounds=self.rounds, truth=self.cell.truth, rules=dataclasses.asdict(self.rules),
        )  # fmt: skip

    @property
    def edits(self) -> int:
        """Largest number of edits: a share of the examples that may be edited."""
        editable = len(self.cell.rows) if self.rules.cross_fitted else self.cell.n_train
        return int(np.floor(self.budget * editable + 1e-9))


def make_arms(task: ArmsInput) -> str:
    """Curate, train every arm, measure how stable the choice is. Returns the key."""
    key = task.key()
    cell = task.cell
    project = Project(cell.project)
    if project.has_stage("runs", key):
        return key
    baseline = read_stage(project, task.baseline)
    pool = cell.vectors()
    n = cell.n_train
    spectrum = Spectrum.of(pool[:n], exact=True)
    curated = curate_cell(
        cell, baseline, pool, spectrum, budget=task.edits, objective=task.objective, rules=task.rules,
        rounds=task.rounds,
    )  # fmt: skip
    found = curated.found
    pooled = task.rules.cross_fitted
    arrays: dict[str, np.ndarray] = {"scores": found.scores if pooled else found.scores[:n]}
    validation = pool[n:]
    unseen = OutOfFold(cell, baseline, pool, spectrum) if pooled else None
    wanted = pooled_arms(cell, baseline, found, pool, task.edits) if pooled else _arms(task, baseline, found)
    if unseen is None:
        arrays[f"validation:{TRAIN_AND_VALIDATION}"] = _logits(baseline.arrays[TRAIN_AND_VALIDATION], validation)
    else:
        unedited = (cell.weight, pool_targets(cell))
        arrays[f"validation:{TRAIN_AND_VALIDATION}"] = unseen.validation_logits(*unedited)
    for arm, (weight, targets) in wanted.items():
        rows = np.flatnonzero((weight if pooled else weight[:n]) > 0)
        head, _ = train_head(
            pool, targets, rows, classes=cell.classes, recipe=baseline.recipe,
            spectrum=spectrum, rng=cell.generator("training"), sample_weight=weight,
        )  # fmt: skip
        arrays[arm] = head.weight
        arrays[f"validation:{arm}"] = (
            head.logits(validation).astype(np.float32) if unseen is None else unseen.validation_logits(weight, targets)
        )
    if found.out_of_fold is None:
        problem = validation_problem(cell, baseline, pool, task.objective, task.rules)
        others, products = _other_choices(cell, problem, baseline, spectrum)
    else:
        others, products = _other_queries(task, curated, baseline, spectrum)
    arrays.update(others)
    product = product_flops(rows=len(curated.targets), dimensions=pool.shape[1], classes=cell.classes)
    why = explain_edits(
        curated, [choice for _, choice in found.chosen], l2=baseline.facts["l2"], link=cell.link, spectrum=spectrum
    )
    facts = {
        "protocol": cell.protocol,
        "seed": cell.seed,
        "budget": task.edits,
        "curation": dict(curated.facts),
        "rounds": [
            {
                "number": each.number,
                "accepted": each.accepted,
                "held_out_change": each.held_out_change,
                "held_out_error": each.held_out_error,
                "edits": len(each.choices),
            }
            for each in found.rounds
        ],
        "edits": [
            {
                "example_id": str(cell.ids[choice.position]),
                "action": choice.action,
                "round": number,
                "new": choice.new_label,
                "effect": choice.effect,
                "agreement": choice.agreement,
                "out_of_fold": [round(float(each), 4) for each in curated.views[choice.position]],
                **why.get(choice.position, {}),
            }
            for number, choice in found.chosen
        ],
        "objective": task.objective,
        "objective_before": found.objective_before,
        "objective_after": found.objective_after,
        "flops_curation": (found.products + products + (0 if unseen is None else unseen.products)) * product,
    }
    write_stage(project, key, arrays, facts)
    return key


def _logits(weight: Float[np.ndarray, "c d1"], embeddings: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m c"]:
    return logits_of(embeddings, weight).astype(np.float32)


def _arms(
    task: ArmsInput, baseline: Baseline, found: Curation
) -> dict[str, tuple[Float[np.ndarray, " pool"], Num[np.ndarray, "pool ..."]]]:
    """Weight (0 = dropped) and label of every example of the pool, for each arm."""
    cell, n, size = task.cell, task.cell.n_train, task.edits
    targets = cell.targets[:n]
    after_targets, after_weight = apply_picks(picks_of(found), cell.targets, cell.weight)
    link = LINKS[cell.link]
    out_of_fold = baseline.arrays["out_of_fold"].astype(np.float64)
    if cell.link == "softmax":
        probs = link.probs(out_of_fold)
        suspicious = label_error_order(probs, targets)
    else:  # the least likely label sets first
        suspicious = np.argsort(-link.losses(out_of_fold, targets), kind="stable")
    loss = link.losses(baseline.arrays["training:before"].astype(np.float64), targets)
    arms = {
        AFTER: (after_weight, after_targets),
        RANDOM: _dropped(cell, cell.generator("random control").permutation(n)[:size]),
        CONFIDENT_LEARNING: _dropped(cell, suspicious[:size]),
        HIGHEST_LOSS: _dropped(cell, np.argsort(-loss, kind="stable")[:size]),
    }
    differs = targets != cell.truth if targets.ndim == 1 else (targets != cell.truth).any(axis=1)
    wrong = np.flatnonzero(differs)
    if len(wrong):
        # The best an editor with perfect knowledge of labels could do first: of the wrong ones, the costliest.
        chosen = wrong[np.argsort(-loss[wrong], kind="stable")][:size]
        corrected = cell.targets.copy()
        corrected[chosen] = cell.truth[chosen]
        arms[ORACLE] = (cell.weight, corrected)
    return arms


def _dropped(
    cell: CellInput, positions: Int[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, " pool"], Num[np.ndarray, "pool ..."]]:
    weight = cell.weight.copy()
    weight[positions] = 0
    return weight, cell.targets


def _other_choices(
    cell: CellInput, problem: Problem, baseline: Baseline, spectrum: Spectrum
) -> tuple[dict[str, np.ndarray], int]:
    """First-order drop scores ``(n,)`` at earlier checkpoints and for resampled validation sets: is the choice stable?"""
    scores: dict[str, np.ndarray] = {}
    products = 0
    rng = cell.generator("resamples")
    share = (problem.weight / problem.weight.sum()).astype(problem.embeddings.dtype)
    names = sorted((name for name in baseline.arrays if name.startswith("checkpoint:")), key=lambda x: int(x[11:]))
    for name in names:
        weight = baseline.arrays[name]
        probs = LINKS[cell.link].probs(logits_of(problem.embeddings, weight))
        curvature = Curvature(problem.embeddings, probs, share, l2=problem.l2, link=cell.link, spectrum=spectrum)
        asked = query(
            problem.objective, problem.query_embeddings, problem.query_targets, weight,
            link=cell.link, temperature=problem.temperature,
        )  # fmt: skip
        draws: dict[str, Float[np.ndarray, " m"] | None] = {name: None}
        if name == names[-1]:
            m = len(problem.query_embeddings)
            for number in range(RESAMPLES):
                draws[f"resample:{number}"] = rng.multinomial(m, np.full(m, 1 / m)).astype(np.float64)
        for label, draw in draws.items():
            solution = curvature.solve(asked.gradient(draw), tolerance=1e-2, strict=False)
            found = influence_of_solution(curvature, problem.targets, asked.value, solution, leverage=False)
            scores[label] = found.scores
        products += curvature.products
    return scores, products


def _other_queries(
    task: ArmsInput, curated: Curated, baseline: Baseline, spectrum: Spectrum
) -> tuple[dict[str, np.ndarray], int]:
    """First-order drop scores for resampled query examples, where they ask out of fold."""
    cell = task.cell
    m, products = len(cell.ids), 0
    rng = cell.generator("resamples")
    scores: dict[str, np.ndarray] = {}
    for number in range(RESAMPLES):
        draw = rng.multinomial(m, np.full(m, 1 / m)).astype(np.float64)
        effects, spent = effects_of(
            curated.found.parts, curated.embeddings, curated.targets, l2=float(baseline.facts["l2"]), link=cell.link,
            spectrum=spectrum, draw=draw,
        )  # fmt: skip
        scores[f"resample:{number}"] = effects.drop if task.rules.cross_fitted else effects.drop[: cell.n_train]
        products += spent
    return scores, products
