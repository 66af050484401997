"""Find the sound files below a folder, in a fixed order, without ever leaving it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from yori.errors import PathEscapeError, SourceError
from yori.importers.recording import LeftOut
from yori.store.paths import is_plain_relative

EXTENSIONS = (
    ".aif",
    ".aifc",
    ".aiff",
    ".au",
    ".caf",
    ".flac",
    ".mp3",
    ".oga",
    ".ogg",
    ".opus",
    ".rf64",
    ".snd",
    ".w64",
    ".wav",
)
"""How the names of sound files end that libsndfile can read, in any case."""


def find_audio(root: str | Path) -> tuple[list[str], list[LeftOut]]:
    """Sound files below ``root`` as sorted relative paths with forward slashes, and everything else with the reason.

    Raises
    ------
    SourceError
        If ``root`` is no folder or cannot be listed.
    PathEscapeError
        If a symbolic link leads out of it.
    """
    files, left_out = find_files(root)
    audio = [uri for uri in files if is_audio(uri)]
    left_out += [LeftOut(uri, "not audio", f"the name ends with {_suffix(uri)}") for uri in files if not is_audio(uri)]
    return audio, sorted(left_out, key=lambda one: one.uri)


def find_files(root: str | Path, *, any_name: bool = False) -> tuple[list[str], list[LeftOut]]:
    """Regular files below ``root``, hidden ones excepted, and what is no such file with the reason; see `find_audio`.

    ``any_name``: also those whose name is no text or holds control characters, which cannot become the uri of an example.
    """
    top = Path(root)
    if not top.is_dir():
        arrived = "a file" if top.exists() else "nothing"
        raise SourceError("a folder", arrived, where=str(root), fix="Check the path.")
    left_out: list[LeftOut] = []
    found = sorted(_walk(os.path.realpath(top), "", left_out, str(root), any_name=any_name))
    return found, left_out


def is_audio(uri: str) -> bool:
    """Whether a name ends like that of a sound file.

    Examples
    --------
    >>> is_audio("a/b.WAV"), is_audio("a/b.txt")
    (True, False)
    """
    return uri.lower().endswith(EXTENSIONS)


def _walk(top: str, folder: str, left_out: list[LeftOut], where: str, *, any_name: bool) -> Iterator[str]:
    try:
        with os.scandir(os.path.join(top, folder)) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if not folder:
            raise SourceError("a folder that can be listed", error.strerror or str(error), where=where) from error
        left_out.append(LeftOut(folder, "unreadable", f"the folder cannot be listed: {error.strerror}"))
        return
    for entry in inside:
        uri = f"{folder}/{entry.name}" if folder else entry.name
        if not any_name and not _is_usable(uri):
            shown = uri.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace")
            left_out.append(LeftOut(ascii(shown)[1:-1], "unusable name", "rename it"))
        elif entry.name.startswith("."):
            left_out.append(LeftOut(uri, "hidden", "rename it to bring it in"))
        elif entry.is_symlink() and not _stays_inside(top, uri):
            raise PathEscapeError(
                "links that stay inside the source",
                f"{uri!r}, which leads to {os.path.realpath(os.path.join(top, uri))}",
                where=where,
                fix="Copy the file into the folder, or import the folder it lies in.",
            )
        elif entry.is_symlink() and not os.path.exists(entry.path):
            left_out.append(LeftOut(uri, "missing", "a link to nothing"))
        elif entry.is_dir():
            if entry.is_symlink():
                left_out.append(LeftOut(uri, "linked folder", "its files are listed where they really lie"))
            else:
                yield from _walk(top, uri, left_out, where, any_name=any_name)
        elif not stat.S_ISREG(entry.stat().st_mode):
            left_out.append(LeftOut(uri, "not audio", "no regular file"))
        else:
            yield uri


def _stays_inside(top: str, uri: str) -> bool:
    return os.path.realpath(os.path.join(top, uri)).startswith(top.rstrip(os.sep) + os.sep)


def _is_usable(uri: str) -> bool:
    try:
        uri.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return is_plain_relative(uri) and all(ord(character) >= 32 and ord(character) != 127 for character in uri)


def _suffix(uri: str) -> str:
    return os.path.splitext(uri)[1] or "no extension"
