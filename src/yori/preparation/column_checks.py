"""What each column of a table holds, and what in it is not what the rest of the column is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pyarrow as pa

Kind = Literal["empty", "number", "whole", "yes or no", "time", "category", "text", "list"]

MOSTLY = 0.9
"""A text column is of a kind if so many of its values are; the others are named as unusable."""

CATEGORY_SHARE = 0.5
"""A text column with at most half as many different values as values is a category."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_YES_NO = {"true", "false", "yes", "no", "y", "n", "0", "1"}
_NOT_THERE = {"", "na", "n/a", "nan", "null", "none", "-", "?", "unknown", "missing"}


@dataclass(frozen=True)
class ColumnCheck:
    """One column.

    Parameters
    ----------
    name
        Of the column.
    kind
        What it holds.
    rows, missing
        Rows in all, and rows without a value; words such as ``N/A`` count as none.
    different
        Different values.
    unusable
        Up to five values that are not of the kind, as text.
    unusable_rows
        How many rows have such a value.
    alike
        Groups of values that differ by case or blanks only.
    note
        What else is to be known; ``""`` = nothing.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    different: int
    unusable: tuple[str, ...] = ()
    unusable_rows: int = 0
    alike: tuple[tuple[str, ...], ...] = ()
    note: str = ""


def check_columns(table: pa.Table) -> list[ColumnCheck]:
    """Look at every column.

    Examples
    --------
    >>> table = pa.table({"level": ["1.5", "2", "loud", "3"] * 5, "site": ["near", "Near", None, "far"] * 5})
    >>> for each in check_columns(table):
    ...     print(each.name, each.kind, each.missing, each.unusable, each.alike)
    level category 0 () ()
    site category 5 () (('Near', 'near'),)
    """
    return [_column(name, table[name]) for name in table.column_names]


def _column(name: str, column: pa.ChunkedArray) -> ColumnCheck:
    rows = len(column)
    if pa.types.is_nested(column.type):
        values = [tuple(each) for each in column.to_pylist() if each is not None]
        return ColumnCheck(name, "list", rows, rows - len(values), len(set(map(str, values))))
    if pa.types.is_boolean(column.type):
        return ColumnCheck(name, "yes or no", rows, column.null_count, len(column.drop_null().unique()))
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return _number(name, column)
    texts = [None if each is None else str(each) for each in column.to_pylist()]
    return _text(name, texts)


def _number(name: str, column: pa.ChunkedArray) -> ColumnCheck:
    values = np.array([np.nan if each is None else float(each) for each in column.to_pylist()])
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return ColumnCheck(name, "empty", len(values), len(values), 0)
    wild = known[~np.isfinite(known)]
    finite = known[np.isfinite(known)]
    kind: Kind = "whole" if len(finite) and (finite == np.round(finite)).all() else "number"
    different = len(np.unique(known))
    return ColumnCheck(name, kind, len(values), len(values) - len(known), different,
                       tuple(str(each) for each in np.unique(wild)[:5]), len(wild), (),
                       "the same in every row" if different == 1 and len(known) > 1 else "")  # fmt: skip


def _text(name: str, texts: list[str | None]) -> ColumnCheck:
    known = [each.strip() for each in texts if each is not None and each.strip().lower() not in _NOT_THERE]
    missing = len(texts) - len(known)
    if not known:
        return ColumnCheck(name, "empty", len(texts), missing, 0)
    counts = Counter(known)
    different = len(counts)
    for kind, fits in _KINDS:
        usable = {value for value in counts if fits(value)}
        share = sum(counts[value] for value in usable) / len(known)
        if share >= MOSTLY:
            odd = sorted(set(counts) - usable)
            note = "numbers kept as text" if kind in ("number", "whole") else ""
            return ColumnCheck(name, kind, len(texts), missing, different, tuple(odd[:5]),
                               sum(counts[value] for value in odd), (), note)  # fmt: skip
    category = different <= CATEGORY_SHARE * len(known)
    alike: dict[str, list[str]] = {}
    for value in sorted(counts) if category else ():
        alike.setdefault(re.sub(r"[\s_-]+", " ", value).casefold(), []).append(value)
    note = "the same in every row" if different == 1 and len(known) > 1 else ""
    return ColumnCheck(name, "category" if category else "text", len(texts), missing, different, (), 0,
                       tuple(tuple(each) for each in alike.values() if len(each) > 1), note)  # fmt: skip


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return not value.isdigit()


_KINDS: tuple[tuple[Kind, Callable[[str], bool]], ...] = (
    ("yes or no", lambda value: value.lower() in _YES_NO),
    ("whole", lambda value: re.fullmatch(r"[-+]?\d+", value) is not None),
    ("number", lambda value: _NUMBER.fullmatch(value) is not None),
    ("time", _is_time),
)
"""Kinds that text can have, the narrowest first."""
