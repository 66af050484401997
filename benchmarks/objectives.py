"""Which objective should ask for edits? AURC after 1 to 5 % of drops on generated worlds, objective by objective.

``python -m benchmarks.objectives [--seeds N]``. Each world is a Gaussian mixture with flipped training labels, clean queries
and 2 000 clean test examples; `yori.curate.curate` chooses drops by the queries alone, its judges included. Figures are means
over worlds of the relative change against the unedited head, with standard errors.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.metrics import RESULTS, versions
from yori.curate import Problem, curate
from yori.heads import fit_softmax
from yori.metrics import aurc
from yori.synthetic import flip_labels, gaussian_mixture_embeddings

OBJECTIVES = ("aurc_soft", "brier", "nll", "robust_nll")
TEST = 2000


class World(NamedTuple):
    """Training and query examples, dimensions, classes, separation, share of flips, penalty, edits."""

    n: int
    queries: int
    dimensions: int
    classes: int
    separation: float
    flips: float
    l2: float
    budget: int


WORLDS = {
    "300 × 8": World(300, 240, 8, 4, 2.5, 0.06, 3e-3, 16),
    "600 × 64": World(600, 300, 64, 10, 4.0, 0.08, 3e-3, 12),
    "3 000 × 32": World(3000, 800, 32, 10, 3.0, 0.08, 1e-3, 30),
}


def changes(world: World, objective: str, seed: int) -> tuple[float, float, float]:
    """Relative change of AURC and of NLL on test, and the share of edits at a wrong label (NaN without edits)."""
    n, size = world.n, world.n + world.queries + TEST
    made = gaussian_mixture_embeddings(
        size, world.dimensions, world.classes, separation=world.separation, label_noise=0.0, rng=np.random.default_rng(seed)
    )  # fmt: skip
    x, truth = made.embeddings, made.true_labels
    given, wrong = flip_labels(truth[:n], world.flips, classes=world.classes, rng=np.random.default_rng(seed + 1))
    asking, test = slice(n, n + world.queries), slice(size - TEST, size)
    folds = np.arange(world.queries) % 5
    problem = Problem(x[:n], given, x[asking], truth[asking], folds, world.classes, world.l2, objective=objective)
    edited = [choice.position for _, choice in curate(problem, budget=world.budget).chosen]
    values = []
    for dropped in ([], edited):
        weight = np.ones(n)
        weight[dropped] = 0
        head = fit_softmax(x[:n], given, l2=world.l2, classes=world.classes, sample_weight=weight)
        probs = head.probs(x[test])
        right = probs[np.arange(TEST), truth[test]]
        values.append((aurc(probs.max(axis=1), probs.argmax(axis=1) == truth[test]), -np.log(right).mean()))
    (before, loss_before), (after, loss_after) = values
    return after / before - 1, loss_after / loss_before - 1, float(wrong[edited].mean()) if edited else np.nan


def main() -> None:
    """Measure every world and objective, print a table, write ``benchmarks/results/objectives.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for name, world in WORLDS.items():
        for objective in OBJECTIVES:
            values = np.array([changes(world, objective, seed) for seed in range(arguments.seeds)])
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            found.setdefault(name, {})[objective] = {
                "aurc": values[:, 0].mean(), "aurc_error": error[0], "nll": values[:, 1].mean(), "nll_error": error[1],
                "hits": float(np.nanmean(values[:, 2])),
            }  # fmt: skip
            print(name, objective, json.dumps(found[name][objective]), flush=True)
    made = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "seeds": arguments.seeds, "versions": versions()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "objectives.json").write_text(json.dumps({"made": made, "worlds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
