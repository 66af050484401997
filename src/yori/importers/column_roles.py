"""Which column of a table plays which role, and its cells in the form a recording wants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.importers.recording import ROLES, Label, split_of

COLUMN_ROLES = ("id", "uri", "start", "duration", *ROLES)

_OTHER_NAMES = {
    "id": ("example_id",),
    "uri": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio"),
    "label": ("labels", "class", "category"),
}
"""Names under which a column is taken for a role that nobody mapped and that no column of its own name plays."""


def find_roles(names: Sequence[str], columns: Mapping[str, str | None] | None, *, where: str) -> dict[str, str]:
    """Decide which column plays which role.

    Parameters
    ----------
    names
        The columns of the table.
    columns
        Role → column, as the user says; role → None keeps a column of that name out of its role. Roles not mentioned
        are played by the column of the same name, or of another usual name, if there is one.
    where
        The table, for messages.

    Raises
    ------
    ValuesError
        If nobody knows a role.
    SourceError
        If a mentioned column does not exist, or plays two roles.

    Examples
    --------
    >>> find_roles(["path", "category", "split"], {"label": "category", "split": None}, where="rows.csv")
    {'label': 'category', 'uri': 'path'}
    """
    said = dict(columns or {})
    unknown = sorted(set(said) - set(COLUMN_ROLES))
    if unknown:
        raise ValuesError(f"roles among {', '.join(COLUMN_ROLES)}", repr(unknown[0]), where=where)
    roles = {role: column for role, column in said.items() if column is not None}
    for role, column in roles.items():
        if column not in names:
            raise SourceError(
                f"a column {column!r} for the role {role!r}",
                f"the columns {', '.join(names)}",
                where=where,
                fix="Name one of these columns.",
            )
    for role in COLUMN_ROLES:
        free = [name for name in (role, *_OTHER_NAMES.get(role, ())) if name in names and name not in roles.values()]
        if role not in said and free:
            roles[role] = free[0]
    if len(set(roles.values())) < len(roles):
        raise SourceError(
            "one role for each column", f"{roles}", where=where, fix="Map each role to a column of its own."
        )
    return roles


def texts(column: pa.ChunkedArray, *, name: str, where: str) -> list[str | None]:
    """Cells as text: numbers in plain notation, times in ISO 8601, empty text as None."""
    return [_text(cell, name, row, where) for row, cell in enumerate(column.to_pylist(), start=1)]


def labels(column: pa.ChunkedArray, separator: str | None, *, name: str, where: str) -> list[Label]:
    """Cells as labels: lists and cells cut at ``separator`` become tuples, sorted and without repeats."""
    found: list[Label] = []
    for row, cell in enumerate(column.to_pylist(), start=1):
        if isinstance(cell, list):
            found.append(_several(_text(one, name, row, where) for one in cell))
        else:
            one = _text(cell, name, row, where)
            found.append(one if one is None or separator is None else _several(one.split(separator)))
    return found


def seconds(column: pa.ChunkedArray, *, name: str, where: str, least: float = 0.0) -> list[float | None]:
    """Cells as seconds, or raise naming the row."""
    found: list[float | None] = []
    for row, cell in enumerate(column.to_pylist(), start=1):
        try:
            value = None if cell is None else float(cell)
        except (TypeError, ValueError):
            value = math.nan
        if value is not None and not (math.isfinite(value) and value >= least):
            raise ValuesError(f"seconds ≥ {least:g} in column {name!r}", f"{cell!r} in row {row}", where=where)
        found.append(value)
    return found


def splits(column: pa.ChunkedArray, *, name: str, where: str) -> list[str | None]:
    """Cells as train, validation or test."""
    known: dict[str | None, str | None] = {}
    for row, cell in enumerate(texts(column, name=name, where=where), start=1):
        if cell not in known:
            known[cell] = split_of(cell, where=f"{where}, row {row}, column {name!r}")
    return [known[cell] for cell in texts(column, name=name, where=where)]


def check_unique(ids: Sequence[str | None], *, what: str, where: str) -> None:
    """Raise `AlignmentError` with row numbers if an id occurs twice; None does not count."""
    seen: dict[str, int] = {}
    for row, one in enumerate(ids, start=1):
        if one is None:
            continue
        if one in seen:
            raise AlignmentError(
                f"{what} that occur once",
                f"{one!r} in rows {seen[one]} and {row} (counted from 1 below the header)",
                where=where,
                fix="Remove one of the rows, or give a column with ids of their own.",
            )
        seen[one] = row


def _several(parts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in parts if part is not None and part.strip()}))


def _text(cell: Any, name: str, row: int, where: str) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return None if math.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    raise ValuesError(f"text in column {name!r}", f"{type(cell).__name__} in row {row}", where=where)
