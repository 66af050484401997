"""A new folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from yori.errors import ConflictError, StoreError, YoriError
from yori.store import atomic
from yori.store.locks import hold


def check_free(target: Path) -> None:
    """Raise `StoreError` unless ``target`` is absent or an empty folder."""
    with atomic.disk_errors(target):
        if not os.path.lexists(target):
            return
        found = sorted(name for name in os.listdir(target) if name != _aside_name(target))
    if "yori.json" in found:
        fix = "Add to it with `yori import`, or choose another folder."
        raise StoreError("a new or empty folder", "a project", where=str(target), fix=fix)
    if found:
        arrived = f"a folder that holds {', '.join(found[:5])}"
        raise StoreError("a new or empty folder", arrived, where=str(target), fix="Choose another folder.")


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield the path of a folder aside; what the block makes of it becomes ``target`` when it ends well.

    When the block raises, Ctrl-C included, nothing is left. After ``kill -9`` a hidden folder ``.yori-init-<name>`` is left,
    which the next attempt removes.

    Parameters
    ----------
    target
        Absolute. Missing parents are made; a folder that is there must be empty.

    Raises
    ------
    StoreError
        If the target is not free or cannot be written, or another process is making it now.
    """
    check_free(target)
    aside = _home(target) / _aside_name(target)
    with contextlib.ExitStack() as stack:
        with atomic.disk_errors(target):
            aside.mkdir(exist_ok=True)
            held = stack.enter_context(hold(aside / "lock", shared=False, patience=0))
        if held is False:
            raise ConflictError(
                "to be the only one who makes this project",
                "another process at work on it",
                where=str(target),
                fix="Wait for it to finish.",
            )
        try:
            with atomic.disk_errors(target):
                atomic.remove_tree(aside / "content")
                (aside / "content").mkdir()
            yield aside / "content"
            with atomic.disk_errors(target):
                _publish(aside / "content", target)
        except YoriError as error:
            if str(aside) not in error.where:
                raise
            where = error.where.replace(str(aside / "content"), str(target))  # what the user knows it by
            raise type(error)(error.expected, error.arrived, where=where, fix=error.fix) from error
        finally:
            atomic.remove_tree(aside)


def _aside_name(target: Path) -> str:
    return f".yori-init-{target.name}"[:200]


def _home(target: Path) -> Path:
    """Where to work: the target if it is there, otherwise its nearest parent that is; the same file system, in any case."""
    return next(path for path in (target, *target.parents) if path.exists())


def _publish(content: Path, target: Path) -> None:
    if target.is_dir():
        check_free(target)  # again: somebody may have used it meanwhile
        _move_in(content, target)
        return
    made = [path for path in target.parents if not path.exists()]
    try:
        atomic.make_folder(target.parent)
        atomic._rename(content, target)
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    atomic.sync_folder(target.parent)


def _move_in(content: Path, target: Path) -> None:
    """Move everything into an empty folder that keeps its identity (somebody's shell may stand in it).

    ``yori.json``, which makes it a project, comes last.
    """
    moved: list[str] = []
    try:
        for name in sorted(os.listdir(content), key=lambda name: (name == "yori.json", name)):
            atomic._rename(content / name, target / name)
            moved.append(name)
        atomic.sync_folder(target)
    except BaseException:
        for name in reversed(moved):
            with contextlib.suppress(OSError):
                os.replace(target / name, content / name)
        raise
