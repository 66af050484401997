"""Layout ``table``: a CSV or Parquet file with one row for each example and a column that names its audio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from yori.errors import PathEscapeError, SourceError
from yori.importers.column_roles import check_unique, find_roles, labels, seconds, splits, texts
from yori.importers.read_table import is_parquet, plain_numbers, read_table
from yori.importers.recording import Label, LeftOut, Listing, Recording, listing
from yori.store.paths import safe_join

_YES, _NO = ("true", "True", "yes", "1"), ("false", "False", "no", "0")
_TEXT_ROLES = ("domain", "group", "annotator", "time")


def list_table(
    path: str | Path,
    *,
    root: str | Path | None = None,
    columns: Mapping[str, str | None] | None = None,
    label_separator: str | None = None,
) -> Listing:
    """List the rows of a table whose audio is there.

    Parameters
    ----------
    path
        CSV (UTF-8; comma, semicolon or tab; with a header) or Parquet (``.parquet``, ``.pq``).
    root
        The folder that paths in the table are relative to; by default the folder of the table.
    columns
        Role → column, for roles that a column of the same name does not play: ``uri``, ``label``, ``domain``,
        ``group``, ``split``, ``annotator``, ``time``, ``verified``, ``start``, ``duration``, ``id``. All other columns
        are kept as they are. ``verified`` holds the label a person has checked, or yes and no for the label itself.
    label_separator
        Several labels in one cell are separated by this. Lists in Parquet need none.

    Raises
    ------
    SourceError
        If the table cannot be read, has no column with paths, or no row with audio.
    AlignmentError
        If two rows have the same id, or the same path and stretch of time.
    PathEscapeError
        If a path is absolute, holds ``..`` or leads out of ``root`` through a link.
    ValuesError
        If a cell cannot be what its role asks for.
    """
    path = Path(path)
    where = str(path)
    table = read_table(path)
    roles = find_roles(table.column_names, columns, where=where)
    if "uri" not in roles:
        raise SourceError(
            "a column with the path of each recording",
            f"the columns {', '.join(table.column_names)}",
            where=where,
            fix="Say which one, for example columns={'uri': 'recording'}.",
        )
    folder = path.parent if root is None else Path(root)
    if not folder.is_dir():
        raise SourceError("a folder with the audio", "nothing", where=str(folder), fix="Check the path.")
    fields = read_roles(table, roles, label_separator, where=where)
    extra = extra_columns(table, roles, plain=not is_parquet(path))
    given = zip(fields["example_id"], fields["uri"], fields["start"], fields["duration"], strict=True)
    keys = [one or (uri and f"{uri} from {start or 0:g} s, {duration or 'all'}") for one, uri, start, duration in given]
    check_unique(keys, what="examples", where=where)
    recordings, left_out = [], []
    for row, uri in enumerate(fields.pop("uri"), start=1):
        if uri is None:
            left_out.append(LeftOut("", "no path", f"row {row} of {path.name}"))
        elif not inside(folder, uri, f"row {row} of {where}").is_file():
            left_out.append(LeftOut(uri, "missing", f"row {row} of {path.name}"))
        else:
            own = {name: cells[row - 1] for name, cells in fields.items()}
            other = {name: cells[row - 1] for name, cells in extra.items()}
            recordings.append(Recording(plain_uri(uri), extra=other, **own))
    return listing(folder, recordings, left_out, layout="table")


def read_roles(
    table: pa.Table, roles: Mapping[str, str], label_separator: str | None, *, where: str
) -> dict[str, list[Any]]:
    """Cells of every role of a `Recording`, each ``(n,)``; None where no column plays it."""
    found: dict[str, list[Any]] = {}

    def column(role: str) -> pa.ChunkedArray:
        return table[roles[role]] if role in roles else pa.chunked_array([pa.nulls(table.num_rows)])

    for role in ("label", "verified"):
        found[role] = list(labels(column(role), label_separator, name=roles.get(role, role), where=where))
    found["verified"] = _verified(found["verified"], found["label"])
    for role in ("uri", *_TEXT_ROLES):
        found[role] = list(texts(column(role), name=roles.get(role, role), where=where))
    found["example_id"] = list(texts(column("id"), name=roles.get("id", "id"), where=where))
    found["split"] = list(splits(column("split"), name=roles.get("split", "split"), where=where))
    found["start"] = list(seconds(column("start"), name=roles.get("start", "start"), where=where))
    found["duration"] = list(
        seconds(column("duration"), name=roles.get("duration", "duration"), where=where, least=1e-6)
    )
    return found


def _verified(said: list[Label], given: list[Label]) -> list[Label]:
    """Verified labels; a column of yes and no means that the label itself was checked."""
    cells = {cell for cell in said if cell is not None}
    if not cells or not cells <= {*_YES, *_NO} or cells & set(given):
        return said
    return [label if cell in _YES else None for cell, label in zip(said, given, strict=True)]


def extra_columns(table: pa.Table, roles: Mapping[str, str], *, plain: bool) -> dict[str, list[Any]]:
    """The columns that play no role; with ``plain``, text that is all numbers becomes numbers."""
    names = [name for name in table.column_names if name not in roles.values()]
    return {name: (plain_numbers(table[name]) if plain else table[name]).to_pylist() for name in names}


def plain_uri(uri: str) -> str:
    """A path without ``./`` and doubled slashes, so that one file has one name."""
    return "/".join(part for part in uri.split("/") if part not in ("", "."))


def inside(folder: Path, uri: str, where: str) -> Path:
    """Join a path of a table to its folder, or raise `PathEscapeError` naming the row."""
    try:
        return safe_join(folder, uri)
    except PathEscapeError as error:
        raise PathEscapeError(error.expected, error.arrived, where=where, fix=error.fix) from None
