"""All answers in force as one table: what merging, exports and progress read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import select

from yori.flywheel.database import Database
from yori.flywheel.items import in_force
from yori.flywheel.schema import ANSWERS, ITEMS

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()

ANSWER_COLUMNS: dict[str, pa.DataType] = {
    "answer_id": _WHOLE,
    "item_id": _TEXT,
    "person": _TEXT,
    "verdict": _TEXT,
    "label": _TEXT,
    "note": _TEXT,
    "seconds": _REAL,
    "suggestion_shown": pa.bool_(),
    "at": _REAL,
    "origin": _TEXT,
}
"""Columns of an answer."""

ITEM_COLUMNS: dict[str, pa.DataType] = {
    "turn": _WHOLE,
    "example_id": _TEXT,
    "prediction_id": _WHOLE,
    "kind": _TEXT,
    "media": _TEXT,
    "start": _REAL,
    "duration": _REAL,
    "domain": _TEXT,
    "suggested": _TEXT,
    "current": _TEXT,
    "confidence": _REAL,
    "reasons": _TEXT,
    "share": _TEXT,
    "priority": _REAL,
    "wanted": _WHOLE,
    "gold": _TEXT,
    "state": _TEXT,
}
"""Columns of its item; ``reasons`` as JSON."""


def open_answers(database: Database, *, states: Sequence[str] = ("open", "answered")) -> pa.Table:
    """Answers in force, those taken back left out, in the order they were given.

    Parameters
    ----------
    states
        States of the items wanted; by default those that are not merged or withdrawn yet. Items in state ``open`` still
        want more answers.

    Returns
    -------
    A table of `ANSWER_COLUMNS` and `ITEM_COLUMNS`. Skips are in it.
    """
    columns: list[Any] = [ANSWERS.c[name] for name in ANSWER_COLUMNS] + [ITEMS.c[name] for name in ITEM_COLUMNS]
    query = select(*columns).join(ITEMS, ITEMS.c.item_id == ANSWERS.c.item_id)
    query = query.where(ITEMS.c.state.in_(list(states)), in_force()).order_by(ANSWERS.c.answer_id)
    with database.connect() as connection:
        rows = connection.execute(query).all()
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    fields = {**ANSWER_COLUMNS, **ITEM_COLUMNS}
    arrays = {}
    for (name, kind), values in zip(fields.items(), cells, strict=True):
        shown = [json.dumps(one, ensure_ascii=False) for one in values] if name == "reasons" else list(values)
        arrays[name] = pa.array(shown, kind)
    return pa.table(arrays)
