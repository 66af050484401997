"""Edits of a proof as the gallery shows them: one entry for each change, with the cells that chose it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from yori.curate.edits import EDIT_SCHEMA
from yori.errors import CorruptError


@dataclass(frozen=True)
class ShownEdit:
    """A change, and the cells (``protocol``, ``seed``) that chose it; empty if the table does not say.

    ``helps``, ``hurts``: the query examples it is predicted to help and hurt most, with the change of what each adds to the
    objective. ``predicted_gain`` and ``agreement`` are means over these cells, ``round`` is the earliest.
    """

    example_id: str
    action: str
    old_label: str | None
    new_label: str | None
    weight: float | None
    predicted_gain: float | None
    reason: str
    round: int | None
    agreement: float | None
    cells: tuple[tuple[str, int], ...]
    helps: tuple[tuple[str, float], ...] = ()
    hurts: tuple[tuple[str, float], ...] = ()


def read_edits_of_proof(path: Path) -> tuple[ShownEdit, ...]:
    """Read ``edits.parquet`` of a proof; the change that most cells chose comes first, then the largest gain.

    Raises
    ------
    CorruptError
        If the file cannot be read or a column is missing.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise CorruptError("a readable edit set", str(error), where=str(path), fix="Run `yori run` again.") from None
    missing = [name for name in EDIT_SCHEMA.names if name not in table.column_names]
    if missing:
        raise CorruptError("the columns of an edit set", f"none called {', '.join(missing)}", where=str(path))
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        key = (row["example_id"], row["action"], row["old_label"], row["new_label"])
        grouped.setdefault(key, []).append(row)
    edits = [_merged(rows) for rows in grouped.values()]
    return tuple(sorted(edits, key=lambda edit: (-len(edit.cells), -(edit.predicted_gain or 0.0), edit.example_id)))


def _merged(rows: Sequence[dict[str, Any]]) -> ShownEdit:
    first = rows[0]
    known = "protocol" in first and "seed" in first
    reasons = dict.fromkeys(str(row["reason"]) for row in rows if row["reason"])
    rounds = [int(row["round"]) for row in rows if row["round"] is not None]
    return ShownEdit(
        example_id=str(first["example_id"]),
        action=str(first["action"]),
        old_label=first["old_label"],
        new_label=first["new_label"],
        weight=first["weight"],
        predicted_gain=_mean(rows, "predicted_gain"),
        reason="; ".join(reasons),
        round=min(rounds) if rounds else None,
        agreement=_mean(rows, "agreement"),
        helps=_witnesses(first, "helps"),
        hurts=_witnesses(first, "hurts"),
        cells=tuple((str(row["protocol"]), int(row["seed"])) for row in rows) if known else (),
    )


def _witnesses(row: dict[str, Any], name: str) -> tuple[tuple[str, float], ...]:
    """Empty for a proof of an older yori, which did not explain its edits."""
    return tuple((str(each["example_id"]), float(each["effect"])) for each in row.get(name) or ())


def _mean(rows: Sequence[dict[str, Any]], column: str) -> float | None:
    values = [float(row[column]) for row in rows if row[column] is not None]
    return sum(values) / len(values) if values else None
