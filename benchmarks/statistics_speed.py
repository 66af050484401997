"""How long an interval for a change of AURC takes, next to one ``argsort``, to SciPy and to stambo.

Run it with ``python -m benchmarks.statistics_speed [--stambo PYTHON]``. Rows are timed in turn, round after round, in one
process; the medians and their ratios are written to ``benchmarks/results/statistics_speed.json``, of the clock and of the
processor: where other work takes a core away, the processor's own seconds of one thread are the ones to read. The bars are,
at 1M rows,

- 1 000 paired bootstrap replicates: at least 15 times faster than ``scipy.stats.bootstrap(paired=True,
  method="percentile", vectorized=False, batch=1)`` and 25 times faster than stambo 0.1.6, both with our statistic;
- memory of the process that draws them: below 600 MB;
- the closed-form interval: at most 5 times one ``argsort``.

SciPy and stambo run a few replicates, and the time of 1 000 is scaled from the time that more replicates add. stambo is not a
dependency: give ``--stambo`` an interpreter that has it (and NumPy, SciPy, jaxtyping), or it is left out and listed as such.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy

RESULTS = Path(__file__).parent / "results"
SOURCE = Path(__file__).parent.parent / "src"
REPLICATES = 1000
STAMBO_ROW = "stambo 0.1.6, 1000 replicates (scaled)"

STAMBO = """
import sys, time
import numpy as np, stambo
from benchmarks.statistics_speed import columns
from yori.metrics import aurc
before, after = columns(int(sys.argv[1]))
def statistic(rows):
    return aurc(np.ascontiguousarray(rows[:, 0]), rows[:, 1] > 0.5)
samples = [np.stack(arm, axis=1) for arm in (before, after)]
times = []
for replicates in (2, 8):
    start = np.array([time.perf_counter(), time.process_time()])
    stambo.two_sample_test(*samples, {"aurc": statistic}, n_bootstrap=replicates, seed=0, silent=True)
    times.append(np.array([time.perf_counter(), time.process_time()]) - start)
