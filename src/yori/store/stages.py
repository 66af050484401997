"""Outputs of stages: a folder under its content key, published whole or not at all."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from yori.errors import StoreError
from yori.store import atomic
from yori.store.paths import check_name
from yori.store.work import workspace

KINDS = ("runs", "proofs", "reports", "audits", "data/embeddings", "cache")
"""Folders of a project that hold outputs of stages."""

_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def stage_path(root: Path, kind: str, key: str) -> Path:
    """Where the output of a stage stands or will stand.

    Raises
    ------
    StoreError
        If ``kind`` is not one of `KINDS`, or ``key`` is no safe file name.
    """
    if kind not in KINDS:
        raise StoreError(f"one of {', '.join(KINDS)}", repr(kind), where="stage")
    return root / kind / check_name(key, what="key", where=f"stage {kind}")


@contextlib.contextmanager
def stage_folder(root: Path, kind: str, key: str) -> Iterator[Path]:
    """Yield a temporary folder to fill; when the block ends well, publish it as ``<kind>/<key>`` in one step.

    If another process published the same key meanwhile, its output is kept and ours is dropped: the key says that
    both are the same. When the block raises, Ctrl-C included, the temporary folder is removed and nothing is
    published.

    Raises
    ------
    StoreError
        If kind or key are not usable, the block left the folder empty, or the disk is full or cannot be written.
    """
    final = stage_path(root, kind, key)
    with contextlib.ExitStack() as stack:
        with atomic.disk_errors(final):
            content = stack.enter_context(workspace(root))
        try:
            yield content
        except OSError as error:  # what goes wrong inside the block is the caller's, except a full disk, which is ours
            if atomic.is_disk_full(error):
                with atomic.disk_errors(final):
                    raise
            raise
        if not any(content.iterdir()):
            raise StoreError("a stage that writes at least one file", "an empty folder", where=str(final))
        with atomic.disk_errors(final):
            publish_folder(content, final)


def publish_folder(content: Path, final: Path) -> bool:
    """Make a finished folder durable and give it its final name; False if the name was taken by another's output."""
    atomic.sync_tree(content)
    atomic.make_folder(final.parent)
    try:
        atomic._rename(content, final)
    except OSError as error:
        if error.errno in _TAKEN and final.is_dir():
            return False
        raise
    atomic.sync_folder(final.parent)
    return True
