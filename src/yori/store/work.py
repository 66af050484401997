"""Where a project works before anything is published: ``.yori/work/<name>/content``, a folder for each job.

A job in progress holds the lock ``.yori/locks/<name>``, so garbage collection can tell a running job (locked) from what a
crash left behind (not locked), however long the job takes.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from yori.errors import ConflictError
from yori.store import atomic
from yori.store.locks import hold


def lock_path(root: Path) -> Path:
    """The lock of the whole project: shared by those who commit, exclusive for garbage collection."""
    return root / ".yori" / "lock"


def job_lock_path(root: Path, name: str) -> Path:
    """The lock of one job. Of a resumable job it stays, because a second process may be opening it right now."""
    return root / ".yori" / "locks" / name


def work_path(root: Path) -> Path:
    """The folder that holds one folder for each job in progress."""
    return root / ".yori" / "work"


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Keep garbage collection out while files are placed that no version names yet."""
    atomic.make_folder(root / ".yori", durable=False)
    with hold(lock_path(root), shared=True):
        yield


@contextlib.contextmanager
def workspace(root: Path, name: str | None = None, *, keep_on_error: bool = False) -> Iterator[Path]:
    """Yield a folder to fill; whatever is still in it at the end is removed.

    Parameters
    ----------
    root
        The project folder.
    name
        A fixed name makes the work resumable: the folder may already hold what an interrupted job left.
    keep_on_error
        Leave the content for the next attempt when the block raises.

    Raises
    ------
    ConflictError
        If another process is working under the same name now.
    """
    resumable, name = name is not None, name or uuid.uuid4().hex
    home, lock = work_path(root) / name, job_lock_path(root, name)
    with contextlib.ExitStack() as stack:
        with writing(root):  # before the lock is held, garbage collection would see an abandoned folder
            atomic.make_folder(lock.parent, durable=False)
            held = stack.enter_context(hold(lock, shared=False, patience=0))
            if resumable and held is False:
                raise ConflictError(
                    "to be the only one who writes this",
                    "another process at work on it",
                    where=str(home),
                    fix="Wait for it to finish, then repeat the command: what it wrote will be used.",
                )
            atomic.make_folder(home / "content", durable=False)
        try:
            yield home / "content"
        except BaseException:
            if not keep_on_error:
                atomic.remove_tree(home)
            raise
        else:
            atomic.remove_tree(home)
        finally:
            if not resumable:
                atomic.remove_file(lock)
