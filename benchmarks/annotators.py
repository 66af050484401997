"""Joining the answers of several people: accuracy, agreement with crowd-kit, time and memory.

``python -m benchmarks.annotators [--quick] [--embeddings FILE.npz]``; recordings through ``YORI_TEST_DATA``.

equal   largest difference of the posteriors from crowd-kit's Dawid–Skene, and times, on 8 000 examples × 3 answers × 170
        annotators with 2, 4 and 10 classes; medians of interleaved rounds
large   2 100 000 answers of 5 000 annotators, 10 classes: seconds and peak memory, in a process of its own
planted careful, biased, spamming and adversarial annotators: errors of the estimated confusion matrices and accuracy of every
        method
digits  spoken digits with simulated annotators, two answers each: majority, Dawid–Skene, a head trained on the answers (out of
        fold), both together, and with 5 % control questions; five seeds

Bars: equal to 1e-6; at least ten times faster; large under 60 s and 2 GB; digits: both together above either alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.labels import digits
from benchmarks.metrics import RESULTS, versions
from yori.labels import Gold, OneCoinWarning, dawid_skene, glad, guarded_consensus, mace, majority, one_coin

from yori.labels import out_of_fold_heads, votes_and_model  # isort: skip
from yori.synthetic.annotators import annotator_votes

LARGE = """
import resource, sys, time
import numpy as np
from yori.labels import Votes, dawid_skene
rng = np.random.default_rng(0)
n, people, classes = int(sys.argv[1]), 5000, 10
truth = rng.integers(0, classes, n)
example = np.repeat(np.arange(n), 3)
annotator = rng.integers(0, people, 3 * n)
skill = rng.uniform(0.5, 0.95, people)
right = rng.random(3 * n) < skill[annotator]
answer = np.where(right, truth[example], rng.integers(0, classes, 3 * n))
started = time.perf_counter()
found = dawid_skene(Votes(example, annotator, answer, n, people, classes), pooling=1.0)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(seconds, peak, found.iterations, (found.labels == truth).mean())
"""

CROWD = ("careful",) * 120 + ("biased",) * 25 + ("spammer",) * 15 + ("adversary",) * 10


def equal(rounds: int, examples: int) -> dict[str, Any]:
    """Against crowd-kit."""
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    found: dict[str, Any] = {}
    for classes in (2, 4, 10):
        rng = np.random.default_rng(classes)
        truth = rng.integers(0, classes, examples)
        votes = annotator_votes(truth, CROWD, classes=classes, answers=3, rng=rng).votes
        table = pd.DataFrame({"task": votes.example, "worker": votes.annotator, "label": votes.answer})
        times: dict[str, list[float]] = {"yori": [], "crowd-kit": []}
        for _ in range(rounds):
            started = time.perf_counter()
            ours = dawid_skene(votes)
            times["yori"].append(time.perf_counter() - started)
            started = time.perf_counter()
            theirs = DawidSkene().fit_predict_proba(table)
            times["crowd-kit"].append(time.perf_counter() - started)
        matrix = theirs.sort_index().sort_index(axis=1).to_numpy()
        seconds = {name: float(np.median(each)) for name, each in times.items()}
        found[f"{classes} classes"] = {
            "largest difference": float(np.abs(matrix - ours.probs).max()), "rounds of EM": ours.iterations,
            "seconds": seconds, "crowd-kit / yori": seconds["crowd-kit"] / seconds["yori"],
            "accuracy": float((ours.labels == truth).mean()),
            "accuracy of majority vote": float((majority(votes).labels == truth).mean()),
        }  # fmt: skip
        print(classes, found[f"{classes} classes"], flush=True)
    return found


def large(examples: int) -> dict[str, float]:
    """Two million answers."""
    done = subprocess.run([sys.executable, "-c", LARGE, str(examples)], check=True, capture_output=True, text=True)
    seconds, peak, rounds, accuracy = (float(value) for value in done.stdout.split())
    return {"answers": 3 * examples, "seconds": seconds, "peak megabytes": peak, "rounds": rounds, "accuracy": accuracy}


def planted(examples: int) -> dict[str, Any]:
    """Known annotators, every method."""
    kinds = ("careful",) * 12 + ("biased",) * 6 + ("spammer",) * 6 + ("adversary",) * 3
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, examples)
    made = annotator_votes(truth, kinds, classes=4, answers=5, rng=rng, skill=(0.6, 0.95))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OneCoinWarning)
        results = {
            "majority": majority(made.votes),
            "dawid_skene": dawid_skene(made.votes),
            "dawid_skene, pooling 1": dawid_skene(made.votes, pooling=1.0),
            "dawid_skene, 5 % gold": dawid_skene(
                made.votes, gold=Gold(np.arange(examples // 20), truth[: examples // 20]), pooling=1.0
            ),
            "one_coin": one_coin(made.votes),
            "glad": glad(made.votes),
            "mace": mace(made.votes, rng=rng),
            "guarded": guarded_consensus(made.votes, rng=rng).consensus,
        }
    kind = np.array(kinds)
    return {
        name: {
            "accuracy": float((found.labels == truth).mean()),
            "mean error of the confusion": float(np.abs(found.confusion - made.confusion).mean()),
            "skill": {each: float(found.skill[kind == each].mean()) for each in dict.fromkeys(kinds)},
            "information": {each: float(found.information[kind == each].mean()) for each in dict.fromkeys(kinds)},
        }
        for name, found in results.items()
    }


def spoken(data: dict[str, np.ndarray], seeds: int) -> dict[str, Any]:
    """Simulated annotators on real sound."""
    x, truth = data["x"], np.unique(data["label"], return_inverse=True)[1]
    kinds = ("careful",) * 15 + ("biased",) * 6 + ("spammer",) * 3
    rows: dict[str, list[float]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        votes = annotator_votes(truth, kinds, classes=10, answers=2, rng=rng, skill=(0.5, 0.85)).votes
        gold = Gold(np.arange(0, len(x), 20), truth[::20])
        people = dawid_skene(votes, pooling=1.0)
        probs = out_of_fold_heads(x, people.labels, np.arange(len(x)), classes=10, rng=rng, draws=1)[0]
        told = np.ones(len(x), dtype=bool)
        told[gold.example] = False  # judged on the same examples everywhere
        for name, labels in {
            "majority": majority(votes).labels,
            "dawid_skene": people.labels,
            "head on the answers, out of fold": probs.argmax(axis=1),
            "votes and model": votes_and_model(votes, probs).labels,
            "votes, model and 5 % gold": votes_and_model(votes, probs, gold=gold).labels,
            "guarded votes and model": guarded_consensus(votes, rng=rng, probs=probs).consensus.labels,
        }.items():
            rows.setdefault(name, []).append(float((labels == truth)[told].mean()))
    return {name: {"mean": float(np.mean(values)), "seeds": values} for name, values in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, small")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--embeddings", type=Path, help="an .npz file where embeddings are kept between runs")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--only", nargs="+", default=["equal", "large", "planted", "digits"])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{datetime.now(UTC).date()}-annotators{'-quick' if args.quick else ''}.json"
    report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    report |= {"versions": versions(), "load": os.getloadavg()[0]}
    parts = {
        "equal": lambda: equal(1 if args.quick else args.rounds, 1000 if args.quick else 8000),
        "large": lambda: large(20_000 if args.quick else 700_000),
        "planted": lambda: planted(1000 if args.quick else 8000),
        "digits": lambda: spoken(digits(args.embeddings), 1 if args.quick else 5),
    }
    for name in args.only:
        report[name] = parts[name]()
        print(name, json.dumps(report[name], indent=1), flush=True)
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
