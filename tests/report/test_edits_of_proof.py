from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.curate.edits import EDIT_SCHEMA
from yori.errors import CorruptError
from yori.report.edits_of_proof import read_edits_of_proof


def row(example: str, **columns: Any) -> dict[str, Any]:
    return {"example_id": example, "action": "drop", "old_label": "tug", "new_label": None, "weight": 0.0,
            "predicted_gain": 1.0, "reason": "r", "round": 2, "agreement": 0.5, **columns}  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path / "edits.parquet")
    return path / "edits.parquet"


def test_the_same_change_in_several_cells_is_one_entry(tmp_path: Path) -> None:
    cell = {"protocol": "id", "seed": 0}
    path = write(tmp_path, [
        row("b", predicted_gain=9.0, **cell),
        row("a", predicted_gain=1.0, round=3, agreement=0.2, **cell),
        row("a", predicted_gain=3.0, round=1, agreement=0.6, reason="other", protocol="lodo:far", seed=2),
        row("a", action="relabel", new_label="cargo", **cell),
    ])  # fmt: skip
    first, second, third = read_edits_of_proof(path)
    assert (first.example_id, first.cells) == ("a", (("id", 0), ("lodo:far", 2)))
    assert (first.predicted_gain, first.round, first.agreement, first.reason) == (2.0, 1, 0.4, "r; other")
    assert second.example_id == "b"
    assert (third.action, third.new_label) == ("relabel", "cargo")


def test_a_plain_edit_set_is_sorted_by_gain(tmp_path: Path) -> None:
    path = write(tmp_path, [row("a"), row("b", predicted_gain=2.0), row("c", predicted_gain=None, round=None)])
    found = read_edits_of_proof(path)
    assert [edit.example_id for edit in found] == ["b", "a", "c"]
    assert found[0].cells == ()
    assert (found[2].predicted_gain, found[2].round) == (None, None)


def test_no_edit_at_all(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([], schema=EDIT_SCHEMA), tmp_path / "edits.parquet")
    assert read_edits_of_proof(tmp_path / "edits.parquet") == ()


def test_what_is_no_edit_set(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match=r"edits\.parquet"):
        read_edits_of_proof(tmp_path / "edits.parquet")
    (tmp_path / "edits.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptError, match="readable edit set"):
        read_edits_of_proof(tmp_path / "edits.parquet")
    pq.write_table(pa.table({"example_id": ["a"]}), tmp_path / "edits.parquet")
    with pytest.raises(CorruptError, match="agreement"):
        read_edits_of_proof(tmp_path / "edits.parquet")
