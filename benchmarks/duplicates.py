"""How fast near-duplicates are found among many embeddings, how much memory it takes, and how many are missed.

Run it with ``python -m benchmarks.duplicates [--quick] [--rows 1000000] [--exact-rows 50000]``. The rows are unit vectors
of 256 numbers around 1 000 uneven clusters, as embeddings of real collections are; a share of 2 % are copies of others, at
angles spread evenly from none to just above that of the threshold, a cosine of 0.95. Measured: the exact search on
``--exact-rows`` beside one plain product of everything with everything in blocks (the same answer is asserted); the hashed
search on ``--rows``, with its own estimate of its recall and the recall over the planted copies, which are known without
any search. Every search is one fresh process, so that its peak memory is its own. The exact time at ``--rows`` is
extrapolated by the square and marked so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from yori.signal.similar_pairs import similar_pairs
from yori.signal.similar_pairs_hashed import similar_pairs_hashed

RESULTS = Path(__file__).parent / "results"
THRESHOLD = 0.95
DIMENSIONS = 256
CLUSTERS = 1000
COPIES = 0.02


def make_rows(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows ``(n, 256)``, and the numbers of planted copies and of their originals that reach the threshold."""
    centres = rng.normal(size=(CLUSTERS, DIMENSIONS)).astype(np.float32)
    sizes = rng.dirichlet(np.full(CLUSTERS, 0.5))
    x = rng.standard_normal((n, DIMENSIONS), dtype=np.float32)
    x += centres[rng.choice(CLUSTERS, size=n, p=sizes)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    k = round(COPIES * n)
    where = rng.permutation(n)
    copies, originals = where[:k], where[k : 2 * k]
    angle = np.linspace(0.0, 1.1 * np.arccos(THRESHOLD), k).astype(np.float32)[:, None]
    away = rng.standard_normal((k, DIMENSIONS), dtype=np.float32)
    base = x[originals]
    away -= (away * base).sum(axis=1, keepdims=True) * base
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    x[copies] = np.cos(angle) * base + np.sin(angle) * away
    reach = (x[copies] * base).sum(axis=1) >= THRESHOLD
    return x, copies[reach], originals[reach]


def plain(x: np.ndarray) -> set[tuple[int, int]]:
    """Everything with everything, in blocks."""
    found = set()
    for begin in range(0, len(x), 1024):
        for left in range(begin, len(x), 16_384):
            row, column = np.nonzero(x[begin : begin + 1024] @ x[left : left + 16_384].T >= THRESHOLD)
            upper = column + left > row + begin
            found |= set(zip((row[upper] + begin).tolist(), (column[upper] + left).tolist(), strict=True))
    return found


def measure(what: str, n: int, tables: int) -> dict[str, Any]:
    """One search in this process."""
    rng = np.random.default_rng(n)
    x, copies, originals = make_rows(n, rng)
    planted = set(zip(np.minimum(copies, originals).tolist(), np.maximum(copies, originals).tolist(), strict=True))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    extra: dict[str, Any] = {}
    if what == "plain":
        pairs = plain(x)
    elif what == "exact":
        found = similar_pairs(x, THRESHOLD)
        pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    else:
        hashed = similar_pairs_hashed(x, THRESHOLD, tables=tables, sample=2000, rng=rng)
        found = hashed.pairs
        pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
        extra = {"estimated_recall": hashed.recall, "estimated_from_pairs": hashed.checked, "compared": hashed.compared,
                 "tables": tables}  # fmt: skip
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"search": what, "rows": n, "seconds": round(seconds, 2), "pairs": len(pairs),
            "recall_of_planted": len(planted & pairs) / len(planted), "planted": len(planted),
            "rows_mib": round(x.nbytes / 2**20), "peak_above_rows_mib": round((peak - before) / 1024),
            "hash": hash(frozenset(pairs)), **extra}  # fmt: skip


def in_a_process(what: str, n: int, tables: int) -> dict[str, Any]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.duplicates", "--only", what, "--rows", str(n), "--tables", str(tables)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50 000 and 10 000 rows")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the hashed search")
    parser.add_argument("--exact-rows", type=int, default=50_000, help="rows of the exact searches")
    parser.add_argument("--tables", type=int, default=48)
    parser.add_argument("--only", choices=["plain", "exact", "hashed"], help="one search, printed as JSON")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.rows, options.tables)))
        return
    rows, exact_rows = (50_000, 10_000) if options.quick else (options.rows, options.exact_rows)
    found = [in_a_process(what, exact_rows, options.tables) for what in ("plain", "exact")]
    assert found[0]["pairs"] == found[1]["pairs"], "the exact search differs from the plain one"
    found.append(in_a_process("hashed", rows, options.tables))
    for each in found:
        each.pop("hash")
        print(json.dumps(each))
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "threshold": THRESHOLD,
        "dimensions": DIMENSIONS,
        "searches": found,
        "exact_over_plain": round(found[1]["seconds"] / found[0]["seconds"], 3),
        "exact_seconds_at_rows_extrapolated": round(found[1]["seconds"] * (rows / exact_rows) ** 2),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "all"),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"duplicates{'-quick' if options.quick else ''}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
