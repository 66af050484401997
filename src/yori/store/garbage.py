"""Garbage collection: what no version names and nobody is working on."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yori.errors import StoreError
from yori.store import atomic
from yori.store.examples import read_parquet
from yori.store.locks import hold
from yori.store.media import MEDIA_FOLDER, MEDIA_NAME, MEDIA_SOURCE
from yori.store.versions import read_version, version_numbers
from yori.store.work import job_lock_path, lock_path, work_path

_TABLE = re.compile(r"[0-9a-f]{64}\.parquet")
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Orphan:
    """Something garbage collection removed, or would remove.

    Parameters
    ----------
    path
        Relative to the project.
    bytes
        Its size; for a folder of work left behind, of all it holds.
    """

    path: str
    bytes: int


def collect_garbage(root: Path, *, dry_run: bool = False, grace: float = 3600.0) -> list[Orphan]:
    """Remove row files, label patches and media that no version names, and what crashed jobs left in ``.yori/work``.

    Every version on disk counts, not only the latest. Outputs of stages (runs, proofs, reports, embeddings, cache)
    are never removed; they are published whole, so nothing half-written can be among them. Files whose names are not
    ours stay.

    Parameters
    ----------
    root
        The project folder.
    dry_run
        Only say what would be removed.
    grace
        Seconds for which a file is left alone after it was last written.

    Raises
    ------
    StoreError
        If another process is committing all the while.
    CorruptError, NewerVersionError
        If a manifest cannot be read: what it names is then not known, so nothing is removed.
    """
    if not (root / ".yori").is_dir():  # nothing was ever written
        return []
    with atomic.disk_errors(root), hold(lock_path(root), shared=False, patience=_PATIENCE_SECONDS) as held:
        if held is False:
            raise StoreError(
                "a moment without commits", "commits all the time", where=str(root), fix="Repeat when they are done."
            )
        named = _named_files(root)
        youngest = time.time() - grace
        found = []
        for path in _candidates(root):
            if path.relative_to(root).as_posix() not in named and path.stat().st_mtime <= youngest:
                found.append(Orphan(path.relative_to(root).as_posix(), path.stat().st_size))
                if not dry_run:
                    atomic.remove_file(path)
        found += _abandoned_work(root, youngest, dry_run)
        if not dry_run:
            _remove_free_locks(root)
        return sorted(found, key=lambda orphan: orphan.path)


def _named_files(root: Path) -> set[str]:
    """Every file that some version names."""
    files = {file.path: file for number in version_numbers(root) for file in read_version(root, number).files}
    named = set(files)
    for file in files.values():
        if file.is_rows:
            rows = read_parquet(root, file, {"uri", "source"})
            for uri, source in zip(rows["uri"].to_pylist(), rows["source"].to_pylist(), strict=True):
                if source == MEDIA_SOURCE and uri is not None:
                    named.add(f"{MEDIA_FOLDER}/{uri}")
    return named


def _candidates(root: Path) -> Iterator[Path]:
    for folder, pattern in (("data/rows", _TABLE), ("data/labels", _TABLE), (MEDIA_FOLDER, MEDIA_NAME)):
        if (root / folder).is_dir():
            for path in sorted((root / folder).iterdir()):
                if pattern.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                    yield path


def _abandoned_work(root: Path, youngest: float, dry_run: bool) -> list[Orphan]:
    """Work in progress whose process is gone: its lock is free."""
    if not work_path(root).is_dir():
        return []
    found = []
    for home in sorted(work_path(root).iterdir()):
        with contextlib.ExitStack() as stack:
            lock = job_lock_path(root, home.name)
            if lock.is_file() and stack.enter_context(hold(lock, shared=False, patience=0)) is False:
                continue  # its process is alive
            inside = [path for path in [home, *home.rglob("*")] if not path.is_symlink()]
            stats = [path.stat() for path in inside]
            if max(stat.st_mtime for stat in stats) <= youngest:
                size = sum(stat.st_size for path, stat in zip(inside, stats, strict=True) if path.is_file())
                found.append(Orphan(home.relative_to(root).as_posix(), size))
                if not dry_run:
                    atomic.remove_tree(home)
    return found


def _remove_free_locks(root: Path) -> None:
    """Remove locks of jobs that are over; nobody opens one now, because that needs the project's lock."""
    for lock in job_lock_path(root, "x").parent.glob("*"):
        if not (work_path(root) / lock.name).exists():
            with hold(lock, shared=False, patience=0) as held:
                if held is not False:
                    atomic.remove_file(lock)
