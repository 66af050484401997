"""TracIn and exact influence of embeddings on disk: peak memory and time as the number of rows grows.

Run it with ``python -m benchmarks.attribution_size --rows 100000 1000000 10000000 --folder FOLDER``. Each size runs in a
process of its own, so that the peak is its own; it is sampled from the process's resident memory every 20 ms, pages of the
file included. Before each reading the system is asked to forget the file, so that small sizes come from disk as large ones
do. 10 million rows of 256 numbers are 10 GB on disk; the file is deleted afterwards. Bars: under 1.5 GB; time per row the same
within 10 % from 100 000 rows on (the processor's, where others share the machine).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.metrics import RESULTS, versions
from yori.attribution import streamed_influence, tracin
from yori.attribution.paging import release
from yori.heads import Spectrum, fit_softmax

CHUNK = 200_000


def write_rows(path: Path, n: int, d: int, classes: int) -> np.ndarray:
    """Write ``(n, d)`` float32 of a Gaussian mixture chunk by chunk; return the labels, 5 % of them wrong."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((classes, d), dtype=np.float32) * np.float32(0.25)
    labels = rng.integers(0, classes, n)
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    for start in range(0, n, CHUNK):
        block = rng.standard_normal((min(CHUNK, n - start), d), dtype=np.float32)
        block += centres[labels[start : start + CHUNK]]
        stored[start : start + CHUNK] = block
    stored.flush()
    wrong = rng.random(n) < 0.05
    labels[wrong] = rng.integers(0, classes, int(wrong.sum()))
    return labels


class PeakMemory:
    """Largest resident memory while it runs, and the largest private (anonymous) part, in MB."""

    def __enter__(self) -> PeakMemory:
        self.resident = self.private = 0.0
        self.running = True
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.thread.join()

    def _watch(self) -> None:
        while self.running:
            status = Path("/proc/self/status").read_text()
            found = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Rss")}
            resident = sum(int(found[name]) for name in ("RssAnon", "RssFile", "RssShmem")) / 1024
            self.resident = max(self.resident, resident)
            self.private = max(self.private, int(found["RssAnon"]) / 1024)
            time.sleep(0.02)


def forget(path: Path) -> None:
    """Ask the system to drop the file's pages from its cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def measure(n: int, d: int, classes: int, path: Path, methods: list[str]) -> dict[str, float]:
    labels = np.load(path.with_suffix(".labels.npy"))
    rows = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(1)
    some = np.sort(rng.choice(n, min(n, 20_000), replace=False))
    fit_on = np.asarray(rows[some])
    head = fit_softmax(fit_on, labels[some], l2=1e-2, classes=classes)
    asking, answers = fit_on[:1000], labels[some[:1000]]
    del fit_on
    release(rows)

    found: dict[str, float] = {"rows": n, "dimensions": d, "classes": classes}
    spectrum = Spectrum.of(rows)
    release(rows)
    works: dict[str, Callable[[], np.ndarray]] = {
        "tracin": lambda: tracin(rows, labels, head.weight, asking, answers),
        "influence": lambda: streamed_influence(
            rows, labels, head.weight, asking, answers, l2=1e-2, tolerance=1e-4, spectrum=spectrum
        ),
    }
    works = {name: work for name, work in works.items() if name in methods}
    for name, work in works.items():
        forget(path)
        with PeakMemory() as peak:
            start, processor = time.perf_counter(), time.process_time()
            scores = work()
            found[f"{name}_seconds"] = time.perf_counter() - start
            found[f"{name}_processor_seconds"] = time.process_time() - processor
        found[f"{name}_peak_resident_mb"], found[f"{name}_peak_private_mb"] = peak.resident, peak.private
        found[f"{name}_processor_microseconds_per_row"] = found[f"{name}_processor_seconds"] / n * 1e6
        found[f"{name}_mean_score"] = float(scores.mean())
    return found


def main() -> None:
    """Write each size to disk, measure it in a process of its own, delete it, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--methods", nargs="+", default=["tracin", "influence"])
    arguments = parser.parse_args()
    path = arguments.folder / "attribution_size.npy"
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.dimensions, arguments.classes, path, arguments.methods)))
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for n in arguments.rows:
        try:
            labels = write_rows(path, n, arguments.dimensions, arguments.classes)
            np.save(path.with_suffix(".labels.npy"), labels)
            command = [sys.executable, "-m", "benchmarks.attribution_size", "--measure", str(n)]
            command += ["--folder", str(arguments.folder), "--dimensions", str(arguments.dimensions)]
            command += ["--classes", str(arguments.classes), "--methods", *arguments.methods]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            results.append(json.loads(run.stdout))
            print(json.dumps(results[-1], indent=1), flush=True)
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".labels.npy").unlink(missing_ok=True)
        RESULTS.mkdir(exist_ok=True)
        target = RESULTS / f"{datetime.now(UTC).date()}-attribution-size.json"
        target.write_text(json.dumps({"versions": versions(), "results": results}, indent=1) + "\n")
    print(f"Wrote {target}")


if __name__ == "__main__":
    main()
