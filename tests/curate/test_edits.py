import hashlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.curate import Edit, EditSet, read_edits
from yori.curate.edits import EDIT_SCHEMA, edits_of_table
from yori.errors import CorruptError

DROP = Edit("a", "drop", "배", None, 0.0, 0.1, "hurts", 1, 0.8)
RELABEL = Edit("b", "relabel", "horn", "bell;ship", 1.0, 0.05, "looks like a bell", 2, 1.0)
EDITS = EditSet.of([DROP, RELABEL])

number = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "example_id": st.text(),
            "action": st.sampled_from(["drop", "relabel", "reweight", "review"]),
            "old_label": st.text(),
            "new_label": st.none() | st.text(),
            "weight": number,
            "predicted_gain": number,
            "reason": st.text(),
            "round": st.integers(0, 9),
            "agreement": st.floats(0, 1),
        }
    ),
    max_size=5,
    unique_by=lambda row: row["example_id"],
)


@given(rows=rows)
def test_round_trip_keeps_edits_order_and_hash(rows):
    edits = EditSet.of(Edit(**row) for row in rows)
    again = edits_of_table(edits.table())
    assert again == edits
    assert again.sha256() == edits.sha256()
    assert edits.table().schema == EDIT_SCHEMA


def test_is_a_sequence():
    assert (len(EDITS), EDITS[0], EDITS[-1], list(EDITS)) == (2, DROP, RELABEL, [DROP, RELABEL])
    assert DROP in EDITS
    assert len(EditSet.of([])) == EditSet.of([]).table().num_rows == 0


@pytest.mark.parametrize(
    "change", [{"example_id": "c"}, {"action": "review"}, {"old_label": "x"}, {"new_label": ""}, {"weight": 0.5}]
)
def test_hash_changes_with_what_an_edit_does(change):
    assert EditSet.of([replace(DROP, **change), RELABEL]).sha256() != EDITS.sha256()


@pytest.mark.parametrize("change", [{"predicted_gain": 9.0}, {"reason": "x"}, {"round": 7}, {"agreement": 0.1}])
def test_hash_does_not_change_with_why(change):
    assert EditSet.of([replace(DROP, **change), RELABEL]).sha256() == EDITS.sha256()


def test_hash_depends_on_the_order_and_on_where_one_edit_ends():
    hashes = {
        EDITS.sha256(),
        EditSet.of([RELABEL, DROP]).sha256(),
        EditSet.of([DROP]).sha256(),
        EditSet.of([]).sha256(),
        EditSet.of([replace(DROP, example_id="a\n"), RELABEL]).sha256(),
    }
    assert len(hashes) == 5


def test_hash_is_of_numbers_not_of_their_types():
    whole, numpy = replace(DROP, weight=0), replace(DROP, weight=np.float64(0))
    assert len({EditSet.of([edit]).sha256() for edit in (DROP, whole, numpy)}) == 1


def test_hash_is_of_one_line_of_json_for_each_edit():
    lines = b'["a", "drop", "\\ubc30", null, "0.0"]\n["b", "relabel", "horn", "bell;ship", "1.0"]\n'
    assert EDITS.sha256() == hashlib.sha256(lines).hexdigest()


def test_read_edits(tmp_path):
    pq.write_table(EDITS.table().append_column("more", [[1, 2]]), tmp_path / "edits.parquet")
    assert read_edits(tmp_path / "edits.parquet") == EDITS
    assert read_edits(str(tmp_path / "edits.parquet")) == EDITS


def column(name: str, values: list[object]) -> pa.Table:
    table = EDITS.table()
    return table.set_column(table.column_names.index(name), name, [values])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (EDITS.table().drop_columns(["action", "round"]), "none called action, round"),
        (column("action", ["drop", "explode"]), "drop, relabel, reweight, review, got 'explode'"),
        (column("example_id", ["a", "a"]), "at most one edit for each example, got several for 'a'"),
        (column("weight", [0.0, None]), "null in weight"),
        (column("agreement", ["high", "low"]), "the columns of an edit set"),
    ],
)
def test_a_table_that_is_no_edit_set(tmp_path, table, message):
    path = tmp_path / "edits.parquet"
    pq.write_table(table, path)
    with pytest.raises(CorruptError, match=message):
        read_edits(path)


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "edits.parquet"
    for prepare in (lambda: None, lambda: path.write_bytes(b""), lambda: path.write_bytes(b"PAR1 not really PAR1")):
        prepare()
        with pytest.raises(CorruptError, match=r"edits\.parquet: expected a readable edit set"):
            read_edits(path)
    pq.write_table(EDITS.table(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptError):
        read_edits(path)
