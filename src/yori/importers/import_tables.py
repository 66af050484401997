"""The tables an import hands on: rows for the project, the report, and the measured quality."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from yori.importers.candidates import Candidate
from yori.importers.recording import Label, LeftOut
from yori.store.tables import ROW_COLUMNS, label_type

_RESERVED = (*ROW_COLUMNS, "label_original")


def rows_table(candidates: Sequence[Candidate], cluster: Mapping[str, str], *, source: str, several: bool) -> pa.Table:
    """Rows for `yori.store.Project.add_rows`: its columns but ``weight``, then every other column of the source.

    A column of the source that is called like one of ours and plays no role becomes ``original_<name>``.
    """
    kind = label_type("several" if several else "one")
    text, real = pa.string(), pa.float64()
    recordings = [one.recording for one in candidates]
    columns: dict[str, pa.Array] = {
        "example_id": pa.array([one.example_id for one in candidates], text),
        "uri": pa.array([one.uri or None for one in recordings], text),
        "source": pa.array([source if one.uri else None for one in recordings], text),
        "start": pa.array([one.start for one in candidates], real),
        "duration": pa.array([one.seconds for one in candidates], real),
        "label": pa.array([_cell(one.label, several) for one in recordings], kind),
        "domain": pa.array([one.domain for one in recordings], text),
        "group": pa.array([one.recording.group or one.recording.uri or one.example_id for one in candidates], text),
        "split": pa.array([one.split for one in recordings], text),
        "annotator": pa.array([one.annotator for one in recordings], text),
        "time": pa.array([one.time for one in recordings], text),
        "verified": pa.array([_cell(one.verified, several) for one in recordings], kind),
        "sha256": pa.array([one.sha256 for one in candidates], text),
        "duplicates": pa.array([cluster.get(one.example_id) for one in candidates], text),
    }
    for name in dict.fromkeys(name for one in recordings for name in one.extra):
        column = f"original_{name}" if name in _RESERVED else name
        columns[column] = _other([one.extra.get(name) for one in recordings])
    return pa.table(columns)


def left_out_table(listed: Sequence[LeftOut]) -> pa.Table:
    """The report, sorted by place."""
    ordered = sorted(listed, key=lambda one: (one.uri, one.start is not None, one.start or 0.0))
    return pa.table(
        {
            "uri": pa.array([one.uri for one in ordered], pa.string()),
            "start": pa.array([one.start for one in ordered], pa.float64()),
            "reason": pa.array([one.reason for one in ordered], pa.string()),
            "detail": pa.array([one.detail for one in ordered], pa.string()),
            "action": pa.array([one.action for one in ordered], pa.string()),
        }
    )


def quality_table(candidates: Sequence[Candidate]) -> pa.Table:
    """Measures of every clip; embeddings have none."""
    measured = [(one.example_id, one.quality) for one in candidates if one.quality is not None]
    return pa.table(
        {
            "example_id": pa.array([name for name, _ in measured], pa.string()),
            "level_dbfs": pa.array([quality.level for _, quality in measured], pa.float64()),
            "peak_dbfs": pa.array([quality.peak for _, quality in measured], pa.float64()),
            "clipped_share": pa.array([quality.clipped for _, quality in measured], pa.float64()),
            "offset": pa.array([quality.offset for _, quality in measured], pa.float64()),
            "dropout_seconds": pa.array([quality.dropout for _, quality in measured], pa.float64()),
        }
    )


def _cell(label: Label, several: bool) -> Any:
    return [label] if several and isinstance(label, str) else list(label) if isinstance(label, tuple) else label


def _other(cells: list[Any]) -> pa.Array:
    """A column of any type; one that Arrow cannot give a type, such as text and numbers mixed, becomes text."""
    plain = [json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, dict) else cell for cell in cells]
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in plain], pa.string())
