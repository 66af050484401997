"""Commits: write aside, fsync, put files in place, then create the next manifest if nobody else has.

Any number of processes may commit to one project at once. Each prepares its change on top of the latest version it
sees and tries to create the manifest with the next number. Exactly one succeeds; the others prepare the same change
again on top of the winner's version (rebase) and try the next number. So a commit waits only for commits that
succeed, and none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from yori.store import atomic
from yori.store.hashes import table_hash
from yori.store.tables import LabelKind
from yori.store.versions import (
    Version,
    VersionFile,
    content_hash,
    manifest_text,
    read_version,
    version_numbers,
    version_path,
)
from yori.store.work import workspace, writing


@dataclass(frozen=True)
class Change:
    """What a commit does to a version.

    Parameters
    ----------
    table
        The rows or patches to add; None when only the sources change.
    folder
        Where the table goes.
    sources, label_kind, counts
        What the new manifest says.
    skipped
        How many of the rows handed in were there already.
    """

    table: pa.Table | None
    folder: Literal["rows", "labels"]
    sources: Mapping[str, str]
    label_kind: LabelKind | None
    counts: Mapping[str, Any]
    skipped: int = 0


@dataclass(frozen=True)
class Commit:
    """What a commit did.

    Parameters
    ----------
    version
        The version that holds the change: a new one, or the latest one if there was nothing to change.
    added
        Rows or patches written.
    skipped
        Rows or patches handed in that the project had already.
    """

    version: Version
    added: int
    skipped: int


Prepare = Callable[[Version], Change | int]
"""Prepares a change on top of a version; a number says that nothing is to do, and how many rows were skipped."""


def now() -> str:
    """The time as manifests write it: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit(root: Path, prepare: Prepare, *, message: str, who: str) -> Commit:
    """Commit a change on top of the latest version, again on top of a newer one as long as somebody else is faster.

    Raises
    ------
    ConflictError
        From ``prepare``, if the change cannot be put on top of the version that won.
    StoreError
        If the disk is full or cannot be written; the project is then as it was.
    """
    with atomic.disk_errors(root):
        while True:
            head = latest_version(root)
            change = prepare(head)
            if isinstance(change, int):
                return Commit(head, 0, change)
            version = _try(root, head, change, message=message, who=who)
            if version is not None:
                return Commit(version, 0 if change.table is None else change.table.num_rows, change.skipped)


def latest_version(root: Path) -> Version:
    """The version with the largest number, or the empty one."""
    return read_version(root, max(version_numbers(root), default=0))


def _try(root: Path, head: Version, change: Change, *, message: str, who: str) -> Version | None:
    """One attempt; None if somebody else took the number."""
    with writing(root), workspace(root) as aside:
        files = head.files
        if change.table is not None:
            file = _write_table(aside / "table", change.table, change.folder)
            files = (*files, file)
        version = Version(
            number=head.number + 1,
            parents=(head.number,) if head.number else (),
            files=files,
            sources=dict(sorted(change.sources.items())),
            label_kind=change.label_kind,
            counts=change.counts,
            content_hash=content_hash(files, change.sources, change.label_kind),
            message=message,
            who=who,
            when=now(),
        )
        # Everything that can fill the disk is written before anything is put in place.
        atomic.write_new(aside / "manifest", [manifest_text(version).encode()])
        if change.table is not None:
            atomic.put_in_place(aside / "table", root / files[-1].path)
        won = atomic.create_if_absent(aside / "manifest", version_path(root, version.number))
        return version if won else None


def _write_table(path: Path, table: pa.Table, folder: str) -> VersionFile:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    buffer = sink.getvalue()
    sha256 = atomic.write_new(path, [memoryview(buffer)])
    content = table_hash(table.drop_columns(["when"]) if folder == "labels" else table)
    return VersionFile(f"data/{folder}/{sha256}.parquet", sha256, content, buffer.size, table.num_rows)
