"""Does a SelectiveNet-style selection head choose better than max softmax, on frozen embeddings?

Run it with ``python -m benchmarks.selection_head [--quick]``. An ordinary head is fitted; its out-of-fold errors on the
training rows train the selection head; both rank the same test rows. Three rankings: max softmax; the selection head on the
embeddings alone; the same with the head's own certainty among its features. Two kinds of data:

- spoken digits (FSDD, from ``YORI_TEST_DATA``), each of six speakers held out in turn, folds by speaker;
- simulated embeddings with uneven label errors and shifted domains, each domain held out in turn.

What counts is the risk at 80 % coverage, compared with `yori.statistics.compare` over the held-out domains.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from yori.backbones import patches
from yori.heads import fit_softmax
from yori.heads.selection_head import fit_selection_head, selection_features
from yori.heads.softmax import probs as softmax
from yori.labels.out_of_fold import out_of_fold_logits
from yori.metrics import aurc, risk_at_coverage
from yori.signal.log_mel import log_mel
from yori.statistics import Predictions, compare, verdict
from yori.synthetic import gaussian_mixture_embeddings

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
COVERAGE = 0.8
ARMS = ("max softmax", "embeddings", "embeddings and certainty")

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Training embeddings, labels and folds; test embeddings and labels."""


def spoken_digits(per_speaker: int) -> Iterator[tuple[str, Split]]:
    """Hold out one speaker at a time; the backbone is fitted on the others."""
    import soundfile

    files = sorted((DATA / "fsdd" / "recordings").glob("*.wav"))
    named = [file.stem.split("_") for file in files]
    keep = [k for k, (_, _, index) in enumerate(named) if int(index) < per_speaker]
    frames = [log_mel(soundfile.read(files[k], dtype="float32")[0], 8000) for k in keep]
    labels = np.array([int(named[k][0]) for k in keep])
    speakers = np.array([named[k][1] for k in keep])
    for speaker in np.unique(speakers).tolist():
        train, test = np.flatnonzero(speakers != speaker), np.flatnonzero(speakers == speaker)
        model = patches.fit([frames[k] for k in train], 256, rng=np.random.default_rng(0))
        x = patches.encode(model, frames)
        yield speaker, (x[train], labels[train], speakers[train], x[test], labels[test])


def simulated(n: int, rng: np.random.Generator) -> Iterator[tuple[str, Split]]:
    """Hold out one of six shifted domains; test labels are the true ones."""
    data = gaussian_mixture_embeddings(n, 64, 8, separation=4.5, domains=6, domain_shift=1.5, label_noise=0.1, rng=rng)
    for domain in range(6):
        train, test = np.flatnonzero(data.domains != domain), np.flatnonzero(data.domains == domain)
        fold = data.domains[train]
        yield (
            str(domain),
            (
                data.embeddings[train],
                data.labels[train],
                fold,
                data.embeddings[test],
                data.true_labels[test],
            ),
        )


def rankings(
    split: Split, l2: float, selection_l2: float
) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, float]]:
    """Confidence of each ranking on the test rows, whether the head is right, and the coverage that thresholds reach."""
    x, labels, folds, test_x, test_labels = split
    classes = int(max(labels.max(), test_labels.max())) + 1
    inside = softmax(out_of_fold_logits(x, labels, folds, classes=classes, l2=l2).astype(np.float64))
    errors = (inside.argmax(axis=1) != labels).astype(np.float64)
    probs = softmax(fit_softmax(x, labels, classes=classes, l2=l2).logits(test_x).astype(np.float64))
    found = {"max softmax": probs.max(axis=1)}
    reached = {"max softmax": float((found["max softmax"] >= np.quantile(inside.max(axis=1), 1 - COVERAGE)).mean())}
    for name, fitted, asked in (
        ("embeddings", x, test_x),
        ("embeddings and certainty", selection_features(x, inside), selection_features(test_x, probs)),
    ):
        head = fit_selection_head(fitted, errors, coverage=COVERAGE, l2=selection_l2)
        found[name] = head.score(asked)
        reached[name] = float(head.selects(asked).mean())
    return found, probs.argmax(axis=1) == test_labels, reached


def judge(splits: Iterator[tuple[str, Split]], l2: float, selection_l2: float) -> dict[str, Any]:
    """Risk at 80 % coverage of each ranking, and the difference to max softmax with its interval."""
    confidence: dict[str, list[np.ndarray]] = {name: [] for name in ARMS}
    correct, domains, reached = [], [], []
    for name, split in splits:
        scores, right, coverage = rankings(split, l2, selection_l2)
        for arm in ARMS:
            confidence[arm].append(scores[arm])
        correct.append(right)
        domains.append(np.full(len(right), name))
        reached.append(coverage)
    ids, right, domain = np.arange(sum(map(len, correct))), np.concatenate(correct), np.concatenate(domains)
    arms = {name: Predictions(ids, confidence=np.concatenate(confidence[name]), correct=right) for name in ARMS}
    rows = []
    for name in ARMS:
        parts = list(zip(confidence[name], correct, strict=True))
        row: dict[str, Any] = {
            "ranking": name,
            "risk@0.8": float(np.mean([risk_at_coverage(c, k, COVERAGE) for c, k in parts])),
            "aurc": float(np.mean([aurc(c, k) for c, k in parts])),
            "coverage_reached": [each[name] for each in reached],
        }
        if name != "max softmax":
            found = compare(
                arms["max softmax"], arms[name], metric="risk@0.8", domains=domain, rng=np.random.default_rng(0)
            )
            row.update(change=found.delta, low=found.low, high=found.high, verdict=verdict(found).sentence)
        rows.append(row)
    return {
        "test_rows": len(ids),
        "accuracy": float(right.mean()),
        "l2": l2,
        "selection_l2": selection_l2,
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a part of the data")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    started = time.perf_counter()
    cases: dict[str, Any] = {}
    penalties = (1e-1,) if args.quick else (1e-2, 1e-1, 1.0)
    if (DATA / "fsdd" / "recordings").is_dir():
        splits = list(spoken_digits(10 if args.quick else 50))
        for selection_l2 in penalties:
            cases[f"spoken digits, speaker held out, selection l2 {selection_l2:g}"] = judge(
                iter(splits), 1e-2, selection_l2
            )
    else:
        print(f"Left out: spoken digits, not found at {DATA}: set YORI_TEST_DATA")
    made = list(simulated(3000 if args.quick else 12000, np.random.default_rng(0)))
    for selection_l2 in penalties:
        cases[f"simulated, domain held out, selection l2 {selection_l2:g}"] = judge(iter(made), 1e-2, selection_l2)
    for title, case in cases.items():
        print(f"{title}: {case['test_rows']} test rows, accuracy {case['accuracy']:.3f}")
        for row in case["rows"]:
            reached = row["coverage_reached"]
            print(
                f"  {row['ranking']:26s} risk@0.8 {row['risk@0.8']:.4f}  aurc {row['aurc']:.4f}  "
                f"coverage reached {min(reached):.2f} to {max(reached):.2f}"
            )
            if "verdict" in row:
                print(f"    {row['verdict']}")
    report = {
        "what": "risk at 80 % coverage of a SelectiveNet-style selection head against max softmax",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": args.quick,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "seconds": round(time.perf_counter() - started, 1),
        "cases": cases,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"selection_head{'_quick' if args.quick else ''}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
