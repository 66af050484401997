"""Do the edits help, how is it best asked, and how much is bought with how many edits?

``python -m benchmarks.effect [--quick] [--only NAME …] [--work DIR] [--workers N]``; real data are found through
``YORI_TEST_DATA``.

flips      Free Spoken Digits with 8 % of the labels flipped, 5 seeds: id and leave-one-speaker-out at 1 % of edits, both
           modes; leave-one-speaker-out by queries from training speakers, left-out speakers, and as nested validation chooses
curve      the same, id: gain against budget, 0.1 % … 5 %, both modes
draws      the same, id at 1 %, with the flips drawn anew 40 or 10 times: one draw cannot tell two good ways apart
objectives the same, id at 1 %: objectives, line-searched rounds and consensus, both modes
shuffled   digits as they are, id at 1 %, with the labels of validation dealt out anew: nothing may be gained on test.
           (With flips there would be a gain all the same: wrong labels have the largest influence, whatever is asked.)
clean      Free Spoken Digits as they are, id and leave-one-speaker-out at 1 %, both modes
large      50 000 generated embeddings with 8 % wrong labels, unevenly spread: cross-fitted against train + validation

Every cell of every part is a stage of a project under ``--work`` and every part's figures are written as soon as they are
there, so an interrupted run goes on where it was. Test labels are the verified ones; validation asks with verified labels,
too, while training labels, and those of validation where it is trained on, are as given, with the flips.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from yori.main_job import DataSource, init
from yori.prove import cell_inputs
from yori.prove import proof as stages
from yori.prove.arm_names import reference_arm
from yori.prove.arms import ArmsInput, make_arms
from yori.prove.baseline import CellInput, make_baseline, read_stage
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.prove.evaluate import evaluate
from yori.prove.predictions import CellResult, prediction_tables
from yori.prove.stability import stability_of
from yori.statistics.closed_form import t_interval
from yori.store import Project
from yori.synthetic import gaussian_mixture_embeddings
from yori.task import CurationRules, Task, parse_task
from yori.workers import map_in_processes, silent

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
SEED = 11
FLIPS = 0.08
DRAWS = {"validation": 40, "cross_fitted": 10}
FIRST_DRAW = 21
"""Draws 1 to 20 chose the default objective (docs/decisions/0004)."""
BUDGETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
OBJECTIVES = ("robust_nll", "nll", "brier", "aurc", "aurc_soft", "augrc_soft")
MODES = ("validation", "cross_fitted")
METRICS = ("aurc", "augrc", "ece", "nll", "brier", "risk@0.8", "accuracy")


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to choose edits, and the protocol it is judged by."""

    mode: str
    protocol: str = "id"
    budget: float = 0.01
    objective: str = "robust_nll"
    queries: str = "nested_domains"
    rounds: str = "equal"
    consensus: float = 0.0
    actions: tuple[str, ...] = ("drop", "relabel")

    @property
    def name(self) -> str:
        """What differs from the usual, in words."""
        usual = {field.name: field.default for field in dataclasses.fields(Way)}
        parts = [
            f"{name} {'+'.join(value) if isinstance(value, tuple) else value}"
            for name, value in dataclasses.asdict(self).items()
            if value != usual[name]
        ]
        return ", ".join(parts)

    def rules(self) -> CurationRules:
        """For the task."""
        return CurationRules(
            mode=self.mode, queries=self.queries, rounds=self.rounds, consensus=self.consensus, actions=self.actions
        )  # type: ignore[arg-type]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Place:
    """A project and all its cells."""

    project: Project
    task: Task
    data: Dataset
    inputs: list[CellInput]
    cells: list[Any]
    stored: list[Any]


def digits(work: Path, flips: float, seeds: int) -> Project:
    """Spoken digits as a project, imported once."""
    folder = work / ("flipped" if flips else "clean")
    if (folder / "yori.json").is_file():
        return _with_seeds(folder, seeds)
    recordings = DATA / "fsdd" / "recordings"
    rng = np.random.default_rng(SEED)
    table = work / f"{folder.name}.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "domain", "verified"])
        for path in sorted(recordings.glob("*.wav")):
            true, speaker, _ = path.stem.split("_")
            wrong = rng.random() < flips
            given = str((int(true) + int(rng.integers(1, 10))) % 10) if wrong else true
            writer.writerow([path.name, given, speaker, true])
    columns = {"domain": "domain", "verified": "verified", "uri": "path"}
    init(folder, DataSource(layout="table", path=recordings, table=table, columns=columns), name=folder.name)
    return _with_seeds(folder, seeds)


