"""Does the monitor cry wolf, how soon does it see a drift, and do its risk estimates hold: ``python -m benchmarks.monitor``.

``--quick`` is small; ``--only alarms detection risk speed`` chooses; real data are found through ``YORI_TEST_DATA``. Finished
cells are kept in ``<out>/monitor.partial.jsonl``: an interrupted run goes on from there.

alarms     simulated months of daily looks on a stream that never changes, all tests of a look, one reference for the whole
           month; share of months with an alarm. Bar: at most 5 %, within two standard errors.
detection  a planted drift (every embedding moved along one direction by a part of the standard deviation of a coordinate, or a
           part of the stream replaced by something new) at the level of a daily look: share of looks that alarm, by number
           of rows. `DOCUMENTED` is promised.
risk       spoken digits, each speaker held out in turn: is the true error of a window within its interval, or does the
           estimate say that it cannot know. Bar: at least 90 % of the windows, and of those that were answered.
speed      milliseconds of a whole look by rows, no drift and drift.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from yori.flywheel.drift_look import Side, drift_look
from yori.heads import fit_softmax
from yori.heads.softmax import probs as softmax
from yori.metrics import fit_temperature
from yori.shift import average_confidence, known_shifts, level_of_look, novelty, under_shift
from yori.synthetic import MixtureEmbeddings, gaussian_mixture_embeddings

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
DAY = 86_400.0
DAYS = 30
DIMENSIONS, CLASSES = 64, 6
VALIDATION = 500

DOCUMENTED = {"move 0.5": 800, "move 0.75": 300, "move 1.0": 150, "move 2.0": 40, "new 5 %": 400, "new 10 %": 200}
"""Rows with which a daily look sees a drift at least nine times out of ten."""


class World:
    """A head on embeddings of a mixture, its validation examples, and new rows without end."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 1])
        self.data = _mixture(seed)
        train = slice(0, 1500)
        self.head = fit_softmax(self.data.embeddings[train], self.data.true_labels[train], l2=1e-2, classes=CLASSES)
        validation = np.arange(1500, 1500 + VALIDATION)
        logits = self.head.logits(self.data.embeddings[validation]).astype(float)
        self.temperature = fit_temperature(logits, self.data.true_labels[validation])
        self.rest = np.arange(1500 + VALIDATION, len(self.data.labels))
        self.scale = float(self.data.embeddings.std())
        self.reference = self.side(self.data.embeddings[validation])

    def side(self, embeddings: np.ndarray) -> Side:
        """What the model says about embeddings."""
        probs = softmax(self.head.logits(embeddings).astype(float) / self.temperature)
        confidence = probs.max(axis=1)
        groups = np.arange(len(embeddings))
        labels = probs.argmax(axis=1).astype(str).astype(object)
        return Side(embeddings.astype(np.float32), groups, confidence, labels, confidence < 0.8, groups)

    def rows(self, n: int) -> np.ndarray:
        """New embeddings."""
        return self.data.embeddings[self.rng.choice(self.rest, n, replace=False)]

    def drifted(self, n: int, kind: str) -> np.ndarray:
        """New embeddings of a world that has changed."""
        rows = self.rows(n).copy()
        word, _, size = kind.partition(" ")
        if word == "move":
            direction = np.random.default_rng(3).normal(size=DIMENSIONS)
            rows += float(size) * self.scale * direction / np.linalg.norm(direction)
        else:
            new = max(1, round(float(size.removesuffix(" %")) / 100 * n))
            centre = np.random.default_rng(4).normal(size=DIMENSIONS) * 1.5 * self.scale
            rows[:new] = centre + 0.5 * self.scale * self.rng.normal(size=(new, DIMENSIONS))
        return rows


def _mixture(seed: int) -> MixtureEmbeddings:
    return gaussian_mixture_embeddings(
        22_000, DIMENSIONS, CLASSES, separation=3.5, domains=4, domain_shift=0.5, label_noise=0.0,
        rng=np.random.default_rng([seed, 0]),
    )  # fmt: skip


def alarms_of_a_month(seed: int, rows: int) -> dict[str, Any]:
    """Daily looks at new rows; the reference stays."""
    world = World(seed)
    level = level_of_look(DAY, 0.0)
    days = []
    for _ in range(DAYS):
        found = drift_look(world.reference, world.side(world.rows(rows)), level=level, rng=world.rng)
        days.append(list(found.alarms))
    return {
        "seed": seed,
        "rows": rows,
        "alarms": sum(map(bool, days)),
        "tests": sorted({a for day in days for a in day}),
    }


