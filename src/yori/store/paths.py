"""Paths that stay inside the folder they must stay in, and names that are safe as file names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from yori.errors import PathEscapeError, StoreError

NAME = re.compile(r"[A-Za-z0-9._-]+")
"""What a key or a source may be called: a file name on every system, in every shell."""

_FIX = "Use a path relative to its source, with forward slashes, that stays inside it."


def check_name(name: str, *, what: str, where: str) -> str:
    """Return ``name``, or raise `StoreError` unless it may serve as a file name.

    Examples
    --------
    >>> check_name("ast-2f9c", what="key", where="stage_folder")
    'ast-2f9c'
    """
    if not NAME.fullmatch(name) or name.strip(".") == "" or len(name) > 200:
        raise StoreError(
            f"a {what} of 1 to 200 letters, digits, dots, dashes or underscores", repr(name)[:80], where=where
        )
    return name


def safe_join(root: str | Path, relative: str) -> Path:
    """Join a path from a table or a manifest to its root, and refuse whatever would leave the root.

    The file need not exist. Symbolic links are followed: one that stays inside the root is welcome, one that leads
    outside is refused. The check is made now; it is no guard against somebody who swaps links while we read.

    Parameters
    ----------
    root
        The folder to stay in. It may itself be reached through a symbolic link.
    relative
        The path below it, with forward slashes.

    Returns
    -------
    The absolute path with every link resolved.

    Raises
    ------
    PathEscapeError
        If ``relative`` is empty, absolute, holds ``..``, a backslash or NUL, or leads outside through a link.

    Examples
    --------
    >>> safe_join("/data/esc50", "audio/1-100032-A-0.wav").as_posix()
    '/data/esc50/audio/1-100032-A-0.wav'
    >>> safe_join("/data/esc50", "../secret.wav")
    Traceback (most recent call last):
    yori.errors.PathEscapeError: /data/esc50: expected a path that stays inside this folder, got '../secret.wav'. ...
    """
    parts = relative.split("/")
    if not is_plain_relative(relative):
        raise PathEscapeError("a path that stays inside this folder", repr(relative), where=str(root), fix=_FIX)
    inside = os.path.realpath(root)
    target = os.path.realpath(os.path.join(inside, *parts))
    if target == inside or not target.startswith(inside.rstrip(os.sep) + os.sep):
        raise PathEscapeError(
            "a path that stays inside this folder",
            f"{relative!r}, which leads to {target}",
            where=str(root),
            fix="Copy the file into the folder instead of linking to it, or add its folder as a source of its own.",
        )
    return Path(target)


def is_plain_relative(relative: str) -> bool:
    """Whether the text alone, without a look at the disk, is a relative path that goes down only."""
    return (
        relative.strip("./") != ""
        and not relative.startswith("/")
        and "\0" not in relative
        and "\\" not in relative
        and ".." not in relative.split("/")
    )
