"""Every arm of one cell besides *before*: the edits, the controls at the same budget, all trained by the same recipe.

Runs in a worker process that is given training and validation examples only: no test example can reach it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.attribution.influence import influence_of_solution
from yori.attribution.objectives import query
from yori.curate import Curation, Problem, curate, plausible_labels
from yori.curate.rounds import ROUNDS
from yori.heads import LINKS, Curvature, Spectrum, train_head
from yori.heads.curvature import logits_of
from yori.heads.flops import product_flops
from yori.labels import label_error_order
from yori.prove.baseline import TRAIN_AND_VALIDATION, Baseline, CellInput, read_stage, write_stage
from yori.splits import group_folds
from yori.store import Project, content_key

VERSION = 2
JUDGES = 5
RESAMPLES = 4

AFTER = "after"
RANDOM = "control:random"
CONFIDENT_LEARNING = "control:confident_learning"
HIGHEST_LOSS = "control:highest_loss"
ORACLE = "oracle"
ARMS = ("before", AFTER, RANDOM, CONFIDENT_LEARNING, HIGHEST_LOSS, TRAIN_AND_VALIDATION, ORACLE)
"""All arms a proof may hold, in the order of its tables; ``oracle`` only where truth is known."""


@dataclass(frozen=True)
class ArmsInput:
    """A cell, its baseline, and what curation is asked for."""

    cell: CellInput
    baseline: str
    budget: float
    objective: str
    rounds: int = ROUNDS

    def key(self) -> str:
        """Content key of `make_arms`."""
        return content_key(
            stage="arms", version=VERSION, baseline=self.baseline, budget=self.budget, objective=self.objective,
            rounds=self.rounds, truth=self.cell.truth,
        )  # fmt: skip

    @property
    def edits(self) -> int:
        """Largest number of edits."""
        return int(np.floor(self.budget * self.cell.n_train + 1e-9))


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
    spectrum = Spectrum.of(pool[:n])
    problem = _problem(task, baseline, pool)
    plausible = None
    if cell.link == "softmax":
        plausible = plausible_labels(
            pool[:n], cell.targets[:n], cell.groups[:n], baseline.arrays["out_of_fold"],
            temperature=baseline.facts["out_of_fold_temperature"],
        )  # fmt: skip
    found = curate(problem, budget=task.edits, plausible=plausible, rounds=task.rounds, spectrum=spectrum)
    arrays: dict[str, np.ndarray] = {"scores": found.scores}
    validation = pool[n:]
    arrays[f"validation:{TRAIN_AND_VALIDATION}"] = _logits(baseline.arrays[TRAIN_AND_VALIDATION], validation)
    for arm, (weight, targets) in _arms(task, baseline, found).items():
        head, _ = train_head(
            pool, targets, np.flatnonzero(weight[:n] > 0), classes=cell.classes, recipe=baseline.recipe,
            spectrum=spectrum, rng=cell.generator("training"), sample_weight=weight,
        )  # fmt: skip
        arrays[arm] = head.weight
        arrays[f"validation:{arm}"] = head.logits(validation).astype(np.float32)
    others, products = _other_choices(cell, problem, baseline, spectrum)
    arrays.update(others)
    product = product_flops(rows=n, dimensions=pool.shape[1], classes=cell.classes)
    facts = {
        "protocol": cell.protocol,
        "seed": cell.seed,
        "budget": task.edits,
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
                "round": number,
                "new": choice.new_label,
                "effect": choice.effect,
                "agreement": choice.agreement,
                "out_of_fold": _out_of_fold_view(cell, baseline, choice.position),
            }
            for number, choice in found.chosen
        ],
        "objective": task.objective,
        "objective_before": found.objective_before,
        "objective_after": found.objective_after,
        "flops_curation": (found.products + products) * product,
    }
    write_stage(project, key, arrays, facts)
    return key


def _logits(weight: Float[np.ndarray, "c d1"], embeddings: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m c"]:
    return logits_of(embeddings, weight).astype(np.float32)


def _out_of_fold_view(cell: CellInput, baseline: Baseline, position: int) -> list[float]:
    """What heads that never saw the example's group say: ``(c,)`` probabilities, rounded for the report."""
    logits = baseline.arrays["out_of_fold"][position : position + 1] / baseline.facts["out_of_fold_temperature"]
    return [round(float(each), 4) for each in LINKS[cell.link].probs(logits.astype(np.float64))[0]]


def _problem(task: ArmsInput, baseline: Baseline, pool: Float[np.ndarray, "pool d"]) -> Problem:
    cell, n = task.cell, task.cell.n_train
    strata = cell.targets[n:].astype(np.int64) if cell.targets.ndim == 1 else cell.targets[n:].argmax(axis=1)
    groups = cell.groups[n:]
    judges = min(JUDGES, len(np.unique(groups)))
    return Problem(
        embeddings=pool[:n],
        targets=cell.targets[:n],
        query_embeddings=pool[n:],
        query_targets=cell.targets[n:],
        query_folds=group_folds(strata, groups, judges, rng=cell.generator("judges")),
        classes=cell.classes,
        l2=baseline.facts["l2"],
        temperature=baseline.facts["temperature"],
        objective=task.objective,
        link=cell.link,
        weight=cell.weight[:n],
    )


def _arms(
    task: ArmsInput, baseline: Baseline, found: Curation
) -> dict[str, tuple[Float[np.ndarray, " pool"], Num[np.ndarray, "pool ..."]]]:
    """Weight (0 = dropped) and label of every example of the pool, for each arm."""
    cell, n, size = task.cell, task.cell.n_train, task.edits
    targets = cell.targets[:n]
    after_weight, after_targets = cell.weight.copy(), cell.targets.copy()
    for _, choice in found.chosen:
        if choice.new_label is None:
            after_weight[choice.position] = 0
        else:
            after_targets[choice.position] = choice.new_label
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
