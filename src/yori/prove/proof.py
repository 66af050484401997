"""Prove a change of the data: every cell, every arm, one evaluation on test, one certificate.

Each step writes under a key made of all it depends on and is skipped when that is there: an interrupted proof goes on where
it was, and another budget repeats the edits but neither embeddings nor the *before* arm.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from yori.backbones import BACKBONES
from yori.backbones.given import GIVEN
from yori.errors import ValuesError
from yori.prove.arm_names import reference_arm
from yori.prove.arms import ArmsInput, make_arms
from yori.prove.baseline import CellInput, make_baseline, read_stage
from yori.prove.cell_inputs import embeddings_of, input_of, places_of
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.prove.environment import code_sha256, environment
from yori.prove.evaluate import evaluate
from yori.prove.leakage import grouped_accuracy, leakage_inputs
from yori.prove.ledger import flops_of, parity_of
from yori.prove.manifest import splits_text
from yori.prove.predictions import CellResult, prediction_tables, temperatures
from yori.prove.proposal import Proposal, edits_by_cell, propose
from yori.prove.stability import stability_of
from yori.signal.log_mel import frames_of, log_mel_flops
from yori.splits import Cell
from yori.store import Project, content_key, sha256_file
from yori.task import Task, parse_task
from yori.workers import Progress, map_in_processes, silent

FORMAT = 1
"""Of the certificate. A larger number was written by a newer yori."""
FILES = ("predictions.parquet", "validation.parquet", "edits.parquet", "edits_by_cell.parquet", "splits.json")


@dataclass(frozen=True)
class Overrides:
    """What the command line changes in the task; kept in the certificate."""

    budget: float | None = None
    seeds: int | None = None
    mode: str | None = None
    """``validation`` or ``cross_fitted``; ``review``: the task's own mode, all edits as proposals for a person."""

    def recorded(self) -> dict[str, Any]:
        """As the certificate keeps it."""
        return {name: each for name, each in dataclasses.asdict(self).items() if name != "mode" or each is not None}

    def apply(self, task: Task) -> Task:
        """The task as it is run."""
        if self.budget is not None:
            task = dataclasses.replace(task, budget=dataclasses.replace(task.budget, edits=self.budget))
        if self.mode is not None:
            changed: Any = {"actions": ("review",)} if self.mode == "review" else {"mode": self.mode}
            task = dataclasses.replace(task, curate=dataclasses.replace(task.curate, **changed))
        return task if self.seeds is None else dataclasses.replace(task, seeds=self.seeds)


@dataclass(frozen=True)
class Assigned:
    """Cells that were decided elsewhere, and the embeddings of a backbone that stays as it is: a turn of the flywheel.

    ``cells`` index the examples of the latest data version, sorted by id; ``embeddings`` is the key of stored ones;
    ``steps``: how long every arm trains, None = as task.yaml says.
    """

    cells: tuple[Cell, ...]
    embeddings: str
    steps: int | None = None

    def apply(self, task: Task) -> Task:
        """The task with the one protocol that these cells are."""
        splits = dataclasses.replace(task.splits, protocols=("id",))
        return dataclasses.replace(
            task, splits=splits, seeds=len(self.cells), endpoint=dataclasses.replace(task.endpoint, protocol="id")
        )


@dataclass(frozen=True)
class Proof:
    """Where a proof is, its certificate, and whether it was there already."""

    path: Path
    certificate: dict[str, Any]
    reused: bool


