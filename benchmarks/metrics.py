"""How long the reliability metrics take, next to the plain NumPy way and to scikit-learn.

Run it with ``python -m benchmarks.metrics``. Every row of a block is timed in turn, round after round, and the medians are
divided by the block's reference row: on a shared machine the ratio means something, the seconds do not. Everything here runs
on one core, so where other work takes that core away, the processor's own seconds are the ones to read. The bars are

- AURC and AUGRC of 1M rows together: at most 1.0 times one plain ``argsort`` + ``cumsum`` that serves both, and what a peer
  gives in at most a quarter of the peer's time;
- binned calibration error of 1M rows: at most 1.0 times scikit-learn's quantile curve.

Peers that cannot be imported are named and left out.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from yori import metrics

RESULTS = Path(__file__).parent / "results"
Work = Callable[[], object]


def make_rows(n: int, classes: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return probabilities, labels, and the confidence and correctness of ``n`` rows of a calibrated model."""
    probs = rng.dirichlet(np.full(classes, 0.3), n)
    labels = (probs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=classes - 1)
    confidence, correct = metrics.top_label(probs, labels)
    unique = rng.random(n)
    return {
        "probs": probs,
        "labels": labels,
        "confidence": confidence,
        "correct": correct,
        "unique": unique,
        "unique_correct": rng.random(n) < unique,
        "rounded": np.round(unique, 3),
    }


def plain_areas(confidence: np.ndarray, correct: np.ndarray) -> tuple[float, float]:
    """AURC and AUGRC from one argsort and cumsum, for confidences without ties: the reference."""
    n = len(confidence)
    errors = np.cumsum(~correct[np.argsort(confidence)[::-1]])
    risk = errors / np.arange(1, n + 1)
    return float((risk.sum() + (risk[0] - risk[-1]) / 2) / n), float((2 * errors.sum() - errors[-1]) / (2 * n**2))


def blocks(rows: dict[str, Any]) -> dict[str, dict[str, Work]]:
    """Return the rows to time, by block; the first of each block is its reference."""
    score, right = rows["unique"], rows["unique_correct"]
    found: dict[str, dict[str, Work]] = {
        "AURC and AUGRC": {
            "plain NumPy argsort + cumsum, both areas": lambda: plain_areas(score, right),
            "yori aurc + augrc": lambda: (metrics.aurc(score, right), metrics.augrc(score, right)),
            "yori aurc": lambda: metrics.aurc(score, right),
            "yori augrc": lambda: metrics.augrc(score, right),
            "yori aurc + augrc, 1001 distinct confidences": lambda: (
                metrics.aurc(rows["rounded"], right),
                metrics.augrc(rows["rounded"], right),
            ),
            "yori aurc + augrc, confidences of both signs": lambda: (
                metrics.aurc(score - 0.5, right),
                metrics.augrc(score - 0.5, right),
            ),
            "yori excess_aurc": lambda: metrics.excess_aurc(score, right),
            "yori risk_coverage_curve": lambda: metrics.risk_coverage_curve(score, right),
            "yori aurc_influence": lambda: metrics.aurc_influence(score, right),
        }
    }
    probs, labels, confidence, correct = rows["probs"], rows["labels"], rows["confidence"], rows["correct"]
    try:
        from calibration.utils import get_selective_stats
    except ImportError:
        pass
    else:  # the fastest peer: AURC alone, in its mean form, without care for ties
        found["AURC and AUGRC"]["uncertainty-calibration, AURC alone"] = lambda: get_selective_stats(score, right)
    ours: dict[str, Work] = {
        "yori equal mass, debiased": lambda: metrics.top_label_calibration_error(confidence, correct),
        "yori equal width": lambda: metrics.top_label_calibration_error(
            confidence, correct, binning="equal_width", debiased=False
        ),
        "yori equal mass, debiased, from (n, 10) probabilities": lambda: metrics.expected_calibration_error(
            probs, labels
        ),
        "yori equal width, from (n, 10) probabilities": lambda: metrics.expected_calibration_error(
            probs, labels, binning="equal_width", debiased=False
        ),
        "yori smooth_calibration_error": lambda: metrics.smooth_calibration_error(confidence, correct),
        "yori sweep_calibration_error": lambda: metrics.sweep_calibration_error(confidence, correct),
    }
    try:
        from sklearn.calibration import calibration_curve
    except ImportError:
        found["binned calibration error"] = ours
    else:
        found["binned calibration error"] = {
            "scikit-learn calibration_curve, quantile": lambda: calibration_curve(
                correct, confidence, n_bins=15, strategy="quantile"
            ),
            **ours,
            "scikit-learn calibration_curve, uniform": lambda: calibration_curve(
                correct, confidence, n_bins=15, strategy="uniform"
            ),
        }
    return found


def measure(works: dict[str, Work], rounds: int, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each row, of the clock and of the processor.

    The rows are timed in turn, in a new order each round, so that a slow moment hits them alike.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for name in works:
        works[name]()
    for _ in range(rounds):
        for name in rng.permutation(list(works)).tolist():
            clock, processor = time.perf_counter(), time.process_time()
            works[name]()
            seconds[name].append((time.perf_counter() - clock, time.process_time() - processor))
    return {
        name: (statistics.median(clock for clock, _ in times), statistics.median(processor for _, processor in times))
        for name, times in seconds.items()
    }


def versions() -> dict[str, str]:
    """Return the versions that decide the figures; "not installed" for a missing peer."""
    found = {"python": platform.python_version(), "processor": platform.machine()}
    for package in ("yori", "numpy", "scipy", "scikit-learn", "uncertainty-calibration", "torchmetrics"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    """Time every block, print a table, and write ``benchmarks/results/<date>-metrics.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="100 000 rows, three rounds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.rounds = [100_000], 3
    used = versions()
    missing = [name for name, found in used.items() if found == "not installed"]
    if missing:
        print("Left out, not installed: " + ", ".join(missing))
    results: list[dict[str, Any]] = []
    for n in arguments.rows:
        rows = make_rows(n, arguments.classes, np.random.default_rng(0))
        for block, works in blocks(rows).items():
            medians = measure(works, arguments.rounds, np.random.default_rng(1))
            reference = next(iter(medians))
            print(f"\n{block}, n = {n:,}\n         clock          processor")
            for name, (clock, processor) in medians.items():
                ratio, processor_ratio = clock / medians[reference][0], processor / medians[reference][1]
                print(
                    f"  {clock * 1e3:8.2f} ms {ratio:5.2f}x {processor * 1e3:8.2f} ms {processor_ratio:5.2f}x  {name}"
                )
                results.append(
                    {
                        "block": block,
                        "n": n,
                        "name": name,
                        "reference": reference,
                        "seconds": clock,
                        "ratio": ratio,
                        "processor_seconds": processor,
                        "processor_ratio": processor_ratio,
                    }
                )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC).date()}-metrics{'-quick' if arguments.quick else ''}.json"
    path.write_text(json.dumps({"versions": used, "rounds": arguments.rounds, "results": results}, indent=1) + "\n")
    print(f"\nWrote {path}")


if __name__ == "__main__":
    main()
