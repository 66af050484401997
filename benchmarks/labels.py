"""How well wrong labels are found on spoken digits, next to self-confidence and every score of cleanlab; time and memory.

``python -m benchmarks.labels [--quick] [--embeddings FILE.npz] [--only cells speed]``; recordings through ``YORI_TEST_DATA``.

cells   Free Spoken Digits, 8 % and 20 % of the labels flipped: uniformly, to one other class, by half of the speakers; 5
        seeds. Average precision and precision in the top 1 %. All scores of probabilities get the same out-of-fold
        probabilities, twice: those of one draw of folds, and the mean of the draws that the combined score uses.
speed   1 000 000 × 10 and 100 000 × 1000 probabilities: seconds and memory above the input, each in a process of its own.

Bars: the combined score is at least as good as self-confidence and as every score of cleanlab in every cell; time at most
cleanlab's, memory at 1000 classes at most a tenth. Embeddings are made once by yori's own default backbone; finished cells
are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.metrics import RESULTS, versions

DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
KINDS = ("uniform", "pair", "domain")
RATES = (0.08, 0.2)
SIZES = ((1_000_000, 10), (100_000, 1000))

SPEED = """
import sys, time
import numpy as np
which, n, c = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
probs = rng.random((n, c))
for start in range(0, n, 10_000):
    probs[start : start + 10_000] **= 8
    probs[start : start + 10_000] /= probs[start : start + 10_000].sum(axis=1, keepdims=True)
labels = probs.argmax(axis=1)
wrong = rng.random(n) < 0.1
labels[wrong] = rng.integers(0, c, wrong.sum())
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from yori.labels import join_witnesses, label_error_order, self_confidence
work = {
    "yori: flags and order": lambda: label_error_order(probs, labels),
    "yori: self_confidence": lambda: self_confidence(probs, labels),
    "yori: combined rule": lambda: join_witnesses(probs, labels),
    "cleanlab: flags and order": lambda: find_label_issues(labels, probs, return_indices_ranked_by="self_confidence"),
    "cleanlab: flags and order, n_jobs=1": lambda: find_label_issues(
        labels, probs, return_indices_ranked_by="self_confidence", n_jobs=1),
    "cleanlab: normalized_margin": lambda: get_label_quality_scores(labels, probs, method="normalized_margin"),
}[which]
def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key))
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
started = time.perf_counter()
work()
print(time.perf_counter() - started, max(0.0, status("VmHWM") - before))
"""
"""Linux only: the high-water mark of memory is reset before the work."""

PAIRS = {
    "yori: flags and order": "cleanlab: flags and order",
    "yori: self_confidence": "cleanlab: normalized_margin",
    "yori: combined rule": "cleanlab: flags and order",
}


def digits(kept: Path | None) -> dict[str, np.ndarray]:
    """Embeddings, labels and speakers of the spoken digits, by the default backbone on all clips, without labels."""
    if kept is not None and kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            return {name: file[name] for name in ("x", "label", "domain")}
    from yori.backbones import EmbeddingJob, embed
    from yori.store import Project

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "digits"
        subprocess.run(
            [sys.executable, "-m", "yori.cli.main", "init", str(folder), "--layout", "pattern", "--from",
             str(DATA / "fsdd" / "recordings"), "--pattern", "{label}_{domain}_{index}.wav"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        project = Project(folder)
        examples = project.examples()
        every = np.arange(len(examples))
        job = [EmbeddingJob(every, 0)]
        shards = embed(project, examples, job, name="patches", dimensions=512, sample_rate=8000, workers=1)[0]
        made = {
            "x": shards.rows(every),
            "label": np.array(examples["label"].to_pylist(), dtype=str),
            "domain": np.array(examples["domain"].to_pylist(), dtype=str),
        }
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **made)
    return made


def cleanlab_scores(labels: np.ndarray, probs: np.ndarray) -> dict[str, np.ndarray]:
    """Every score of cleanlab, and the order of its flags; high = suspicious."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    found = {}
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        for adjusted in (False, True):
            if adjusted and method == "confidence_weighted_entropy":
                continue  # refused by cleanlab
            name = f"cleanlab {method}{', adjusted' if adjusted else ''}"
            found[name] = -get_label_quality_scores(labels, probs, method=method, adjust_pred_probs=adjusted)
    for rule in ("prune_by_noise_rate", "confident_learning", "both"):
        flags = find_label_issues(labels, probs, filter_by=rule, n_jobs=1)
        # Flagged first, each part by self-confidence.
        found[f"cleanlab flags, {rule}"] = 2.0 * flags + found["cleanlab self_confidence"] / 2
    return found