def detected(kind: str, rows: int, seeds: range) -> dict[str, Any]:
    """Share of looks that alarm, by any test and by each."""
    level = level_of_look(DAY, 0.0)
    found = []
    for seed in seeds:
        world = World(1000 + seed)
        found.append(drift_look(world.reference, world.side(world.drifted(rows, kind)), level=level, rng=world.rng))
    tests = sorted({name for each in found for name in each.tests})
    return {
        "drift": kind,
        "rows": rows,
        "looks": len(found),
        "seen": float(np.mean([bool(each.alarms) for each in found])),
        "by": {name: float(np.mean([name in each.alarms for each in found])) for name in tests},
    }


def risk_on_speakers(embeddings: np.ndarray, labels: np.ndarray, speakers: np.ndarray, held: str, seed: int,
                     rows: int) -> list[dict[str, Any]]:  # fmt: skip
    """Windows of one speaker nobody has heard, estimated as `yori monitor` does; the embedding has not heard it either."""
    rng = np.random.default_rng([seed, sum(map(ord, held))])
    known = rng.permutation(np.flatnonzero(speakers != held))
    validation = np.zeros(len(known), dtype=bool)
    validation[: len(known) // 5] = True
    train, check = known[~validation], known[validation]
    l2 = 1e-3 * float(np.square(embeddings[train]).mean()) * 10
    shifts = known_shifts(embeddings[known], labels[known], speakers[known], validation, classes=10, l2=l2)
    head = fit_softmax(embeddings[train], labels[train], l2=l2, classes=10, tolerance=1e-3)
    temperature = fit_temperature(head.logits(embeddings[check]).astype(float), labels[check])
    old = softmax(head.logits(embeddings[check]).astype(float) / temperature)
    right = old.argmax(axis=1) == labels[check]
    reference = _side(embeddings[check], old)
    windows = []
    for window in range(3):
        chosen = rng.choice(np.flatnonzero(speakers == held), rows, replace=False)
        new = softmax(head.logits(embeddings[chosen]).astype(float) / temperature)
        drift = drift_look(reference, _side(embeddings[chosen], new), level=0.0, rng=rng)
        first = average_confidence(new.max(axis=1), old.max(axis=1), right)
        share = novelty(embeddings[train], embeddings[check], embeddings[chosen]).share
        found = under_shift(first.risk, shifts, share, rows=rows) if drift.suspicious else first
        wrong = float((new.argmax(axis=1) != labels[chosen]).mean())
        windows.append(
            {"speaker": held, "seed": seed, "rows": rows, "window": window, "moved": drift.suspicious,
             "basis": found.basis, "plain": first.risk, "plain_holds": first.low <= wrong <= first.high,
             "risk": found.risk, "low": found.low, "high": found.high, "true": wrong,
             "holds": found.low <= wrong <= found.high, "novelty": share}
        )  # fmt: skip
    return windows


def _side(embeddings: np.ndarray, probs: np.ndarray) -> Side:
    groups = np.arange(len(probs))
    confidence = probs.max(axis=1)
    labels = probs.argmax(axis=1).astype(str).astype(object)
    return Side(embeddings.astype(np.float32), groups, confidence, labels, confidence < 0.8, groups)


def speaker_embeddings(place: Path, workers: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Default embeddings of spoken digits, one set for each held-out speaker that its backbone has not heard."""
    from yori.backbones.embed import EmbeddingJob, embed
    from yori.main_job import DataSource, init
    from yori.store import Project
    from yori.task import parse_task

    folder = place / "digits"
    if not (folder / "yori.json").exists():
        recordings = DATA / "fsdd" / "recordings"
        init(
            folder,
            DataSource(layout="pattern", path=recordings, pattern="{label}_{domain}_{index}.wav"),
            workers=workers,
        )
    project = Project.open(folder)
    examples, task = project.examples(), parse_task(project.task_text())
    speakers = np.array(examples["domain"].to_pylist(), dtype=str)
    labels = np.array(examples["label"].to_pylist(), dtype=str).astype(np.int64)
    names = sorted(set(speakers.tolist()))
    jobs = [EmbeddingJob(np.flatnonzero(speakers != name).astype(np.int64), 0) for name in names]
    shards = embed(
        project, examples, jobs, name="patches", dimensions=task.backbone.dimensions,
        sample_rate=task.audio.sample_rate, workers=workers,
    )  # fmt: skip
    return (
        {name: each.rows_of(examples["example_id"]) for name, each in zip(names, shards, strict=True)},
        labels,
        speakers,
    )


def speed(rows: int, kind: str | None) -> dict[str, Any]:
    """One look, median of five."""
    world = World(77)
    new = world.rows(rows) if kind is None else world.drifted(rows, kind)
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        drift_look(world.reference, world.side(new), level=level_of_look(DAY, 0.0), rng=np.random.default_rng(0))
        taken.append(1000 * (time.perf_counter() - started))
    return {"rows": rows, "drift": kind, "milliseconds": float(np.median(taken))}


class Partial:
    """Finished cells in a file, one a line."""

    def __init__(self, path: Path) -> None:
        self.path, self.known = path, {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
                self.known[entry["cell"]] = entry["found"]
            except (ValueError, KeyError):
                continue

    def once(self, cell: str, make: Callable[[], Any]) -> Any:
        """What was found before, or make and keep it."""
        if cell not in self.known:
            self.known[cell] = make()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"cell": cell, "found": self.known[cell]}) + "\n")
        return self.known[cell]


def cells(args: argparse.Namespace, partial: Partial) -> Iterator[tuple[str, Any]]:
    """Every part that was asked for."""
    if "alarms" in args.only:
        months = [
            partial.once(f"alarms {seed} {rows}", lambda seed=seed, rows=rows: alarms_of_a_month(seed, rows))
            for rows in (100, 300)
            for seed in range(args.months)
        ]
        share = float(np.mean([each["alarms"] > 0 for each in months]))
        error = math.sqrt(0.05 * 0.95 / len(months))
        yield "alarms", {"months": len(months), "with_alarm": share, "bar": 0.05, "standard_error": error,
                         "held": share <= 0.05 + 2 * error, "which": [each for each in months if each["alarms"]]}  # fmt: skip
    if "detection" in args.only:
        found = []
        for kind, promised in DOCUMENTED.items():
            for rows in sorted({promised // 2, promised}):
                if rows >= 20:
                    cell = f"detection {kind} {rows} {args.looks}"
                    found.append(
                        partial.once(cell, lambda kind=kind, rows=rows: detected(kind, rows, range(args.looks)))
                    )
                    print(found[-1], flush=True)
        held = all(each["seen"] >= 0.9 for each in found if each["rows"] == DOCUMENTED[each["drift"]])
        yield "detection", {"documented": DOCUMENTED, "rows": found, "held": held}
    if "risk" in args.only:
        vectors, labels, speakers = speaker_embeddings(args.place, args.workers)
        windows = [
            window
            for held in vectors
            for seed in range(args.seeds)
            for rows in (50, 150, 400)
            for window in partial.once(
                f"risk {held} {seed} {rows}",
                lambda held=held, seed=seed, rows=rows: risk_on_speakers(
                    vectors[held], labels, speakers, held, seed, rows
                ),
            )
        ]
        said = [each for each in windows if each["basis"] != "cannot know"]
        yield (
            "risk",
            {
                "windows": len(windows),
                "holds_or_cannot_know": float(np.mean([each["holds"] for each in windows])),
                "cannot_know": 1 - len(said) / len(windows),
                "holds_of_those_answered": float(np.mean([each["holds"] for each in said])) if said else None,
                "plain_estimate_holds": float(np.mean([each["plain_holds"] for each in windows])),
                "mean_width_answered": float(np.mean([each["high"] - each["low"] for each in said])) if said else None,
                "by_speaker": {
                    name: {
                        "holds": float(np.mean([each["holds"] for each in windows if each["speaker"] == name])),
                        "cannot_know": float(
                            np.mean([each["basis"] == "cannot know" for each in windows if each["speaker"] == name])
                        ),
                        "true": float(np.mean([each["true"] for each in windows if each["speaker"] == name])),
                        "plain": float(np.mean([each["plain"] for each in windows if each["speaker"] == name])),
                        "risk": float(np.mean([each["risk"] for each in windows if each["speaker"] == name])),
                    }
                    for name in vectors
                },
                "held": float(np.mean([each["holds"] for each in windows])) >= 0.9,
            },
        )
    if "speed" in args.only:
        yield "speed", [speed(rows, kind) for rows in (200, 1000) for kind in (None, "move 2.0")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few minutes")
    parser.add_argument("--only", nargs="*", default=["alarms", "detection", "risk", "speed"])
    parser.add_argument("--months", type=int, default=0)
    parser.add_argument("--looks", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--place", type=Path, default=None, help="folder that keeps the project of spoken digits")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.months = args.months or (20 if args.quick else 200)
    args.looks = args.looks or (10 if args.quick else 50)
    args.seeds = args.seeds or (1 if args.quick else 5)
    args.out.mkdir(parents=True, exist_ok=True)
    args.place = args.place or Path(tempfile.mkdtemp(prefix="yori-monitor-"))
    started = time.perf_counter()
    path = args.out / "monitor.partial.jsonl"
    report: dict[str, Any] = {
        "what": "false alarms, detection, label-free risk and speed of the monitor",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": args.quick,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
    }
    for name, found in cells(args, Partial(path)):
        report[name] = found
        print(name, json.dumps(found, indent=1), flush=True)
    report["seconds"] = round(time.perf_counter() - started, 1)
    out = args.out / f"monitor{'-quick' if args.quick else ''}.json"
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    path.unlink(missing_ok=True)
    print(out)


if __name__ == "__main__":
    main()
