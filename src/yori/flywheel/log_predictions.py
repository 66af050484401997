"""Bring a table of `yori.flywheel.predict` into the prediction log, so that a flywheel turns without a server, too.

What is in the log already (the same release, input and window) is not added again; an input that was logged without a group
gets the one it is given now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, insert, select, update

from yori.flywheel.clips import extension_of
from yori.flywheel.database import Database
from yori.flywheel.group_names import check_group, hidden_group
from yori.flywheel.kept_inputs import copy_path, keep_copies
from yori.flywheel.log_rules import LogRules, falls_into
from yori.flywheel.schema import PREDICTIONS
from yori.store import Project, sha256_bytes

ROWS_AT_A_TIME = 500


def log_predictions(
    database: Database,
    project: Project,
    table: str | Path,
    rules: LogRules | None = None,
    *,
    domain: str | None = None,
    group: str | Callable[[str], str | None] | None = None,
) -> int:
    """Add rows of a table that has the column ``embedding``; returns how many were new.

    Parameters
    ----------
    domain
        Where all of them come from.
    group
        What belongs together, see `yori.flywheel.group_names`: one name for all, or what gives it for a file of the table,
        None where there is none.

    Raises
    ------
    ValuesError
        If a group is no name that can be kept.
    StoreError
        If the database does not answer; what was added before stays, and is skipped the next time.
    """
    how = rules or LogRules()
    named = group if callable(group) else lambda file: group
    added = 0
    for batch in pq.ParquetFile(table).iter_batches(ROWS_AT_A_TIME):
        rows = [row for row in pa.Table.from_batches([batch]).to_pylist() if row["error"] is None]
        wanted = [row for row in rows if row["abstained"] or falls_into(how.rows, row["input_sha256"])]
        paths = dict(_copies(project, wanted, how))
        groups = {row["file"]: check_group(named(row["file"]), where=f"group of {row['file']}") for row in wanted}
        values = [_values(row, paths.get(row["file"]), how, domain, groups[row["file"]]) for row in wanted]
        with database.begin() as connection:
            known = _known(connection, values)
            _tell_groups(connection, values, known)
            new = [
                value for value in values if (value["release_id"], value["input_sha256"], value["start"]) not in known
            ]
            if new:
                connection.execute(insert(PREDICTIONS), new)
        added += len(new)
    return added


def _known(connection: Connection, values: list[dict[str, Any]]) -> set[tuple[str, str, float | None]]:
    columns = (PREDICTIONS.c.release_id, PREDICTIONS.c.input_sha256, PREDICTIONS.c.start)
    hashes = sorted({value["input_sha256"] for value in values})
    found = connection.execute(select(*columns).where(PREDICTIONS.c.input_sha256.in_(hashes)))
    return {(str(release), str(digest), start) for release, digest, start in found}


def _tell_groups(
    connection: Connection, values: list[dict[str, Any]], known: set[tuple[str, str, float | None]]
) -> None:
    """Groups for inputs that were logged without one; what was told once is never changed."""
    logged = {digest for _, digest, _ in known}
    told = {value["input_sha256"]: value["group_name"] for value in values if value["group_name"] is not None}
    c = PREDICTIONS.c
    for digest in sorted(logged & told.keys()):
        lacks = (c.input_sha256 == digest) & c.group_name.is_(None)
        connection.execute(update(PREDICTIONS).where(lacks).values(group_name=told[digest]))


def _copies(project: Project, rows: list[dict[str, Any]], rules: LogRules) -> Iterator[tuple[str, str]]:
    """File and path of its copy, for every file of which one is kept."""
    if rules.private:
        return
    kept = {
        row["file"]: row["input_sha256"]
        for row in rows
        if row["kind"] != "embedding" and (row["abstained"] or falls_into(rules.inputs, row["input_sha256"]))
    }
    for name, digest in kept.items():
        try:
            content = Path(name).read_bytes()
        except OSError:
            continue
        path = copy_path(digest, extension_of(content))
        if sha256_bytes(content) == digest and not keep_copies(project, {path: content}):
            yield name, path


def _values(
    row: dict[str, Any], path: str | None, rules: LogRules, domain: str | None, group: str | None
) -> dict[str, Any]:
    embedding = np.asarray(row["embedding"], dtype="<f4").tobytes()
    keeps = row["abstained"] or falls_into(rules.embeddings, row["input_sha256"])
    copied = row["abstained"] or falls_into(rules.inputs, row["input_sha256"])
    return {
        "at": time.time(),
        "release_id": row["release_id"],
        "kind": row["kind"],
        "input_sha256": sha256_bytes(embedding) if rules.private else row["input_sha256"],
        "input_path": path if copied else None,
        "start": row["start"],
        "duration": row["duration"],
        "source": None if rules.private else row["file"],
        "domain": domain,
        "label": row["label"],
        "confidence": row["confidence"],
        "abstained": row["abstained"],
        "latency_ms": 0.0,
        "probs": np.asarray(row["probs"], dtype="<f4").tobytes(),
        "embedding": embedding if keeps else None,
        "group_name": hidden_group(group) if rules.private and group is not None else group,
    }
