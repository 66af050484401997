import json

import pyarrow as pa

from yori.importers.candidates import Candidate
from yori.importers.import_tables import left_out_table, quality_table, rows_table
from yori.importers.recording import LeftOut, Recording
from yori.store.tables import ROW_COLUMNS


def row(recording, **fields):
    one = Candidate(recording, recording.example_id or recording.uri, "0" * 64, **fields)
    return rows_table([one], {}, source="s", several=isinstance(recording.label, tuple)).to_pylist()[0]


def test_every_column_of_a_project_but_the_weight():
    recording = Recording("a.wav", "x", "d", "g", "train", "ann", "2020", "y")
    found = row(recording, start=1.0, seconds=2.0)
    assert set(ROW_COLUMNS) - set(found) == {"weight"}
    assert found == {
        "example_id": "a.wav", "uri": "a.wav", "source": "s", "start": 1.0, "duration": 2.0, "label": "x",
        "domain": "d", "group": "g", "split": "train", "annotator": "ann", "time": "2020", "verified": "y",
        "sha256": "0" * 64, "duplicates": None,
    }  # fmt: skip


def test_a_missing_group_is_the_recording():
    assert row(Recording("a.wav", example_id="e"))["group"] == "a.wav"
    assert row(Recording("", example_id="e"))["group"] == "e"
    assert (row(Recording("", example_id="e"))["uri"], row(Recording("", example_id="e"))["source"]) == (None, None)


def test_several_labels():
    assert row(Recording("a", ("x", "y"), verified=("x",)))["label"] == ["x", "y"]
    assert row(Recording("a", (), verified=None))["verified"] is None
    mixed = rows_table(
        [Candidate(Recording("a", "x"), "a", "0"), Candidate(Recording("b"), "b", "0")], {}, source="s", several=True
    )
    assert mixed["label"].to_pylist() == [["x"], None]


def test_other_columns_keep_their_values_and_yield_to_ours():
    found = row(Recording("a", extra={"label": 3, "label_original": "x", "age": 4, "tags": {"k": 1}}))
    assert (found["original_label"], found["original_label_original"], found["age"]) == (3, "x", 4)
    assert json.loads(found["tags"]) == {"k": 1}
    odd = [Recording("a", extra={"age": 4}), Recording("b", extra={"age": "old"}), Recording("c")]
    table = rows_table([Candidate(one, one.uri, "0") for one in odd], {}, source="s", several=False)
    assert table["age"].to_pylist() == ["4", "old", None]


def test_the_report_is_sorted_by_place():
    listed = [LeftOut("b", "empty", ""), LeftOut("a", "remainder", "", start=2.0), LeftOut("a", "clipping", "", "kept")]
    table = left_out_table([*listed, LeftOut("a", "dropout", "", "kept", 1.0)])
    assert [(one["uri"], one["start"]) for one in table.to_pylist()] == [
        ("a", None),
        ("a", 1.0),
        ("a", 2.0),
        ("b", None),
    ]
    assert left_out_table([]).schema == table.schema


def test_what_has_no_quality_has_no_row():
    table = quality_table([Candidate(Recording("a"), "a", "0")])
    assert table.num_rows == 0
    assert table.schema.field("level_dbfs").type == pa.float64()
