"""Whether the guarded label model ever loses to majority vote: 200 generated problems; next to Dawid–Skene and without guard.

``python -m benchmarks.weak_supervision [--quick] [--problems 200] [--seed 1000]``. A problem draws its number of classes
(2, 3, 5), rows (300, 1 000, 3 000) and functions (3, 5, 10, 20), the class balance, accuracies (some near chance),
coverages, and whether functions vote for any class or for one only; in every fourth problem some functions copy others.
Accuracy on the hidden classes, minus majority vote's. The guard was designed on seeds 1000 and 5000; other seeds are fresh.

Bars: guarded never below majority vote, and better on average.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.metrics import RESULTS, versions
from yori.labels import VoteMatrix, Votes, dawid_skene, label_model, majority_of_functions

KINDS = ("any class", "one class", "mixed")


def problem(seed: int) -> tuple[np.ndarray, VoteMatrix, dict[str, Any]]:
    """True classes, votes, and what was drawn."""
    rng = np.random.default_rng(seed)
    classes, rows = int(rng.choice([2, 2, 3, 5])), int(rng.choice([300, 1000, 3000]))
    functions = int(rng.choice([3, 5, 10, 20]))
    balance = rng.dirichlet(np.full(classes, rng.choice([2.0, 10.0])))
    kind = KINDS[int(rng.integers(3))]
    copies = bool(rng.random() < 0.25)
    low, high = [(0.55, 0.75), (0.6, 0.95), (0.4, 0.9)][int(rng.integers(3))]
    coverage = (0.1, 0.5) if rng.random() < 0.5 else (0.4, 1.0)
    truth = rng.choice(classes, rows, p=balance)
    votes = np.full((rows, functions), -1)
    for j in range(functions):
        accuracy, covered = rng.uniform(low, high), rng.uniform(*coverage)
        if kind == "one class" or (kind == "mixed" and rng.random() < 0.5):
            k = int(rng.integers(classes))
            inside = min(1.0, covered * accuracy / max(balance[k], 0.05))
            outside = min(1.0, covered * (1 - accuracy) / max(1 - balance[k], 0.05))
            votes[:, j] = np.where(rng.random(rows) < np.where(truth == k, inside, outside), k, -1)
        else:
            wrong = (truth + rng.integers(1, classes, rows)) % classes
            answer = np.where(rng.random(rows) < accuracy, truth, wrong)
            votes[:, j] = np.where(rng.random(rows) < covered, answer, -1)
        if copies and j and rng.random() < 0.3:
            votes[:, j] = np.where(rng.random(rows) < 0.9, votes[:, int(rng.integers(j))], votes[:, j])
    matrix = VoteMatrix(votes, tuple(f"f{j}" for j in range(functions)), tuple(map(str, range(classes))))
    drawn = {"classes": classes, "rows": rows, "functions": functions, "kind": kind, "copies": copies}
    return truth, matrix, drawn


def by_dawid_skene(matrix: VoteMatrix) -> np.ndarray:
    """Functions as annotators, abstaining as no answer."""
    row, column = np.nonzero(matrix.votes >= 0)
    votes = Votes(row, column, matrix.votes[row, column], len(matrix.votes), len(matrix.names), len(matrix.classes))
    return dawid_skene(votes).labels


def solve(seed: int) -> dict[str, Any] | None:
    """Accuracies on one problem; None where no function votes."""
    truth, matrix, drawn = problem(seed)
    if not (matrix.votes >= 0).any():
        return None
    found = label_model(matrix, rng=np.random.default_rng(0))
    labels = {
        "majority": majority_of_functions(matrix).argmax(axis=1),
        "guarded": found.labels,
        "unguarded": found.model_probs.argmax(axis=1),
        "dawid_skene": by_dawid_skene(matrix),
    }
    accuracy = {name: float((answer == truth).mean()) for name, answer in labels.items()}
    return {**drawn, "seed": seed, "accuracy": accuracy, "kept": found.kept, "reason": found.reason}


def summary(problems: list[dict[str, Any]]) -> dict[str, Any]:
    """Differences to majority vote."""
    plain = np.array([each["accuracy"]["majority"] for each in problems])
    table: dict[str, Any] = {"problems": len(problems), "kept": sum(each["kept"] for each in problems)}
    for name in ("guarded", "unguarded", "dawid_skene"):
        gain = np.array([each["accuracy"][name] for each in problems]) - plain
        table[name] = {
            "mean gain": float(gain.mean()), "lowest": float(gain.min()), "below majority": int((gain < 0).sum()),
            "above majority": int((gain > 0).sum()),
        }  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 problems")
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{datetime.now(UTC).date()}-weak-supervision{'-quick' if args.quick else ''}.json"
    report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    report |= {"versions": versions(), "load": os.getloadavg()[0]}
    seeds = range(args.seed, args.seed + (20 if args.quick else args.problems))
    solved = [each for each in (solve(seed) for seed in seeds) if each is not None]
    lost = [each for each in solved if each["accuracy"]["guarded"] < each["accuracy"]["majority"]]
    report[f"seeds from {args.seed}"] = {"summary": summary(solved), "below majority vote": lost}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary(solved), indent=1))
    for each in lost:
        print("below majority vote:", each)
    print(path)


if __name__ == "__main__":
    main()