def prove(
    project: Project,
    *,
    overrides: Overrides = Overrides(),
    assigned: Assigned | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    finish: Callable[[Path], None] = lambda folder: None,
) -> Proof:
    """Run every stage from splits to certificate on the latest data version.

    Parameters
    ----------
    overrides
        Budget and number of seeds in place of those in task.yaml.
    assigned
        Who trains, asks and tests, in place of what task.yaml says about splits; None: as task.yaml says.
    finish
        Called with the folder of a new proof before it is published: writes the report.

    Raises
    ------
    YoriError
        Any of `yori.errors`; nothing half-written stays.
    """
    text = project.task_text()
    task = overrides.apply(parse_task(text, name=str(project.path / "task.yaml")))
    task = task if assigned is None else assigned.apply(task)
    data = dataset_of(project, task)
    if assigned is None:
        cells = cells_of(data, task)
        stored = embeddings_of(project, task, data, cells, workers, progress)
    else:
        cells = list(assigned.cells)
        stored = [project.open_embeddings(assigned.embeddings)] * len(cells)
    inputs = [input_of(project, task, data, cell, shards) for cell, shards in zip(cells, stored, strict=True)]
    if assigned is not None:
        inputs = [dataclasses.replace(each, steps=assigned.steps) for each in inputs]
    _check_budget(task, inputs)
    baselines = _run(make_baseline, inputs, "before", workers, progress)
    asked = [
        ArmsInput(cell, key, task.budget.edits, task.objective, rules=task.curate)
        for cell, key in zip(inputs, baselines, strict=True)
    ]
    arms = _run(make_arms, asked, "curate and train", workers, progress)
    version = project.version()
    key = content_key(
        stage="proof", format=FORMAT, code=code_sha256(), task=text, budget=task.budget.edits, seeds=task.seeds,
        data=version.content_hash, arms=list(arms), **({} if overrides.mode is None else {"mode": overrides.mode}),
    )  # fmt: skip
    final = project.stage_path("proofs", key)
    if not project.has_stage("proofs", key):
        results = [
            CellResult(cell, read_stage(project, before), read_stage(project, after), shards, places_of(data, shards))
            for cell, before, after, shards in zip(cells, baselines, arms, stored, strict=True)
        ]
        gap = _leakage(project, task, data, inputs, results, workers, progress)
        with project.stage_folder("proofs", key) as folder:
            progress("prove", 0, 3)
            parts = _write_tables(folder, data, results, task)
            progress("prove", 1, 3)
            certificate = _certificate(project, text, task, overrides, data, results, gap, *parts)
            certificate["files"] = {name: sha256_file(folder / name) for name in FILES}
            certificate["seal"] = seal(certificate)
            certificate["created"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            write_certificate(folder, certificate)
            progress("prove", 2, 3)
            finish(folder)
            progress("prove", 3, 3)
        return Proof(final, certificate, reused=False)
    return Proof(final, json.loads((final / "certificate.json").read_text(encoding="utf-8")), reused=True)


def seal(certificate: dict[str, Any]) -> str:
    """Hash of a certificate, its time and seal apart."""
    return content_key(**{name: part for name, part in certificate.items() if name not in ("created", "seal")})


def write_certificate(folder: Path, certificate: dict[str, Any]) -> None:
    """Write ``certificate.json``."""
    text = json.dumps(certificate, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "certificate.json").write_text(text, encoding="utf-8")


def _run(function: Any, tasks: Sequence[Any], what: str, workers: int | None, progress: Progress) -> list[str]:
    keys = [""] * len(tasks)
    for index, key in map_in_processes(function, tasks, workers=workers, what=what, progress=progress):
        keys[index] = key
    return keys


def _check_budget(task: Task, inputs: Sequence[CellInput]) -> None:
    smallest = min(cell.n_train for cell in inputs)
    if task.budget.edits * smallest + 1e-9 < 1:
        raise ValuesError(
            "a budget of at least one edit", f"{task.budget.edits:g} of {smallest} training examples", where="budget.edits",
            fix=f"Set it to at least {1 / smallest:.2g}, or import more examples.",
        )  # fmt: skip


def group_names(data: Dataset) -> list[str]:
    """A stable name of every group: the smallest example id in it."""
    names: dict[int, str] = {}
    for number, example in zip(data.groups.tolist(), data.ids.tolist(), strict=True):
        names.setdefault(number, str(example))
    return [names[number] for number in range(len(names))]


def _primary(results: Sequence[CellResult], protocol: str) -> list[CellResult]:
    return [result for result in results if result.cell.protocol.startswith(protocol)]


def _leakage(
    project: Project,
    task: Task,
    data: Dataset,
    inputs: Sequence[CellInput],
    results: Sequence[CellResult],
    workers: int | None,
    progress: Progress,
) -> dict[str, Any] | None:
    first = next(number for number, cell in enumerate(inputs) if cell.protocol.startswith(task.endpoint.protocol))
    base = {
        "project": project.path, "embeddings": inputs[first].embeddings, "rows": results[first].place,
        "targets": data.targets, "truth": data.truth, "classes": len(data.classes),
        "l2": results[first].baseline.facts["l2"],
    }  # fmt: skip
    tasks = leakage_inputs(base, data.groups)
    if not tasks:
        return None
    found = dict(map_in_processes(grouped_accuracy, tasks, workers=workers, what="leakage gap", progress=progress))
    return {"metric": "accuracy", "by_clip": found[0], "by_group": found[1], "folds": 5}


def _write_tables(
    folder: Path, data: Dataset, results: Sequence[CellResult], task: Task
) -> tuple[dict[str, Any], Proposal]:
    names = group_names(data)
    test, validation = prediction_tables(results, data, names)
    pq.write_table(test, folder / "predictions.parquet", compression="zstd")
    pq.write_table(validation, folder / "validation.parquet", compression="zstd")
    mine = _primary(results, task.endpoint.protocol)
    proposal = propose(
        mine,
        data,
        budget=int(np.floor(task.budget.edits * len(data) + 1e-9)),
        objective=task.objective,
        rules=task.curate,
    )
    pq.write_table(proposal.table(), folder / "edits.parquet")
    pq.write_table(edits_by_cell(results, data), folder / "edits_by_cell.parquet")
    text = splits_text([result.cell for result in results], data.ids, [names[int(group)] for group in data.groups])
    (folder / "splits.json").write_text(text, encoding="utf-8")
    return evaluate(test, task), proposal


def _count(names: Sequence[str], values: Sequence[str]) -> list[dict[str, Any]]:
    return [{"name": name, "count": sum(value == name for value in values)} for name in names]


def _certificate(
    project: Project,
    text: str,
    task: Task,
    overrides: Overrides,
    data: Dataset,
    results: Sequence[CellResult],
    gap: dict[str, Any] | None,
    evaluated: dict[str, Any],
    proposal: Proposal,
) -> dict[str, Any]:
    version = project.version()
    heat = [temperatures(result, data) for result in results]
    embedding = 0
    if task.backbone.name != GIVEN:
        module = BACKBONES[task.backbone.name]
        rate = task.audio.sample_rate
        seconds = [each or 1.0 for each in data.table["duration"].to_pylist()]
        once = {result.shards.path.name: result.shards.d for result in results}  # cells may share a backbone
        embedding = sum(log_mel_flops(each, rate) for each in seconds)
        embedding += sum(module.encode_flops(d, frames_of(each, rate)) for d in once.values() for each in seconds)
    domains = None if data.domains is None else data.domains.tolist()
    edits = proposal.edits
    return {
        "format": FORMAT,
        "name": task.name,
        "modality": task.modality,
        "labels": task.labels,
        **evaluated,
        "task": {
            "sha256": content_key(text=text), "text": text, "overrides": overrides.recorded(),
            "objective": task.objective, "backbone": task.backbone.name,
        },
        "data": {
            "version": version.number,
            "content_sha256": version.content_hash,
            "examples": len(data),
            "unlabelled": data.unlabelled,
            "verified": data.verified,
            "classes": [
                {"name": name, "count": int((data.targets == number).sum() if data.targets.ndim == 1
                                            else data.targets[:, number].sum())}
                for number, name in enumerate(data.classes)
            ],
            "domains": [] if domains is None else _count(sorted(set(domains)), domains),
            "groups": len(np.unique(data.groups)),
        },
        "environment": environment(),
        "code_sha256": code_sha256(),
        "splits": {
            "by": task.splits.by,
            "cells": [
                {
                    "protocol": result.cell.protocol,
                    "seed": result.cell.seed,
                    "train": len(result.cell.train),
                    "validation": len(result.cell.validation),
                    "test": len(result.cell.test),
                    "sha256": result.cell.sha256(data.ids),
                    "l2": result.baseline.facts["l2"],
                    "temperature": {"before": hot["before"], "after": hot["after"]},
                    "steps": result.baseline.facts["steps"],
                    "batch_size": result.baseline.facts["batch_size"],
                    "embeddings": result.shards.path.name,
                }
                for result, hot in zip(results, heat, strict=True)
            ],
        },
        "edits": {
            "budget": int(np.floor(task.budget.edits * len(data) + 1e-9)),
            "budget_share": task.budget.edits,
            "count": len(edits),
            "sha256": edits.sha256(),
            "by_action": {name: sum(edit.action == name for edit in edits) for name in _actions(task)},
            "by_class": {name: sum(edit.old_label == name for edit in edits) for name in sorted({e.old_label for e in edits})},
            "cells": [
                {
                    "protocol": result.cell.protocol,
                    "seed": result.cell.seed,
                    "budget": result.arms.facts["budget"],
                    "count": len(result.arms.facts["edits"]),
                    "accepted_rounds": sum(each["accepted"] for each in result.arms.facts["rounds"]),
                    "rounds": len(result.arms.facts["rounds"]),
                }
                for result in results
            ],
        },
        "curation": _curation(task, results),
        "stability": stability_of(_primary(results, task.endpoint.protocol)),
        "flops": flops_of(results, embedding=embedding),
        "parity": parity_of(results),
        "leakage_gap": gap,
        "truth": _truth(data, results, proposal),
        "looks": _looks(project, version.content_hash) + 1,
        "notes": _notes(task, data, results),
    }  # fmt: skip


def _actions(task: Task) -> list[str]:
    return ["drop", "relabel", *(["review"] if "review" in task.curate.actions else [])]


def _curation(task: Task, results: Sequence[CellResult]) -> dict[str, Any]:
    """By which rules edits were chosen, what *after* is compared with, and who asked in every cell."""
    return {
        **dataclasses.asdict(task.curate),
        "actions": list(task.curate.actions),
        "reference": reference_arm(task.curate.cross_fitted),
        "cells": [
            {"protocol": result.cell.protocol, "seed": result.cell.seed,
             **{name: result.arms.facts["curation"][name] for name in ("queries", "estimates")}}
            for result in results
        ],
    }  # fmt: skip


def _truth(data: Dataset, results: Sequence[CellResult], proposal: Proposal) -> dict[str, Any] | None:
    """How many edits hit a label that is known to be wrong, beside chance."""
    wrong = data.targets != data.truth if data.targets.ndim == 1 else (data.targets != data.truth).any(axis=1)
    if not wrong.any():
        return None
    names = {str(name) for name in data.ids[wrong]}
    cells = [edit["example_id"] in names for result in results for edit in result.arms.facts["edits"]]
    hits = sum(edit.example_id in names for edit in proposal.edits)
    right = sum(
        edit.new_label == data.classes[int(data.truth[place])]
        for edit in proposal.edits
        if edit.action == "relabel" and data.truth.ndim == 1
        for place in np.flatnonzero(data.ids == edit.example_id)
    )
    return {
        "wrong_labels": int(wrong.sum()),
        "hits": hits,
        "edits": len(proposal.edits),
        "rate": hits / len(proposal.edits) if len(proposal.edits) else 0.0,
        "chance": float(wrong.mean()),
        "relabels_right": int(right),
        "cell_edits": len(cells),
        "cell_hits": sum(cells),
    }


def _looks(project: Project, data: str) -> int:
    """How many proofs of the same data there are: each is one more look at the test set."""
    found = 0
    for path in sorted((project.path / "proofs").glob("*/certificate.json")):
        try:
            found += json.loads(path.read_text(encoding="utf-8"))["data"]["content_sha256"] == data
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _notes(task: Task, data: Dataset, results: Sequence[CellResult]) -> list[str]:
    notes = []
    if task.splits.by == "clip":
        notes.append(
            "The split is by random clip: clips of one recording may be on both sides. Accuracy may be flattered."
        )
    if data.unlabelled:
        notes.append(f"{data.unlabelled} examples without a label were not used.")
    if not any(result.arms.facts["edits"] for result in results):
        notes.append("No round of edits helped the validation folds that had not chosen it, so nothing was edited.")
    plain = [
        result.arms.facts["curation"]
        for result in results
        if result.cell.protocol.startswith("lodo") and result.arms.facts["curation"]["estimates"] is None
        and result.arms.facts["curation"]["queries"] == "training_domains"
    ]  # fmt: skip
    if plain and task.curate.queries != "training_domains":
        notes.append(
            f"Left-out domains should ask, but {len(plain)} of {len(results)} cells have too few training domains or groups "
            "that cross them: training domains asked there."
        )
    moved = [
        result
        for result in results
        if task.head.l2 is None and result.baseline.facts["other_l2"] != result.baseline.facts["tuned_l2"]
    ]
    if moved:
        facts = [result.baseline.facts for result in moved]
        here, there = (
            float(np.mean([next(c["aurc"] for c in f["candidates"] if c["l2"] == f[name]) for f in facts]))
            for name in ("tuned_l2", "other_l2")
        )
        other = "nll_after_temperature" if task.head.tune == "nll" else "nll"
        note = (
            f"Recipe check: in {len(moved)} of {len(results)} cells head.tune: {other} would choose another penalty "
            f"(mean validation AURC {there:.4g} instead of {here:.4g}). The recipe is frozen for all arms either way."
        )
        if there < 0.9 * here:
            note += f" A stronger before is one line away: set head.tune: {other} and run again before trusting a gain."
        notes.append(note)
    return notes
