"""Where data come from and how they are laid out: one place that knows which option belongs to which layout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from yori.errors import SourceError, ValuesError
from yori.importers import LAYOUTS, Listing, Recording
from yori.importers.recording import Label

_TABLES = ("table", "csv", "parquet")

OPTIONS: dict[str, frozenset[str]] = {
    "folder": frozenset({"levels"}),
    "pattern": frozenset({"pattern"}),
    **dict.fromkeys(_TABLES, frozenset({"table", "columns", "label_separator"})),
    "arrays": frozenset({"embeddings", "table", "ids", "columns", "label_separator"}),
    "vtuad": frozenset(),
    "deepship": frozenset(),
    "esc50": frozenset({"table", "columns"}),
    "huggingface": frozenset({"columns"}),
}
"""Layout → the options it understands, besides ``path``."""

_FIXES = {"columns": "Columns belong to tables; in a pattern name the field, for example {label}_{domain}_{index}.wav."}


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """What to import.

    Parameters
    ----------
    layout
        A key of `yori.importers.LAYOUTS`.
    path
        The folder, or for a table the file. For ``arrays``, and for a table given as ``table``: the folder of the audio.
    pattern
        Of file names, for ``pattern``.
    levels
        What folder levels mean, for ``folder``.
    embeddings, ids
        ``.npy`` files, for ``arrays``.
    table
        For ``arrays`` and ``table`` a file; for ``esc50`` a path below ``path``.
    columns
        Role → column, see `yori.importers.list_table`. For ``huggingface`` the role ``uri`` names the column of the audio; for
        ``esc50`` only ``domain`` can be said.
    label_separator
        Between several labels in one cell.
    """

    layout: str
    path: Path | None = None
    pattern: str | None = None
    levels: str | None = None
    embeddings: Path | None = None
    table: Path | None = None
    ids: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    label_separator: str | None = None


def list_source(source: DataSource) -> Listing:
    """List what a source holds; nothing is inspected yet.

    Raises
    ------
    ValuesError
        If the layout is unknown or does not understand an option.
    SourceError
        If something it needs is not given, or the source is not what the layout says.
    """
    if source.layout not in LAYOUTS:
        raise ValuesError(f"a layout out of {', '.join(LAYOUTS)}", repr(source.layout), where="layout")
    _check_options(source)
    first, options = _arguments(source)
    return LAYOUTS[source.layout](first, **{name: value for name, value in options.items() if value is not None})


def audio_root(source: DataSource, listing: Listing) -> Path | None:
    """The folder that uris are relative to, absolute; None if there is no audio, or it comes as media."""
    return None if listing.media or listing.root is None else Path(os.path.abspath(listing.root))


def with_labels(listing: Listing, labels: str) -> Listing:
    """The listing with one label for each example (``single``) or several (``multiple``).

    Raises
    ------
    ValuesError
        If one label is wanted and an example has several.
    """
    if listing.labels == labels:
        return listing
    return replace(listing, recordings=tuple(_relabelled(listing.recordings, labels)))


def without_folder(listing: Listing, folder: Path) -> Listing:
    """The listing without what lies in ``folder``: a project inside its own source is no data."""
    if listing.root is None:
        return listing
    inside, root = os.path.realpath(folder), os.path.realpath(listing.root)
    if not inside.startswith(root.rstrip(os.sep) + os.sep):
        return listing
    own = os.path.relpath(inside, root).replace(os.sep, "/")
    return replace(
        listing,
        recordings=tuple(one for one in listing.recordings if not one.uri.startswith(f"{own}/")),
        left_out=tuple(one for one in listing.left_out if one.uri != own and not one.uri.startswith(f"{own}/")),
    )


def _check_options(source: DataSource) -> None:
    understood = OPTIONS[source.layout]
    for one in fields(source):
        if one.name in ("layout", "path") or one.name in understood or getattr(source, one.name) in (None, {}):
            continue
        wish = ", ".join(sorted(understood)) or "none"
        raise ValuesError(
            f"options of the layout {source.layout!r} ({wish})",
            repr(one.name),
            where="layout",
            fix=_FIXES.get(one.name, "Leave it out, or choose another layout."),
        )


def _needed(source: DataSource, name: str) -> Path:
    value: Path | None = getattr(source, name)
    if value is None:
        option = "--from" if name == "path" else f"--{name}"
        raise SourceError(f"a path for the layout {source.layout!r}", "none", where=name, fix=f"Give {option} PATH.")
    return value


def _arguments(source: DataSource) -> tuple[Path, dict[str, Any]]:
    """First argument and keywords of the function that lists the layout."""
    columns = dict(source.columns)
    if source.layout == "arrays":
        options = {"ids": source.ids, "root": source.path, "label_separator": source.label_separator}
        return _needed(source, "embeddings"), {**options, "table": _needed(source, "table"), "columns": columns or None}
    if source.layout in _TABLES:
        table, root = (source.table, source.path) if source.table else (_needed(source, "path"), None)
        return table, {"root": root, "columns": columns or None, "label_separator": source.label_separator}
    path = _needed(source, "path")
    if source.layout == "esc50":
        domain = columns.pop("domain", None)
        if columns:
            raise ValuesError("only the column of the domain", f"the one of {next(iter(columns))!r}", where="esc50")
        return path, {"table": None if source.table is None else source.table.as_posix(), "domain": domain}
    if source.layout == "huggingface":
        return path, {"audio": columns.pop("uri", None), "columns": columns or None}
    return path, {"pattern": source.pattern, "levels": source.levels}


def _relabelled(recordings: tuple[Recording, ...], labels: str) -> Iterator[Recording]:
    for one in recordings:
        name = one.example_id or one.uri
        yield replace(one, label=_as(one.label, labels, name), verified=_as(one.verified, labels, name))


def _as(label: Label, labels: str, name: str) -> Label:
    if label is None or isinstance(label, tuple) == (labels == "multiple"):
        return label
    if isinstance(label, str):
        return (label,)
    if len(label) != 1:
        fix = "Say labels: multiple (--labels multiple)."
        raise ValuesError("one label for each example", f"{len(label)} for {name!r}", where="labels", fix=fix)
    return label[0]