print(*(times[1] - times[0]) / 6)
"""

MEMORY = """
import resource, sys
import numpy as np
from benchmarks.statistics_speed import arms
from yori.statistics import bootstrap_differences
before, after = arms(int(sys.argv[1]))
made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
bootstrap_differences(before, after, metric="aurc", replicates=40, rng=np.random.default_rng(0))
print(made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def columns(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Confidence and correctness of two models on ``n`` shared examples, no ties."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(n)
    made = []
    for lift in (0.9, 1.0):
        confidence = 1 / (1 + np.exp(-shared - rng.standard_normal(n)))
        made.append((confidence, rng.random(n) < 0.6 + 0.4 * lift * confidence))
    return made


def arms(n: int) -> list[Any]:
    from yori.statistics import Predictions

    return [Predictions(np.arange(n), confidence=c, correct=k) for c, k in columns(n)]


def both_clocks(work: Callable[[], object]) -> np.ndarray:
    """Seconds of the clock, and of the processor (all threads together)."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - clock, time.process_time() - processor])


def slope(work: Callable[[int], object], few: int, many: int) -> np.ndarray:
    """Seconds of both clocks that one more replicate takes."""
    low, high = both_clocks(lambda: work(few)), both_clocks(lambda: work(many))
    return (high - low) / (many - few)


def measure(n: int, rounds: int) -> dict[str, list[np.ndarray]]:
    from yori.metrics import aurc
    from yori.statistics import bootstrap_differences, compare

    (bc, bk), (ac, ak) = columns(n)
    before, after = arms(n)

    def difference(c0: np.ndarray, k0: np.ndarray, c1: np.ndarray, k1: np.ndarray) -> float:
        return aurc(c1, k1) - aurc(c0, k0)

    def ours(replicates: int, threads: int | None = None) -> object:
        return bootstrap_differences(
            before, after, metric="aurc", replicates=replicates, rng=np.random.default_rng(1), threads=threads
        )

    def by_scipy(replicates: int) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few replicates are degenerate
            return scipy.stats.bootstrap(
                (bc, bk, ac, ak),
                difference,
                paired=True,
                vectorized=False,
                batch=1,
                method="percentile",
                n_resamples=replicates,
                rng=1,
            )

    def one_interval(threads: int | None = None) -> object:
        return compare(before, after, metric="aurc", rng=np.random.default_rng(0), threads=threads)

    found: dict[str, list[np.ndarray]] = {}
    more = max(10, 20_000_000 // n)
    for _ in range(rounds):
        for name, value in (
            ("argsort", both_clocks(lambda: np.argsort(bc))),
            ("closed-form interval (compare)", both_clocks(one_interval)),
            ("closed-form interval, one thread", both_clocks(lambda: one_interval(1))),
            ("yori, 1000 replicates", REPLICATES * slope(ours, 5, 5 + more)),
            ("yori, 1000 replicates, one thread", REPLICATES * slope(lambda r: ours(r, 1), 5, 5 + more)),
            ("scipy, 1000 replicates (scaled)", REPLICATES * slope(by_scipy, 1, 4)),
        ):  # fmt: skip
            found.setdefault(name, []).append(value)
    return found


def elsewhere(interpreter: str, script: str, n: int) -> list[float]:
    """Run a script in a fresh process; the numbers it prints."""
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}"}
    done = subprocess.run(
        [interpreter, "-c", script, str(n)], env=environment, capture_output=True, text=True, check=True
    )
    return [float(x) for x in done.stdout.split()]


def ratios_of(taken: dict[str, float]) -> dict[str, float]:
    """How many times faster than each peer, and how many sorts the closed form costs."""
    scipy_row, ours = taken["scipy, 1000 replicates (scaled)"], taken["yori, 1000 replicates"]
    found = {
        "scipy / yori": scipy_row / ours,
        "scipy / yori on one thread": scipy_row / taken["yori, 1000 replicates, one thread"],
        "closed form / argsort": taken["closed-form interval (compare)"] / taken["argsort"],
        "closed form on one thread / argsort": taken["closed-form interval, one thread"] / taken["argsort"],
    }
    if STAMBO_ROW in taken:
        found["stambo / yori"] = taken[STAMBO_ROW] / ours
        found["stambo / yori on one thread"] = taken[STAMBO_ROW] / taken["yori, 1000 replicates, one thread"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="200 000 rows, one round")
    parser.add_argument("--stambo", default="", help="a Python interpreter that has stambo 0.1.6")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.quick:
        args.rows, args.rounds = 200_000, 1
    import scipy.stats

    times = measure(args.rows, args.rounds)
    if args.stambo:
        times[STAMBO_ROW] = [
            REPLICATES * np.array(elsewhere(args.stambo, STAMBO, args.rows)) for _ in range(min(3, args.rounds))
        ]
    median, processor = (
        {name: statistics.median(float(value[k]) for value in values) for name, values in times.items()} for k in (0, 1)
    )
    made, peak = elsewhere(sys.executable, MEMORY, args.rows)
    ratios = ratios_of(median)
    report = {
        "what": "seconds and ratios of intervals for a change of AURC",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": args.rows,
        "rounds": args.rounds,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "seconds": median,
        "ratios": ratios,
        "processor_seconds": processor,
        "processor_ratios": ratios_of(processor),
        "peak_memory_mb": {"data made": made, "after the bootstrap": peak},
        "not_measured": [] if args.stambo else ["stambo 0.1.6: no interpreter given"],
    }
    for name, value in median.items():
        print(f"{name:45s} {value:9.3f} s, of the processor {processor[name]:9.3f} s")
    for name, value in ratios.items():
        print(f"{name:45s} {value:9.2f}    of the processor {report['processor_ratios'][name]:9.2f}")
    print(f"{'peak memory':45s} {peak:9.0f} MB (making the data: {made:.0f} MB)")
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"statistics_speed{'_quick' if args.quick else ''}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
