"""How often does the gate of the flywheel promote a candidate that is not better, and one that is?

Run it with ``python -m benchmarks.gate [--sequences 500]``. Test examples are drawn from a Gaussian mixture in 32 dimensions
with 3 % wrong labels; two heads answer them. *No gain*: before every look the two answers of each example change places by
chance, so that neither head is better, whatever the numbers are. *Gain*: the candidate was trained on ten times as many
examples. The test set grows by as many examples before every look, each look tests at `yori.statistics.looks.look_error`, and
a sequence counts once one of its looks says *improved*. Bar: without a gain at most 5 % of the sequences, with ten looks.

``one side`` is what would come of spending all of the error on the side that promotes: the gate does not do that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import yori
from yori.flywheel.gate import ERROR
from yori.heads import fit_softmax
from yori.metrics import max_softmax
from yori.statistics import Predictions, compare
from yori.statistics.looks import look_error
from yori.synthetic import gaussian_mixture_embeddings

RESULTS = Path(__file__).parent / "results"
METRICS = ("aurc", "augrc")
STEPS = (30, 50, 100)
LOOKS = 10

Arm = tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]


def arms(rng: np.random.Generator) -> tuple[Arm, Arm]:
    """Confidence and correctness of the serving head and of a better one on 6 000 examples."""
    data = gaussian_mixture_embeddings(8000, 32, 5, separation=3.0, label_noise=0.03, rng=rng)
    found = []
    for size in (100, 1000):
        head = fit_softmax(data.embeddings[:size], data.labels[:size], l2=0.02)
        wide = np.concatenate([data.embeddings[2000:], np.ones((6000, 1), dtype=np.float32)], axis=1)
        logits = wide @ head.weight.T
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        found.append((max_softmax(probs), probs.argmax(axis=1) == data.labels[2000:]))
    return found[0], found[1]


def sequence(before: Arm, after: Arm, metric: str, step: int, *, swap: bool, rng: np.random.Generator) -> np.ndarray:
    """First look (from 1) that promotes: with both sides of the interval kept, and with one; 0 for none."""
    order, first = rng.permutation(len(before[0])), np.zeros(2, dtype=np.int64)
    for look in range(1, LOOKS + 1):
        rows = order[: look * step]
        swapped = (rng.random(len(rows)) < 0.5) if swap else np.zeros(len(rows), dtype=np.bool_)
        old, new = (
            Predictions(
                np.arange(len(rows)),
                confidence=np.where(turned, after[0][rows], before[0][rows]),
                correct=np.where(turned, after[1][rows], before[1][rows]),
            )
            for turned in (swapped, ~swapped)
        )
        for place, sides in enumerate((1, 2)):
            if not first[place]:
                level = 1 - sides * look_error(look, error=ERROR)
                first[place] = look * (compare(old, new, metric=metric, level=level, rng=rng).high < 0)
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    before, after = arms(rng)
    rows: list[dict[str, Any]] = []
    for metric in METRICS:
        for step in STEPS:
            for swap in (True, False):
                count = args.sequences if swap else max(100, args.sequences // 5)
                found = np.array([sequence(before, after, metric, step, swap=swap, rng=rng) for _ in range(count)])
                passed = {looks: ((found > 0) & (found <= looks)).mean(axis=0).tolist() for looks in (1, 3, LOOKS)}
                rows.append({
                    "metric": metric, "examples per look": step, "gain": not swap, "sequences": count,
                    "promoted within looks": {str(looks): both for looks, (both, _) in passed.items()},
                    "one side": {str(looks): one for looks, (_, one) in passed.items()},
                })  # fmt: skip
                print(json.dumps(rows[-1]), flush=True)
    report = {
        "what": "how often a gate promotes, without and with a gain",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "yori": yori.__version__, "numpy": np.__version__},
        "cores": os.cpu_count(),
        "errors": {"serving": float((~before[1]).mean()), "candidate": float((~after[1]).mean())},
        "rows": rows,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "gate.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
