"""One change to one training example, and an ordered, hashed set of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa

from yori.errors import CorruptError

Action = Literal["drop", "relabel", "reweight", "review"]

EDIT_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("action", pa.string()),
        ("old_label", pa.string()),
        ("new_label", pa.string()),
        ("weight", pa.float64()),
        ("predicted_gain", pa.float64()),
        ("reason", pa.string()),
        ("round", pa.int64()),
        ("agreement", pa.float64()),
    ]
)
"""Columns of ``edits.parquet``. Several labels of one example are joined by ``;``."""


@dataclass(frozen=True)
class Edit:
    """One change.

    ``predicted_gain``: fall of the objective it is predicted to buy (positive = better), in units of the objective.
    ``agreement``: share of the votes (validation folds, seeds) that chose it too.
    """

    example_id: str
    action: Action
    old_label: str
    new_label: str | None
    weight: float
    predicted_gain: float
    reason: str
    round: int
    agreement: float


@dataclass(frozen=True)
class EditSet(Sequence[Edit]):
    """Edits in order, at most one per example."""

    edits: tuple[Edit, ...]

    def __len__(self) -> int:
        return len(self.edits)

    def __getitem__(self, index: int) -> Edit:  # type: ignore[override]
        return self.edits[index]

    def __iter__(self) -> Iterator[Edit]:
        return iter(self.edits)

    def sha256(self) -> str:
        """Hash of what the edits do, in order; gains and reasons are not part of it."""
        digest = hashlib.sha256()
        for edit in self.edits:
            done = [edit.example_id, edit.action, edit.old_label, edit.new_label, repr(float(edit.weight))]
            digest.update(json.dumps(done, ensure_ascii=True).encode() + b"\n")
        return digest.hexdigest()

    def table(self) -> pa.Table:
        """As an Arrow table with the columns of `EDIT_SCHEMA`."""
        return pa.Table.from_pylist([edit.__dict__ for edit in self.edits], schema=EDIT_SCHEMA)

    @classmethod
    def of(cls, edits: Iterable[Edit]) -> EditSet:
        """From any iterable."""
        return cls(tuple(edits))


def edits_of_table(table: pa.Table) -> EditSet:
    """Back from `EditSet.table`; other columns are ignored.

    Raises
    ------
    CorruptError
        If a column is missing or of another type, a value is missing, an action unknown, or an example edited twice.
    """
    missing = [name for name in EDIT_SCHEMA.names if name not in table.column_names]
    if missing:
        raise _corrupt("the columns of an edit set", f"none called {', '.join(missing)}")
    try:
        whole = table.select(EDIT_SCHEMA.names).cast(EDIT_SCHEMA)
    except pa.ArrowException as error:
        raise _corrupt("the columns of an edit set", str(error)) from None
    blank = [name for name in EDIT_SCHEMA.names if name != "new_label" and whole[name].null_count]
    if blank:
        raise _corrupt("no value missing", f"a null in {', '.join(blank)}")
    unknown = set(whole["action"].to_pylist()) - set(get_args(Action))
    if unknown:
        raise _corrupt(f"actions out of {', '.join(get_args(Action))}", ", ".join(map(repr, sorted(unknown))))
    twice = [name for name, times in Counter(whole["example_id"].to_pylist()).items() if times > 1]
    if twice:
        raise _corrupt("at most one edit for each example", f"several for {', '.join(map(repr, twice[:5]))}")
    return EditSet.of(Edit(**row) for row in whole.to_pylist())


def _corrupt(expected: str, arrived: str) -> CorruptError:
    return CorruptError(expected, arrived, where="edits.parquet", fix="Restore the file from a backup.")


def read_edits(path: str | Path) -> EditSet:
    """Read ``edits.parquet``.

    Raises
    ------
    CorruptError
        If it is missing, damaged, or no edit set.
    """
    import pyarrow.parquet as pq

    try:
        return edits_of_table(pq.read_table(path))
    except (OSError, pa.ArrowException) as error:
        raise CorruptError("a readable edit set", str(error), where=str(path)) from None
