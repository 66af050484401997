"""`yori prepare`: check the columns, and make prepared data the next data version; `--undo` takes it back.

Weights are label patches. Everything that changes an example itself (its samples, its embedding, a column) makes a prepared
copy of it under the id ``<id>~<key>`` and drops the original, because a row, once written, never changes. Nothing is
deleted: the record says what to bring back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from yori.errors import SplitError, StoreError, ValuesError
from yori.preparation.audio_steps import AudioStep, NormaliseLevel, RemoveOffset, Resample
from yori.preparation.class_weights import ClassWeights
from yori.preparation.column_checks import ColumnCheck, check_columns
from yori.preparation.fill_missing import FillMissing
from yori.preparation.prepared_clips import Source, prepare_clips
from yori.preparation.record import Record, read_record, standing, write_record
from yori.preparation.standardise import Standardise
from yori.store import EmbeddingShards, Project, content_key, open_embeddings
from yori.store.media import MEDIA_SOURCE
from yori.store.tables import ROW_COLUMNS
from yori.task import Task, parse_task
from yori.workers import Progress, silent

_QUIET = ("example_id", "uri", "sha256", "label_original")
_FILLABLE = ("domain", "group", "annotator", "time")


@dataclass(frozen=True)
class Wishes:
    """What to prepare; the defaults do nothing.

    Parameters
    ----------
    balance
        Power of the class weights, 0 to 1.
    level
        Level of every clip in dBFS.
    remove_offset
        Take constant offsets out.
    rate
        Rate of every clip in Hz.
    standardise
        Standardise given embeddings; needs a split column.
    fill
        ``(column, how)``, see `FillMissing.fit`.
    drop_missing
        Columns whose gaps leave an example out.
    """

    balance: float | None = None
    level: float | None = None
    remove_offset: bool = False
    rate: int | None = None
    standardise: bool = False
    fill: tuple[tuple[str, str], ...] = ()
    drop_missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Wishes()


@dataclass(frozen=True)
class Prepared:
    """What was done. ``record`` is None if nothing was asked for."""

    version: int
    checks: tuple[ColumnCheck, ...]
    proposals: tuple[str, ...]
    record: Record | None = None
    changed: int = 0


def prepare(
    folder: str | Path, wishes: Wishes, *, who: str, workers: int | None = None, progress: Progress = silent
) -> Prepared:
    """Check the columns of the latest data version, propose steps, and carry out those that are wished for.

    Parameters
    ----------
    folder
        The project.
    wishes
        What to do.
    who
        Who signs.
    workers
        Processes; None = one for each processor.
    progress
        Told about finished pieces of work.

    Raises
    ------
    StoreError
        If an earlier preparation has not been undone.
    SplitError
        If something is to be learnt from training examples and no split says which these are.
    ValuesError
        If a wish does not fit the data.
    """
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    version = project.version()
    table = project.examples(version.number)
    checks = tuple(check_columns(table.drop_columns([name for name in _QUIET if name in table.column_names])))
    proposals = tuple(propose(task, table, checks))
    if not wishes:
        return Prepared(version.number, checks, proposals)
    if (key := standing(project)) is not None:
        raise StoreError(
            "data that are not prepared yet", f"the preparation {key}", where=str(project.path),
            fix="Undo it first: yori prepare DIR --undo",
        )  # fmt: skip
    train = _train(table)
    audio = _audio_steps(wishes, task)
    fills = [FillMissing.fit(name, _cells(table, name).filter(pa.array(train)).to_pylist(), how)
             for name, how in wishes.fill]  # fmt: skip
    weights = _weights(wishes, task, table, train)
    standard, vectors = _standardise(wishes, project, task, table)
    dropped = _gaps(table, wishes.drop_missing)
    ids = table["example_id"].to_pylist()
    kept = [row for row in range(len(ids)) if ids[row] not in set(dropped)]
    changed = {name for fill in fills for name in _filled(table, fill)}
    copied = [ids[row] for row in kept if audio or standard is not None or ids[row] in changed]
    steps = [*audio, *fills, *([standard] if standard else []), *([weights] if weights else [])]
    recorded = [{"step": each.name, **each.fields()} for each in steps]
    recorded += [{"step": "drop_missing", "columns": list(wishes.drop_missing)}] if wishes.drop_missing else []
    old = dict(zip(ids, table["weight"].to_pylist(), strict=True))
    record = Record(
        tuple(recorded), version.number, version.content_hash,
        {"examples": int(np.sum(train)), "split": "train" if not all(train) else "all"},
        {name: old[name] for name in ids} if weights else {}, tuple(copied), tuple(dropped),
    )  # fmt: skip
    write_record(project, record)
    message = f"prepare {record.key} {record.sentence()}"
    if copied:
        _add_copies(project, table, record, fills, audio, standard, vectors, message, who, workers, progress)
    patches = [_patch(name, "drop", "replaced by a prepared copy", who) for name in copied]
    patches += [_patch(name, "drop", "a value is missing", who) for name in dropped]
    if weights:
        label = dict(zip(ids, table["label"].to_pylist(), strict=True))
        patches += [
            _patch(record.copy_of(name) if name in set(copied) else name, "reweight", "class weights", who, weight)
            for name, weight in zip(ids, weights.apply([str(label[name]) for name in ids]), strict=True)
            if label[name] is not None and name not in set(dropped)
        ]
    if patches:
        project.add_labels(_patch_table(project, patches), message=message)
    return Prepared(
        project.version().number, checks, proposals, record, len(copied) + len(dropped) + len(record.weights)
    )


def undo(folder: str | Path, *, who: str) -> Prepared:
    """Take the last preparation back: weights, copies and dropped examples become what they were; later labels stay.

    Raises
    ------
    StoreError
        If nothing has been prepared.
    """
    project = Project.open(folder)
    key = standing(project)
    if key is None:
        raise StoreError("prepared data", "none", where=str(project.path), fix="There is nothing to undo.")
    record = read_record(project, key)
    now = {row["example_id"]: row for row in project.examples(columns=["example_id", "label", "weight"]).to_pylist()}
    then = {
        row["example_id"]: row
        for row in project.examples(record.before, ["example_id", "label", "label_original", "weight"]).to_pylist()
    }
    patches = []
    for name in [*record.copied, *record.dropped]:
        copy = record.copy_of(name)
        # What a person has said of the copy since is said of the example.
        wanted = now[copy]["label"] if copy in now else then[name]["label"]
        if name in record.copied and copy not in now:
            continue  # somebody dropped the copy: the example stays out
        patches.append(_patch(name, "restore", "undo", who))
        if wanted != then[name]["label_original"] and wanted is not None:
            patches.append({**_patch(name, "relabel", "undo", who), "old": then[name]["label_original"], "new": wanted})
        if then[name]["weight"] != 1.0:
            patches.append(_patch(name, "reweight", "undo", who, then[name]["weight"]))
        if copy in now:
            patches.append(_patch(copy, "drop", "undo", who))
    patches += [
        _patch(name, "reweight", "undo", who, weight)
        for name, weight in record.weights.items()
        if name not in set(record.copied) and name in now
    ]
    message = f"undo prepare {key} {record.sentence()}"
    done = project.add_labels(_patch_table(project, patches), message=message)
    return Prepared(done.version.number, (), (), record, len(patches))


def propose(task: Task, table: pa.Table, checks: Sequence[ColumnCheck]) -> list[str]:
    """What is worth preparing, as options of the command, each with its reason."""
    found = []
    by_name = {each.name: each for each in checks}
    for name in _FILLABLE:
        check = by_name.get(name)
        if check is not None and 0 < check.missing < check.rows:
            found.append(f"--fill {name}==unknown    {check.missing} rows have no {name}")
    for check in checks:
        if check.unusable:
            shown = ", ".join(check.unusable[:3])
            found.append(
                f"(edit the table)    {check.name} is {check.kind}, but {check.unusable_rows} rows hold {shown}"
            )
        for alike in check.alike:
            found.append(f"(edit the table)    {check.name} spells one value as {' and '.join(alike)}")
    labels = [each for each in table["label"].to_pylist() if isinstance(each, str)]
    counts = sorted(labels.count(name) for name in set(labels))
    if len(counts) > 1 and counts[-1] >= 3 * counts[0]:
        found.append(
            f"--balance 0.5    the largest class has {counts[-1] / counts[0]:.1f} times the examples of the smallest"
        )
    if task.backbone.name == "given" and any(each == "train" for each in table["split"].to_pylist()):
        found.append("--standardise    embeddings are given, and the split says what training is")
    return found


def _train(table: pa.Table) -> list[bool]:
    """Training examples of the split column; all examples where there is none."""
    splits = table["split"].to_pylist()
    return [each == "train" for each in splits] if "train" in splits else [True] * len(splits)


def _cells(table: pa.Table, name: str) -> pa.ChunkedArray:
    fillable = [each for each in table.column_names if each in _FILLABLE or each not in (*ROW_COLUMNS, *_QUIET)]
    if name not in fillable:
        raise ValuesError(f"a column out of {', '.join(fillable)}", repr(name), where="--fill")
    return table[name]


def _filled(table: pa.Table, fill: FillMissing) -> list[str]:
    """Ids of the examples whose gap is filled."""
    before = table[fill.column].to_pylist()
    return [
        name
        for name, old, new in zip(table["example_id"].to_pylist(), before, fill.apply(before), strict=True)
        if old != new and not (old != old and new != new)
    ]


def _gaps(table: pa.Table, columns: Sequence[str]) -> list[str]:
    gone: dict[str, None] = {}
    for name in columns:
        if name not in table.column_names:
            known = ", ".join(table.column_names)
            raise ValuesError(f"a column out of {known}", repr(name), where="--drop-missing")
        for example, value in zip(table["example_id"].to_pylist(), table[name].to_pylist(), strict=True):
            if value is None or value != value or value == "":
                gone[example] = None
    if len(gone) == len(table):
        raise ValuesError("examples that stay", "none", where="--drop-missing")
    return list(gone)


def _audio_steps(wishes: Wishes, task: Task) -> list[AudioStep]:
    steps: list[AudioStep] = []
    if wishes.rate is not None:
        steps.append(Resample(wishes.rate))
    if wishes.remove_offset:
        steps.append(RemoveOffset())
    if wishes.level is not None:
        steps.append(NormaliseLevel(wishes.level))
    if steps and task.modality != "audio":
        raise ValuesError("sound", f"a project of {task.modality}", where="prepare", fix="Leave the audio steps out.")
    return steps


def _weights(wishes: Wishes, task: Task, table: pa.Table, train: Sequence[bool]) -> ClassWeights | None:
    if wishes.balance is None:
        return None
    if task.labels == "multiple":
        raise ValuesError("one label for each example", "several", where="--balance")
    labels = [label for label, use in zip(table["label"].to_pylist(), train, strict=True) if use and label is not None]
    return ClassWeights.fit(labels, power=wishes.balance)


def _standardise(
    wishes: Wishes, project: Project, task: Task, table: pa.Table
) -> tuple[Standardise | None, Float32[np.ndarray, "n d"] | None]:
    if not wishes.standardise:
        if task.modality != "audio" and (wishes.fill):
            return None, _given(project, table["example_id"].to_pylist())
        return None, None
    if task.backbone.name != "given":
        raise ValuesError("given embeddings", f"the backbone {task.backbone.name}", where="--standardise",
                          fix="Backbones of yori are scaled when they are fitted, on training clips only.")  # fmt: skip
    if "train" not in table["split"].to_pylist():
        raise SplitError(
            "a split column that says which examples train", "none", where="--standardise",
            fix="Splits that are drawn anew for every seed have no fixed training part: scaling would see the test.",
        )  # fmt: skip
    vectors = _given(project, table["example_id"].to_pylist())
    return Standardise.fit(vectors[np.array(_train(table))]), vectors


def _given(project: Project, ids: list[str]) -> Float32[np.ndarray, "n d"]:
    """Given embeddings of examples, from whichever import brought them."""
    folder = project.stage_path("data/embeddings", "given").parent
    names = sorted(path.name for path in folder.glob("given*")) if folder.is_dir() else []
    parts: list[EmbeddingShards] = [open_embeddings(project.path, name) for name in names]
    place = {name: (number, row) for number, part in enumerate(parts) for row, name in enumerate(part.ids.to_pylist())}
    missing = [each for each in ids if each not in place]
    if missing:
        raise StoreError("an embedding for every example", f"none for {missing[0]!r}", where=str(project.path))
    found = np.empty((len(ids), parts[0].d), dtype=np.float32)
    for number, part in enumerate(parts):
        rows = [k for k, each in enumerate(ids) if place[each][0] == number]
        if rows:
            found[rows] = part.rows([place[ids[k]][1] for k in rows])
    return found


def _add_copies(
    project: Project,
    table: pa.Table,
    record: Record,
    fills: Sequence[FillMissing],
    audio: Sequence[AudioStep],
    standard: Standardise | None,
    vectors: Float32[np.ndarray, "n d"] | None,
    message: str,
    who: str,
    workers: int | None,
    progress: Progress,
) -> None:
    """Add a copy of every example that changes; the group of a copy is that of its example, so no split separates them."""
    wanted = set(record.copied)
    place = [row for row, name in enumerate(table["example_id"].to_pylist()) if name in wanted]
    rows = [dict(row) for row in table.take(place).drop_columns(["label_original"]).to_pylist()]
    names = [row["example_id"] for row in rows]
    if audio:
        roots = {name: str(root) for name, root in project.roots().items()}
        clips = prepare_clips(
            project,
            [Source(roots[row["source"]], row["uri"], row["start"], row["duration"]) for row in rows],
            audio, workers=workers, progress=progress,
        )  # fmt: skip
        for row, clip in zip(rows, clips, strict=True):
            row |= {
                "uri": clip.uri,
                "source": MEDIA_SOURCE,
                "start": None,
                "duration": clip.seconds,
                "sha256": clip.sha256,
            }
    for fill in fills:
        for row, value in zip(rows, fill.apply([row[fill.column] for row in rows]), strict=True):
            row[fill.column] = value
    for row, name in zip(rows, names, strict=True):
        row["example_id"] = record.copy_of(name)
        row["group"] = row["group"] or name
    copies = pa.Table.from_pylist(rows, schema=table.drop_columns(["label_original"]).schema)
    if vectors is not None:
        own = vectors[place]
        own = own if standard is None else standard.apply(own)
        key = f"given-{content_key(prepared=record.key)[:32]}"
        if not project.has_stage("data/embeddings", key):
            project.write_embeddings(key, [own], copies["example_id"].to_pylist(), {"prepared": record.key})
    project.add_rows(copies, sources={}, message=message, who=who)


def _patch(name: str, action: str, why: str, who: str, weight: float | None = None) -> dict[str, Any]:
    return {"example_id": name, "action": action, "old": None, "new": None, "weight": weight, "who": who, "why": why}


def _patch_table(project: Project, patches: Sequence[Mapping[str, Any]]) -> pa.Table:
    kind = pa.list_(pa.string()) if project.version().label_kind == "several" else pa.string()
    schema = pa.schema([("example_id", pa.string()), ("action", pa.string()), ("old", kind), ("new", kind),
                        ("weight", pa.float64()), ("who", pa.string()), ("why", pa.string())])  # fmt: skip
    return pa.Table.from_pylist([dict(each) for each in patches], schema=schema)
