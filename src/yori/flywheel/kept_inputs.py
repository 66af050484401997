"""Copies of what was asked about, in ``media/<first two digits>/<sha256>.<extension>``, and how they are forgotten.

They lie apart from ``data/media``: garbage collection of data versions does not know the log.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import func, select, update

from yori.flywheel.database import Database
from yori.flywheel.log_rules import LogRules
from yori.flywheel.schema import ITEMS, PREDICTIONS
from yori.store import Project, atomic

FOLDER = "media"
_SECONDS_PER_DAY = 86_400.0
_AT_A_TIME = 500


def copy_path(sha256: str, extension: str) -> str:
    """Path of a copy inside the project."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.{extension}"


def keep_copies(project: Project, contents: Mapping[str, bytes]) -> set[str]:
    """Write copies (path inside the project → content) durably; returns those that could not be written."""
    failed, folders = set(), set()
    for path, content in contents.items():
        final = project.path / path
        try:
            if final.is_file() and final.stat().st_size == len(content):
                os.utime(final)  # young again
                continue
            atomic.make_folder(final.parent)
            aside = final.with_name(f".{final.name}.{uuid.uuid4().hex}")
            try:
                atomic.write_new(aside, [content])
                os.replace(aside, final)
            finally:
                atomic.remove_file(aside)
            folders.add(final.parent)
        except OSError:
            failed.add(path)
    for folder in folders:
        with contextlib.suppress(OSError):
            atomic.sync_folder(folder)
    return failed


def forget(database: Database, project: Project, rules: LogRules, *, now: float | None = None) -> int:
    """Forget copies and embeddings that are too old, and the oldest copies where all take too much room.

    What waits in the review queue stays. Rows lose their reference first, then the file goes; a file that a crash left
    between the two goes next time.

    Returns
    -------
    Number of files removed.
    """
    now = time.time() if now is None else now
    cutoff = None if rules.days is None else now - rules.days * _SECONDS_PER_DAY
    files = {
        path.relative_to(project.path).as_posix(): path.stat()
        for path in (project.path / FOLDER).glob("[0-9a-f][0-9a-f]/*")
        if path.is_file() and not path.name.startswith(".")
    }
    newest = func.max(PREDICTIONS.c.at)
    held = select(ITEMS.c.media).where(ITEMS.c.state.in_(["open", "answered"]), ITEMS.c.media.is_not(None))
    with database.connect() as connection:
        used = select(PREDICTIONS.c.input_path, newest).where(PREDICTIONS.c.input_path.is_not(None))
        age = {str(path): float(at) for path, at in connection.execute(used.group_by(PREDICTIONS.c.input_path))}
        kept = set(connection.execute(held).scalars())
    free = sorted(
        (path for path in files if path not in kept), key=lambda path: (age.get(path, files[path].st_mtime), path)
    )
    over = sum(stat.st_size for stat in files.values()) - rules.most_bytes
    gone = []
    for path in free:
        old = cutoff is not None and age.get(path, files[path].st_mtime) < cutoff
        if old or over > 0:
            gone.append(path)
            over -= files[path].st_size
    for begin in range(0, len(gone), _AT_A_TIME):
        part = gone[begin : begin + _AT_A_TIME]
        with database.begin() as connection:
            connection.execute(update(PREDICTIONS).where(PREDICTIONS.c.input_path.in_(part)).values(input_path=None))
        for path in part:
            atomic.remove_file(project.path / path)
    if cutoff is not None:
        old_rows = (PREDICTIONS.c.at < cutoff) & PREDICTIONS.c.embedding.is_not(None)
        with database.begin() as connection:
            connection.execute(update(PREDICTIONS).where(old_rows).values(embedding=None))
    return len(gone)


def copy_of(project: Project, input_path: str) -> Path:
    """Where a copy lies; refuses a path that leads out of the project."""
    from yori.store import safe_join

    return safe_join(project.path, input_path)
