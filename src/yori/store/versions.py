"""Data versions: the manifest of one immutable state of the examples, and how it is read back without trust."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yori.errors import CorruptError, NewerVersionError, PathEscapeError, StoreError
from yori.store.content_key import content_key
from yori.store.paths import NAME, is_plain_relative
from yori.store.tables import LabelKind

FORMAT = 1
"""Format of the project folder. A project with a larger number was written by a newer yori."""

_MANIFEST = re.compile(r"([1-9][0-9]*)\.json")
_OWN_HASH = "manifest_sha256"
_FILE = re.compile(r"data/(rows|labels)/([0-9a-f]{64})\.parquet")


@dataclass(frozen=True)
class VersionFile:
    """One immutable file of a version.

    Parameters
    ----------
    path
        Relative to the project: ``data/rows/<sha256>.parquet`` or ``data/labels/<sha256>.parquet``.
    sha256
        Of the bytes.
    content
        Hash of the values (`yori.store.hashes.table_hash`), ``when`` of a patch left out.
    bytes, rows
        Size.
    """

    path: str
    sha256: str
    content: str
    bytes: int
    rows: int

    @property
    def is_rows(self) -> bool:
        """Whether it holds rows; otherwise label patches."""
        return self.path.startswith("data/rows/")


@dataclass(frozen=True)
class Version:
    """An immutable state of the examples.

    Parameters
    ----------
    number
        1, 2, …; 0 is the empty state before the first commit, which has no file.
    parents
        Numbers of the versions it was made from.
    files
        Row files and label patches; patches apply in this order.
    sources
        Name of each source and its root: relative to the project if inside it, otherwise absolute.
    label_kind
        ``one`` label for each example, ``several``, or None while there is no label at all.
    counts
        ``examples`` (not dropped), ``dropped``, ``relabelled``, ``unlabelled``, and ``classes``: label → examples.
    content_hash
        SHA-256 over the values of all files, the names of the sources and the kind of label. It does not depend on
        time, message, who committed, where the sources lie, or the release of the Parquet writer: the same steps on
        the same data give the same hash.
    message, who, when
        What the commit says about itself; ``when`` is UTC, ISO 8601.
    """

    number: int
    parents: tuple[int, ...]
    files: tuple[VersionFile, ...]
    sources: Mapping[str, str]
    label_kind: LabelKind | None
    counts: Mapping[str, Any]
    content_hash: str
    message: str
    who: str
    when: str


def content_hash(files: tuple[VersionFile, ...], sources: Mapping[str, str], label_kind: LabelKind | None) -> str:
    """The identity of a state of the examples, see `Version`."""
    rows = sorted(file.content for file in files if file.is_rows)
    labels = [file.content for file in files if not file.is_rows]
    return content_key(format=FORMAT, rows=rows, labels=labels, sources=sorted(sources), label_kind=label_kind)


def empty_version() -> Version:
    """The state before the first commit."""
    counts = {"examples": 0, "dropped": 0, "relabelled": 0, "unlabelled": 0, "classes": {}}
    return Version(0, (), (), {}, None, counts, content_hash((), {}, None), "", "", "")


def version_path(root: Path, number: int) -> Path:
    """Where the manifest of a version stands."""
    return root / "data" / "versions" / f"{number}.json"


def version_numbers(root: Path) -> list[int]:
    """Numbers of the versions on disk, smallest first."""
    folder = root / "data" / "versions"
    if not folder.is_dir():
        return []
    found = (_MANIFEST.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def manifest_text(version: Version) -> str:
    """The manifest as it is written: JSON that a person can read and diff."""
    fields = {name: value for name, value in vars(version).items() if name != "files"}
    fields = {"format": FORMAT, **fields, "files": [vars(file) for file in version.files]}
    return json.dumps({**fields, _OWN_HASH: own_hash(fields)}, indent=1, ensure_ascii=False) + "\n"


def own_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 over every field of a manifest but this hash itself: a flipped bit anywhere shows."""
    return content_key(**{name: value for name, value in fields.items() if name != _OWN_HASH})


def read_version(root: Path, number: int) -> Version:
    """Read a manifest back and check that it says what it must.

    Raises
    ------
    StoreError
        If there is no such version.
    NewerVersionError
        If a newer yori wrote it.
    CorruptError
        If it is not the manifest that was written.
    PathEscapeError
        If it names a file outside the project.
    """
    if number == 0:
        return empty_version()
    path = version_path(root, number)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        last = max(version_numbers(root), default=0)
        raise StoreError(f"a version from 0 to {last}", str(number), where=str(root)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptError("a readable manifest", str(error), where=str(path), fix=_RESTORE) from error
    fields = read_json(text, path)
    try:
        version = _parse(fields, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        arrived = f"{type(error).__name__}: {error}"
        raise CorruptError("a manifest with all its fields", arrived, where=str(path), fix=_RESTORE) from error
    recomputed = content_hash(version.files, version.sources, version.label_kind)
    if (version.number, version.content_hash, fields.get(_OWN_HASH)) != (number, recomputed, own_hash(fields)):
        raise CorruptError(
            "a manifest that agrees with its own hash", "one that does not", where=str(path), fix=_RESTORE
        )
    return version


_RESTORE = "Restore this file from a backup; other versions are not affected."


def read_json(text: str, path: Path) -> dict[str, Any]:
    """Parse a JSON object that carries ``format``, and refuse one that a newer yori wrote."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptError("JSON", str(error), where=str(path), fix=_RESTORE) from error
    if not isinstance(fields, dict) or not isinstance(fields.get("format"), int):
        raise CorruptError("a JSON object with a format number", text[:60], where=str(path), fix=_RESTORE)
    if fields["format"] > FORMAT:
        raise NewerVersionError(
            f"format {FORMAT} or lower",
            f"format {fields['format']}",
            where=str(path),
            fix="Update yori; nothing was touched.",
        )
    return fields


def _parse(fields: dict[str, Any], path: Path) -> Version:
    files = []
    for entry in fields["files"]:
        file = VersionFile(**entry)
        if not is_plain_relative(file.path):
            raise PathEscapeError("a file inside the project", repr(file.path), where=str(path), fix=_RESTORE)
        match = _FILE.fullmatch(file.path)
        if match is None or match[2] != file.sha256:
            raise ValueError(f"file {file.path!r} is not named after its hash")
        if not (isinstance(file.content, str) and isinstance(file.bytes, int) and isinstance(file.rows, int)):
            raise TypeError(f"entry of {file.path}")
        files.append(file)
    sources = fields["sources"]
    if not all(NAME.fullmatch(name) and isinstance(source, str) for name, source in sources.items()):
        raise ValueError("sources")
    if fields["label_kind"] not in (None, "one", "several"):
        raise ValueError("label_kind")
    known = ("number", "parents", "label_kind", "counts", "content_hash", "message", "who", "when")
    plain = {name: fields[name] for name in known}
    return Version(**{**plain, "parents": tuple(plain["parents"]), "files": tuple(files), "sources": sources})
