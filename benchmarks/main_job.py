"""The main job on real sound and on large embeddings, timed as a user meets it.

``python -m benchmarks.main_job [--quick] [--only NAME …]``; real data are found through ``YORI_TEST_DATA``.

clean      Free Spoken Digits, id and leave-one-speaker-out, 3 seeds, from nothing; then with another budget
flips      the same with 8 % of the labels flipped: do the edits find them, and does it show
ships      the open part of DeepShip in windows: random-clip accuracy beside accuracy by ship
large      50 000 × 768 given embeddings, 10 classes, id, 3 seeds, all controls: time and peak memory

Bars: clean under 12 minutes and under 1 minute for another budget, accuracy ≥ .96 id and ≥ .80 lodo; flips ≥ 5 times
chance, AURC improved against before and random edits; large under 6 minutes and 3 GB.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
SEED = 11


def _tree_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants, shared pages counted once for each (an upper bound)."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.name))
            resident[int(path.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            continue
    total, queue = 0, [root]
    while queue:
        number = queue.pop()
        total += resident.get(number, 0)
        queue += children.get(number, [])
    return total


def yori(*arguments: str) -> dict[str, Any]:
    """Run a command with ``--json``; its object, with ``seconds`` and ``peak_bytes``."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "yori.cli.main", *arguments, "--json"], stdout=subprocess.PIPE, text=True
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], _tree_bytes(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed = process.communicate()[0]
    watcher.join()
    if process.returncode:
        raise SystemExit(f"yori {' '.join(arguments)} ended with {process.returncode}")
    return {**json.loads(printed), "seconds": time.perf_counter() - started, "peak_bytes": peak[0]}


def found(
    ran: dict[str, Any], protocol: str, metric: str, arm: str = "after", against: str = "before"
) -> dict[str, Any]:
    """One comparison of a run, shortened."""
    for each in ran["protocols"][protocol]["comparisons"]:
        if (each["arm"], each["against"], each["metric"]) == (arm, against, metric):
            short = {name: each["comparison"][name] for name in ("before", "after", "delta", "low", "high", "p_value")}
            return {**short, "verdict": each["verdict"]["word"]}
    raise KeyError((protocol, metric, arm, against))


def digits(place: Path, flips: float) -> dict[str, Any]:
    """Spoken digits, with or without flipped labels."""
    recordings = DATA / "fsdd" / "recordings"
    project = place / "digits"
    if flips:
        rng = np.random.default_rng(SEED)
        table = place / "digits.csv"
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", "domain", "verified"])
            for path in sorted(recordings.glob("*.wav")):
                true, speaker, _ = path.stem.split("_")
                wrong = rng.random() < flips
                writer.writerow(
                    [path.name, str((int(true) + int(rng.integers(1, 10))) % 10) if wrong else true, speaker, true]
                )
        source = ["--layout", "table", "--from", str(recordings), "--table", str(table)]
    else:
        source = ["--layout", "pattern", "--from", str(recordings), "--pattern", "{label}_{domain}_{index}.wav"]
    imported = yori("init", str(project), *source)
    first = yori("run", str(project))
    second = yori("run", str(project), "--budget", "0.005")
    result = {
        "import_seconds": imported["seconds"],
        "run_seconds": first["seconds"],
        "other_budget_seconds": second["seconds"],
        "peak_gb": first["peak_bytes"] / 2**30,
        "verdict": first["verdict"]["sentence"],
        "accuracy_before": {name: part["values"]["before"]["accuracy"] for name, part in first["protocols"].items()},
        "edits": first["edit_set"],
        "truth": first["truth"],
        "notes": first["notes"],
    }
    for name, part in first["protocols"].items():
        result[f"{name}: values"] = part["values"]
        result[f"{name}: after against before"] = {
            m: found(first, name, m) for m in ("aurc", "augrc", "ece", "nll", "brier")
        }
        for arm in part["values"]:
            if arm not in ("before", "after"):
                result[f"{name}: after against {arm}"] = found(first, name, "aurc", "after", arm)
                result[f"{name}: {arm} against before"] = found(first, name, "aurc", arm, "before")
    proof = yori("verify", str(Path(first["certificate"]).parent), "--project", str(project))
    return {**result, "verified": proof["holds"], "verify_seconds": proof["seconds"]}


def ships(place: Path) -> dict[str, Any]:
    """DeepShip in windows of two seconds."""
    project = place / "ships"
    imported = yori("init", str(project), "--layout", "deepship", "--from", str(DATA / "deepship"), "--window", "2",
                    "--protocols", "id")  # fmt: skip
    ran = yori("run", str(project))
    return {
        "imported": {name: imported.get(name) for name in ("counts", "reasons", "examples", "groups")},
        "leakage_gap": ran["leakage_gap"],
        "verdict": ran["verdict"]["sentence"],
        "seconds": ran["seconds"],
    }


def large(place: Path, rows: int) -> dict[str, Any]:
    """Given embeddings with 4 % wrong labels."""
    from yori.synthetic import flip_labels, gaussian_mixture_embeddings

    rng = np.random.default_rng(SEED)
    made = gaussian_mixture_embeddings(rows, 768, 10, rng=rng)
    noisy, _ = flip_labels(made.labels, 0.04, classes=10, rng=rng)
    np.save(place / "X.npy", made.embeddings.astype(np.float32))
    with (place / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "verified"])
        for number in range(rows):
            writer.writerow([f"x{number:06d}", f"c{noisy[number]}", f"c{made.labels[number]}"])
    project = place / "large"
    imported = yori("init", str(project), "--layout", "arrays", "--embeddings", str(place / "X.npy"), "--table",
                    str(place / "rows.csv"))  # fmt: skip
    ran = yori("run", str(project))
    return {
        "rows": rows,
        "import_seconds": imported["seconds"],
        "import_peak_gb": imported["peak_bytes"] / 2**30,
        "run_seconds": ran["seconds"],
        "peak_gb": ran["peak_bytes"] / 2**30,
        "verdict": ran["verdict"]["sentence"],
        "truth": ran["truth"],
        "values": ran["protocols"]["id"]["values"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only ships, and large with 5 000 rows")
    parser.add_argument("--only", nargs="+", choices=["clean", "flips", "ships", "large"])
    args = parser.parse_args()
    jobs = {
        "clean": lambda place: digits(place, 0.0),
        "flips": lambda place: digits(place, 0.08),
        "ships": ships,
        "large": lambda place: large(place, 5_000 if args.quick else 50_000),
    }
    chosen = args.only or (["ships", "large"] if args.quick else list(jobs))
    result: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load_at_start": os.getloadavg(),
        "versions": {name: version(name) for name in ("yori", "numpy", "scipy", "pyarrow")},
    }
    for name in chosen:
        with tempfile.TemporaryDirectory() as place:
            result[name] = jobs[name](Path(place))
        print(name, json.dumps(result[name], indent=1)[:3000], flush=True)
        RESULTS.mkdir(exist_ok=True)
        day = datetime.now(UTC).date().isoformat()
        (RESULTS / f"{day}-main_job-{name}.json").write_text(
            json.dumps({**{k: v for k, v in result.items() if k not in jobs}, name: result[name]}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