def generated(work: Path, rows: int, seeds: int) -> Project:
    """Embeddings whose wrong labels sit unevenly."""
    folder = work / f"generated{rows}"
    if (folder / "yori.json").is_file():
        return _with_seeds(folder, seeds)
    rng = np.random.default_rng(SEED)
    made = gaussian_mixture_embeddings(rows, 64, 10, label_noise=FLIPS, heterogeneity=1.0, domains=1, rng=rng)
    np.save(work / "X.npy", made.embeddings)
    table = work / "rows.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "group", "verified"])
        for number, (given, true, group) in enumerate(zip(made.labels, made.true_labels, made.groups, strict=True)):
            writer.writerow([f"x{number:06d}", f"c{given}", f"g{group}", f"c{true}"])
    columns = {"group": "group", "verified": "verified"}
    init(folder, DataSource(layout="arrays", embeddings=work / "X.npy", table=table, columns=columns), name="generated")
    return _with_seeds(folder, seeds)


def _with_seeds(folder: Path, seeds: int) -> Project:
    path = folder / "task.yaml"
    lines = [f"seeds: {seeds}" if line.startswith("seeds:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Project.open(folder)


def opened(project: Project, workers: int | None, protocols: Sequence[str]) -> Place:
    """Splits and embeddings of some protocols."""
    task = parse_task(project.task_text(), name="task.yaml")
    data = dataset_of(project, task)
    cells = [cell for cell in cells_of(data, task) if cell.protocol.partition(":")[0] in protocols]
    stored = cell_inputs.embeddings_of(project, task, data, cells, workers, silent)
    inputs = [
        cell_inputs.input_of(project, task, data, cell, shards) for cell, shards in zip(cells, stored, strict=True)
    ]
    return Place(project, task, data, inputs, cells, stored)


def shuffled(given: CellInput) -> CellInput:
    """The cell with the labels of validation dealt out anew; the penalty stays that of the true ones."""
    key = make_baseline(given)
    l2 = float(read_stage(Project(given.project), key).facts["l2"])
    turn = np.random.default_rng([SEED, given.seed]).permutation(len(given.ids) - given.n_train)
    targets = given.targets.copy()
    targets[given.n_train :] = targets[given.n_train :][turn]
    recipe = dataclasses.replace(given.recipe, l2=l2)
    return dataclasses.replace(given, targets=targets, validation_given=targets[given.n_train :], recipe=recipe)


def redrawn(place: Place, draw: int) -> Place:
    """The same cells with other labels flipped."""
    truth, classes = place.data.truth, len(place.data.classes)
    rng = np.random.default_rng([SEED, draw])
    wrong = rng.random(len(truth)) < FLIPS
    targets = np.where(wrong, (truth + rng.integers(1, classes, len(truth))) % classes, truth)
    data = dataclasses.replace(place.data, targets=targets)
    inputs = [
        cell_inputs.input_of(place.project, place.task, data, cell, shards)
        for cell, shards in zip(place.cells, place.stored, strict=True)
    ]
    return dataclasses.replace(place, data=data, inputs=inputs)


def over_draws(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean over draws of after − arm, with a t interval over the draws; the splits are the same in all of them."""
    summary: dict[str, Any] = {}
    for arm in found[0]["values"]:
        if arm == "after":
            continue
        summary[arm] = {}
        for metric in METRICS:
            after, other = (np.array([each["values"][name][metric] for each in found]) for name in ("after", arm))
            gap = after - other
            interval = t_interval(float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap))), len(gap) - 1, 0.95)
            summary[arm][metric] = {
                "before": float(other.mean()), "after": float(after.mean()),
                "relative": float(gap.mean() / other.mean()), "low": interval.low, "high": interval.high,
                "p_value": interval.p_value,
            }  # fmt: skip
    edits = {name: sum(each["edits"][name] for each in found) for name in found[0]["edits"]}
    return {"draws": len(found), "edits": edits, "against": summary}


def measured(place: Place, way: Way, workers: int | None, *, shuffle: bool = False) -> dict[str, Any]:
    """All cells of a protocol, one way; what `yori run` would state."""
    started = time.perf_counter()
    chosen = [k for k, cell in enumerate(place.cells) if cell.protocol.startswith(way.protocol)]
    inputs = [shuffled(place.inputs[k]) if shuffle else place.inputs[k] for k in chosen]
    before = dict(map_in_processes(make_baseline, inputs, workers=workers, what="before", progress=silent))
    asked = [ArmsInput(each, before[k], way.budget, way.objective, rules=way.rules()) for k, each in enumerate(inputs)]
    arms = dict(map_in_processes(make_arms, asked, workers=workers, what="arms", progress=silent))
    results = [
        CellResult(
            place.cells[cell], read_stage(place.project, before[k]), read_stage(place.project, arms[k]),
            place.stored[cell], cell_inputs.places_of(place.data, place.stored[cell]),
        )
        for k, cell in enumerate(chosen)
    ]  # fmt: skip
    return {**_figures(place, results, way), "seconds": time.perf_counter() - started}


def _figures(place: Place, results: Sequence[CellResult], way: Way) -> dict[str, Any]:
    table, _ = prediction_tables(results, place.data, stages.group_names(place.data))
    reference = reference_arm(way.mode == "cross_fitted")
    found: dict[str, Any] = {"against": {}, "budget": way.budget}
    for metric in ("aurc", "risk@0.8"):
        endpoint = dataclasses.replace(place.task.endpoint, metric=metric, protocol=way.protocol)
        task = dataclasses.replace(place.task, endpoint=endpoint, secondary=METRICS, curate=way.rules())
        protocol = evaluate(table, task)["protocols"][way.protocol]
        found["values"] = protocol["values"]
        for each in protocol["comparisons"]:
            if each["arm"] == "after" and (each["metric"] == metric or each["against"] in ("before", reference)):
                one = each["comparison"]
                found["against"].setdefault(each["against"], {})[each["metric"]] = {
                    **{name: one[name] for name in ("before", "after", "relative", "low", "high", "p_value")},
                    "verdict": each["verdict"]["word"],
                }
    truth = dict(zip(place.data.ids.tolist(), place.data.truth.tolist(), strict=True))
    given = dict(zip(place.data.ids.tolist(), place.data.targets.tolist(), strict=True))
    edits = [edit for result in results for edit in result.arms.facts["edits"]]
    relabels = [edit for edit in edits if edit["action"] == "relabel"]
    found["edits"] = {
        "cells": len(results),
        "allowed": sum(result.arms.facts["budget"] for result in results),
        "made": len(edits),
        "hits": sum(given[edit["example_id"]] != truth[edit["example_id"]] for edit in edits),
        "relabels": len(relabels),
        "relabels_right": sum(edit["new"] == truth[edit["example_id"]] for edit in relabels),
    }
    found["stability"] = stability_of(results)
    found["queries"] = [result.arms.facts["curation"] for result in results] if way.protocol == "lodo" else None
    return found


def ways(part: str) -> Iterator[Way]:
    """What each part compares."""
    if part in ("flips", "clean"):
        for mode in MODES:
            yield Way(mode)
            yield Way(mode, "lodo")
    if part == "flips":
        for mode in MODES:
            yield Way(mode, "lodo", queries="training_domains")
            yield Way(mode, "lodo", queries="choose")
    if part == "draws":
        for mode in MODES:
            yield Way(mode)
    if part == "curve":
        for budget in BUDGETS:
            for mode in MODES:
                yield Way(mode, budget=budget)
    if part == "objectives":
        for mode in MODES:
            for objective in OBJECTIVES:
                yield Way(mode, objective=objective)
            yield Way(mode, rounds="line_search")
            yield Way(mode, consensus=0.5)
    if part == "shuffled":
        yield Way("validation", actions=("drop",))
        yield Way("validation")
    if part == "large":
        yield Way("cross_fitted")
        yield Way("validation")
        yield Way("cross_fitted", budget=0.05)


PARTS = ("flips", "draws", "curve", "objectives", "shuffled", "clean", "large")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed of the digits, 4 000 generated rows")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--protocols", nargs="+", choices=["id", "lodo"], default=["id", "lodo"])
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "yori-effect",
        help="folder of the projects; kept between runs",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the figures")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    work = args.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    seeds = 1 if args.quick else args.seeds
    for part in args.only:
        if part == "large":
            project = generated(work, 4_000 if args.quick else 50_000, seeds)
        else:
            project = digits(work, 0.0 if part in ("clean", "shuffled") else FLIPS, seeds)
        needed = [each for each in args.protocols if any(way.protocol == each for way in ways(part))]
        place = opened(project, args.workers, needed)
        if not place.cells:
            continue
        path = args.out / f"effect-{part}{'-quick' if args.quick else ''}.json"
        written: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        if written.get("seeds") != place.task.seeds:  # figures of another number of seeds are no start
            written = {"seeds": place.task.seeds}
        for way in ways(part):
            if way.mode not in args.modes or way.protocol not in args.protocols:
                continue
            if part == "draws":
                each = written.get(way.name, {}).get("each", [])
                while len(each) < (2 if args.quick else DRAWS[way.mode]):
                    one = measured(redrawn(place, FIRST_DRAW + len(each)), way, args.workers)
                    each.append({name: one[name] for name in ("values", "edits", "seconds")})
                    written[way.name] = {**(over_draws(each) if len(each) > 1 else {}), "each": each}
                    _store(path, written)
            elif way.name not in written:
                written[way.name] = measured(place, way, args.workers, shuffle=part == "shuffled")
                _store(path, written)
            else:
                continue
            _show(part, way, written[way.name])


def _store(path: Path, written: dict[str, Any]) -> None:
    written["made"] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "load": os.getloadavg(),
        "versions": {name: version(name) for name in ("yori", "numpy", "scipy", "pyarrow")},
    }
    aside = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)


def _show(part: str, way: Way, found: dict[str, Any]) -> None:
    print(part, way.name, found["edits"], flush=True)
    for arm, metrics in found["against"].items():
        print("   after against", arm, {
            metric: f"{each['relative']:+.3f} p={each['p_value']:.3g}" for metric, each in metrics.items()
            if each["relative"] is not None
        }, flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
