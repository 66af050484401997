"""The first task.yaml of a project, proposed from what was imported; a person edits it before looking at any result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from yori.errors import SplitError, TaskError, ValuesError
from yori.importers import Listing
from yori.main_job.data_source import DataSource
from yori.splits.folds import cluster_names, merge_groups
from yori.splits.protocols import lodo_cells
from yori.store.examples import count_classes
from yori.task import (
    AudioFormat,
    Backbone,
    ClassDefinition,
    Columns,
    Endpoint,
    SplitPolicy,
    Task,
    parse_task,
    task_text,
)

MOST_DOMAINS = 20
"""With more domains than this, leaving each one out is not proposed unasked: it takes that many times as long."""

PROTOCOLS = ("id", "lodo")

_COLUMN_ROLES = ("domain", "group", "annotator", "time", "verified")


def propose_task(
    listing: Listing,
    rows: pa.Table,
    source: DataSource,
    *,
    name: str,
    audio: AudioFormat | None,
    dimensions: int | None,
    protocols: Sequence[str] | None,
) -> tuple[Task, list[str]]:
    """Task for the rows of a first import, and sentences about what was decided.

    Parameters
    ----------
    listing, rows, source
        What was found, what is kept of it, and where it came from.
    name
        Of the task.
    audio
        None for embeddings.
    dimensions
        Of given embeddings; None for audio.
    protocols
        Out of ``id`` and ``lodo``; None = ``id``, and ``lodo`` where it can be done.

    Raises
    ------
    ValuesError
        If there are fewer than two classes, or a protocol is unknown.
    SplitError
        If ``lodo`` is asked for and cannot be done, or the split column lacks a part.
    TaskError
        If a name cannot be written into task.yaml, for example because it holds a line break.
    """
    classes = tuple(ClassDefinition(label) for label in count_classes(rows["label"]))
    if len(classes) < 2:
        raise ValuesError("at least two classes", str(len(classes)), where="labels", fix="Check the layout.")
    given_split = "split" in source.columns
    chosen, notes = _protocols(rows, listing.labels, protocols, given_split)
    if given_split:
        _check_split(rows)
    elif "split" in listing.roles:
        notes.append("The source has a split; it is kept, and used if task.yaml says splits.by: table.")
    task = Task(
        name=name,
        classes=classes,
        modality="embeddings" if audio is None else "audio",
        labels=listing.labels,
        columns=_columns(listing, source),
        audio=audio or AudioFormat(),
        backbone=Backbone() if dimensions is None else Backbone("given", min(max(dimensions, 2), 1024)),
        splits=SplitPolicy(protocols=chosen, by="table" if given_split else "group"),
        endpoint=Endpoint(protocol="id" if "id" in chosen else "lodo"),
    )
    return task, notes


def written_task(task: Task, notes: Sequence[str]) -> str:
    """The text of task.yaml, after checking that it says what the task says.

    Raises
    ------
    TaskError
        If it cannot be read back: some name holds what YAML cannot carry in a way people could edit.
    """
    text = task_text(task, notes=[note for note in notes if note.isprintable()])
    try:
        if parse_task(text) == task:
            return text
        arrived = "another one when read back"
    except TaskError as error:
        arrived = str(error).rstrip(".")
    fix = "Rename the classes, the columns or the task: plain text in one line, at most one million bytes in all."
    raise TaskError("names that task.yaml can hold", arrived, where="task.yaml", fix=fix)


def _protocols(
    rows: pa.Table, labels: str, wanted: Sequence[str] | None, given_split: bool
) -> tuple[tuple[str, ...], list[str]]:
    if wanted is not None:
        unknown = [one for one in wanted if one not in PROTOCOLS]
        if unknown or not wanted or len(set(wanted)) < len(wanted):
            arrived = ", ".join(map(repr, wanted)) or "none"
            raise ValuesError("protocols out of id, lodo, each at most once", arrived, where="protocols")
        problem = _lodo_problem(rows, labels) if "lodo" in wanted else None
        if problem is not None:
            raise problem
        return tuple(wanted), []
    domains = rows["domain"].drop_null().unique()
    if len(domains) < 2 or given_split:
        return ("id",), []
    if len(domains) > MOST_DOMAINS:
        note = f"{len(domains)} domains: leaving each one out was not proposed; add lodo to splits.protocols if it is meant."
        return ("id",), [note]
    problem = _lodo_problem(rows, labels)
    if problem is not None:
        return ("id",), [f"Leaving a domain out was not proposed: expected {problem.expected}, got {problem.arrived}."]
    return PROTOCOLS, []


def _lodo_problem(rows: pa.Table, labels: str) -> SplitError | None:
    """Why each domain cannot be held out in turn, by trying it with the default shares."""
    if rows["domain"].null_count:
        count = rows["domain"].null_count
        return SplitError("a domain for every example", f"none for {count} of {len(rows)}", where="lodo")
    ids = rows["example_id"].to_pylist()
    order = np.argsort(np.array(ids, dtype=str), kind="stable")
    domains = np.array(rows["domain"].to_pylist(), dtype=str)[order]
    clusters = cluster_names(ids, rows["duplicates"].to_pylist())[order]
    groups = merge_groups(np.array(rows["group"].to_pylist(), dtype=str)[order], clusters)
    names = [str(one) for one in rows["label"].to_pylist()]
    if labels == "multiple":  # combinations of labels may be rare; only domains and groups can be checked
        names = [""] * len(names)
    label = np.unique(np.array(names, dtype=str), return_inverse=True)[1][order].astype(np.int64)
    try:
        for _ in lodo_cells(label, groups, domains, validation=SplitPolicy().validation, seeds=1, seed=0):
            pass
    except SplitError as error:
        return error
    return None


def _check_split(rows: pa.Table) -> None:
    found = set(rows["split"].to_pylist())
    if found != {"train", "validation", "test"}:
        arrived = ", ".join(sorted(str(one) for one in found))
        fix = "Complete the column, or leave --split-column out: yori then splits by group."
        raise SplitError("train, validation and test, one for every example", arrived, where="split column", fix=fix)


def _columns(listing: Listing, source: DataSource) -> Columns:
    """Which column plays which role: as said, or under the name of the role."""
    said = source.columns
    roles = {role: said.get(role) or (role if role in listing.roles else None) for role in _COLUMN_ROLES}
    return Columns(label=said.get("label", "label"), **roles)
