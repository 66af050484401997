"""Columns of row files and label patch files, and the two kinds of label a project can have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pyarrow as pa

LabelKind = Literal["one", "several"]
"""Whether an example has one label (text) or several (a list of texts)."""

TEXT, REAL = pa.string(), pa.float64()

ROW_COLUMNS: dict[str, pa.DataType | None] = {
    "example_id": TEXT,
    "uri": TEXT,
    "source": TEXT,
    "start": REAL,
    "duration": REAL,
    "label": None,
    "weight": REAL,
    "domain": TEXT,
    "group": TEXT,
    "split": TEXT,
    "annotator": TEXT,
    "time": TEXT,
    "verified": None,
    "sha256": TEXT,
    "duplicates": TEXT,
}
"""Columns every row file has, in this order, null where unknown; None = text or list of text, by the kind of label."""

PATCH_COLUMNS: dict[str, pa.DataType | None] = {
    "example_id": TEXT,
    "action": TEXT,
    "old": None,
    "new": None,
    "weight": REAL,
    "who": TEXT,
    "when": TEXT,
    "why": TEXT,
}
"""Columns every patch file has, in this order."""


def label_type(kind: LabelKind | None) -> pa.DataType:
    """The Arrow type of a label column."""
    return pa.list_(TEXT) if kind == "several" else TEXT


def label_kind(column: pa.ChunkedArray) -> LabelKind | None:
    """What a label column holds; None while every label is missing."""
    if column.null_count == len(column):
        return None
    return "several" if is_list(column.type) else "one"


def is_list(kind: pa.DataType) -> bool:
    """Whether a column holds lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def some_ids(ids: Iterable[str], *, at_most: int = 5) -> str:
    """Name the first few ids and count the others.

    Examples
    --------
    >>> some_ids(["a", "b", "c"], at_most=2)
    "'a', 'b' and 1 more"
    """
    ids = list(ids)
    more = f" and {len(ids) - at_most} more" if len(ids) > at_most else ""
    return ", ".join(repr(one) for one in ids[:at_most]) + more


def label_keys(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """One text for each label cell, so that sets of labels compare like single labels; null stays null."""
    import pyarrow.compute as pc

    return pc.binary_join(column, "\x1f") if is_list(column.type) else column