def cell(data: dict[str, np.ndarray], kind: str, rate: float, seed: int) -> dict[str, Any]:
    """One table cell: average precision and precision in the top 1 % by score."""
    from sklearn.metrics import average_precision_score

    from yori.labels import find_label_errors, join_witnesses, label_error_order, neighbour_votes, out_of_fold_heads

    x, truth = data["x"], np.unique(data["label"], return_inverse=True)[1]
    from yori.synthetic import flip_labels

    labels, wrong = flip_labels(
        truth, rate, classes=10, rng=np.random.default_rng([seed, 7]), kind=kind, domains=data["domain"]
    )  # type: ignore[arg-type]
    alone = np.arange(len(x))
    one, _, _, penalty = out_of_fold_heads(x, labels, alone, classes=10, rng=np.random.default_rng(seed), draws=1)
    mean = out_of_fold_heads(x, labels, alone, classes=10, rng=np.random.default_rng(seed), l2=penalty)[0]
    votes = neighbour_votes(x, labels, alone, alone, classes=10)
    scores: dict[str, np.ndarray] = {}
    for name, probs in (("one draw", one), ("mean of draws", mean)):
        scores |= {f"{score} ({name})": value for score, value in cleanlab_scores(labels, probs).items()}
        order = np.empty(len(x))
        order[label_error_order(probs, labels)] = -np.arange(len(x))
        scores[f"yori flags and order ({name})"] = order
        scores[f"self-confidence ({name})"] = -probs[alone, labels]
    scores["neighbours only"] = -votes[alone, labels]
    scores["noise model, heads only"] = join_witnesses(mean, labels).probability
    scores["noise model, heads and neighbours"] = join_witnesses(mean, labels, votes=votes).probability
    rng = np.random.default_rng(seed)
    found = find_label_errors(x, labels, alone, classes=10, rng=rng, l2=penalty)
    scores["area under the margin"] = np.asarray(found.evidence["minus_margin"])
    scores["combined"] = found.probability
    rng = np.random.default_rng(seed)
    known = find_label_errors(x, labels, alone, classes=10, rng=rng, l2=penalty, sources=data["domain"])
    scores["combined, speakers known"] = known.probability
    top = round(0.01 * len(x))
    table = {
        name: {
            "average precision": round(float(average_precision_score(wrong, value)), 6),
            "top 1 %": float(wrong[np.argsort(-value, kind="stable")[:top]].mean()),
        }
        for name, value in scores.items()
    }
    right = found.suggested == truth
    return {
        "table": table, "penalty": penalty, "expected errors": found.expected, "errors": int(wrong.sum()),
        "suggested label right where wrong": float(right[wrong].mean()),
    }  # fmt: skip


def verdict(cells: dict[str, Any]) -> dict[str, Any]:
    """Mean over seeds of every cell, and where the combined score is not at least as good as a peer."""
    means: dict[str, Any] = {}
    for kind in KINDS:
        for rate in RATES:
            chosen = [value for name, value in cells.items() if name.startswith(f"{kind} {rate} ")]
            if chosen:
                means[f"{kind} {rate}"] = {
                    score: {m: float(np.mean([each["table"][score][m] for each in chosen])) for m in row}
                    for score, row in chosen[0]["table"].items()
                }
    lost = [
        f"{name}: {m}: {peer} {table[peer][m]:.4f} > {table['combined'][m]:.4f}"
        for name, table in means.items()
        for peer in table
        if peer.startswith(("cleanlab", "self-confidence"))
        for m in table[peer]
        if table[peer][m] > table["combined"][m] + 1e-12
    ]
    single = [
        f"{name}: {m}: {peer}"
        for name, value in cells.items()
        for peer in value["table"]
        if peer.startswith(("cleanlab", "self-confidence"))
        for m in ("average precision", "top 1 %")
        if value["table"][peer][m] > value["table"]["combined"][m] + 1e-12
    ]
    return {"means": means, "combined loses to (means)": lost, "combined loses to (single seeds)": single}


def speed(rounds: int, sizes: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Seconds (median) and megabytes (largest) of each, interleaved."""
    names = sorted({*PAIRS, *PAIRS.values(), "cleanlab: flags and order, n_jobs=1"})
    found: dict[str, Any] = {}
    for n, c in sizes:
        taken: dict[str, list[list[float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                done = subprocess.run(
                    [sys.executable, "-c", SPEED, name, str(n), str(c)], check=True, capture_output=True, text=True
                )
                taken[name].append([float(value) for value in done.stdout.split()])
        table = {
            name: {"seconds": float(np.median([v[0] for v in values])), "megabytes": max(v[1] for v in values)}
            for name, values in taken.items()
        }
        ratios = {
            f"{theirs} / {ours}": {
                "seconds": table[theirs]["seconds"] / table[ours]["seconds"],
                "megabytes": table[theirs]["megabytes"] / max(table[ours]["megabytes"], 1.0),
            }
            for ours, theirs in PAIRS.items()
        }
        found[f"{n} x {c}"] = {"table": table, "ratios": ratios}
        for name, row in table.items():
            print(f"{n} × {c}: {name:40s} {row['seconds']:8.3f} s  + {row['megabytes']:8.1f} MB", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, small arrays")
    parser.add_argument("--embeddings", type=Path, help="an .npz file where embeddings are kept between runs")
    parser.add_argument("--only", nargs="+", default=["cells", "speed"], choices=["cells", "speed"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{datetime.now(UTC).date()}-labels{'-quick' if args.quick else ''}.json"
    report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    report |= {"versions": versions(), "load": os.getloadavg()[0]}

    def store() -> None:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    if "cells" in args.only:
        data = digits(args.embeddings)
        cells = report.setdefault("cells", {})
        for kind in KINDS:
            for rate in RATES:
                for seed in range(1 if args.quick else args.seeds):
                    name = f"{kind} {rate} seed {seed}"
                    if name not in cells:
                        cells[name] = cell(data, kind, rate, seed)
                        store()
                        row = cells[name]["table"]["combined"]
                        print(
                            f"{name}: combined {row['average precision']:.4f}, top 1 % {row['top 1 %']:.3f}", flush=True
                        )
        report["verdict"] = verdict(cells)
        for name, table in report["verdict"]["means"].items():
            print(name)
            for score, row in sorted(table.items(), key=lambda each: -each[1]["average precision"]):
                print(f"  {score:60s} {row['average precision']:.4f}  {row['top 1 %']:.3f}")
        print("combined loses to (means):", report["verdict"]["combined loses to (means)"] or "nobody")
        store()
    if "speed" in args.only:
        sizes = ((100_000, 10), (5_000, 1000)) if args.quick else SIZES
        report["speed"] = speed(1 if args.quick else args.rounds, sizes)
        store()
    print(path)


if __name__ == "__main__":
    main()
