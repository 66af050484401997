from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from yori.errors import AlignmentError, PathEscapeError, ValuesError
from yori.store.rows_table import rows_table
from yori.store.tables import ROW_COLUMNS


def rows(**columns: object) -> pa.Table:
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    columns.setdefault("example_id", [f"x{i}" for i in range(n)])
    return rows_table(pa.table(columns), kind=None)


def test_every_known_column_is_there_and_others_are_kept() -> None:
    table = rows(example_id=["b", "a"], snr=[1, 2], label=["x", None], comment=["c", "d"])
    assert table.column_names == [*ROW_COLUMNS, "comment", "snr"]
    assert table["example_id"].to_pylist() == ["a", "b"]
    assert table["snr"].to_pylist() == [2, 1]
    assert table["snr"].type == pa.int64()
    assert table["start"].type == pa.float64()
    assert table["domain"].to_pylist() == [None, None]


def test_ids_are_sorted_by_bytes() -> None:
    assert rows(example_id=["ä", "b", "Z", "a", "가"])["example_id"].to_pylist() == ["Z", "a", "b", "ä", "가"]


def test_the_form_does_not_depend_on_order_or_encoding() -> None:
    a = rows(example_id=["a", "b"], label=["x", "y"], group=[1, 2])
    b = rows(example_id=["b", "a"], group=["2", "1"], label=pa.array(["y", "x"]).dictionary_encode())
    assert a.equals(b)
    large = rows(example_id=pa.array(["a", "b"], pa.large_string()), label=["x", "y"], group=["1", "2"])
    assert a.equals(large)


def test_several_labels_are_sets() -> None:
    table = rows(label=[["b", "a", "b"], [], None])
    assert table["label"].to_pylist() == [["a", "b"], [], None]
    assert table["verified"].type == table["label"].type == pa.list_(pa.string())


@pytest.mark.parametrize(
    ("ids", "wish"), [(["a", None], "none in row 1"), (["a", "b", "a"], "'a'"), ([""], "row 0"), (["a\n"], "row 0")]
)
def test_ids_must_be_there_once(ids: list[str], wish: str) -> None:
    with pytest.raises((AlignmentError, ValuesError), match=wish):
        rows(example_id=ids)


@pytest.mark.parametrize("uri", ["../x.wav", "/x.wav", "a/../../x", "a\\b", "a\0", "", "..", "a/..", "."])
def test_a_uri_that_could_leave_its_source_is_refused(uri: str) -> None:
    with pytest.raises(PathEscapeError, match=r"row 1 \(example 'x1'\), column 'uri'"):
        rows(uri=["fine/x..y.wav", uri], source=["s", "s"])


@pytest.mark.parametrize(
    ("columns", "wish"),
    [
        ({"uri": ["a"]}, "a source for every uri"),
        ({"split": ["valid"]}, "train, validation or test, got 'valid'"),
        ({"start": [-1.0]}, "≥ 0, got -1.0 in row 0"),
        ({"start": [float("nan")]}, "got nan"),
        ({"duration": [0.0]}, "> 0, got 0.0"),
        ({"duration": [float("inf")]}, "got inf"),
        ({"weight": [-0.5]}, "got -0.5"),
        ({"label": [1.5]}, "text in column 'label', got double"),
        ({"label": [""]}, "got '' in row 0"),
        ({"label": ["a\x1fb"]}, "control characters"),
        ({"label": [["a", ""]]}, "list of texts"),
        ({"label": [["a\x1fb"]]}, "control characters"),
        ({"label": [[1]]}, "list of texts"),
        ({"label": ["a"], "verified": [["a"]]}, "one label"),
        ({"start": ["soon"]}, "numbers in column 'start', got string"),
        ({"sha256": ["ABC"]}, "64 lower-case"),
        ({"label_original": ["x"]}, "yori makes it"),
        ({"domain": [{"a": 1}]}, "text in column 'domain'"),
    ],
)
def test_what_a_column_cannot_be_is_said(columns: dict[str, object], wish: str) -> None:
    with pytest.raises(ValuesError, match=wish):
        rows(**columns)


def test_a_table_needs_ids_and_columns_that_occur_once() -> None:
    with pytest.raises(ValuesError, match="a column 'example_id', got columns label"):
        rows_table(pa.table({"label": ["a"]}), kind=None)
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["example_id", "example_id"])
    with pytest.raises(ValuesError, match="occur once, got 'example_id' twice"):
        rows_table(twice, kind=None)
    with pytest.raises(ValuesError, match="several label"):
        rows_table(pa.table({"example_id": ["a"], "label": ["x"]}), kind="several")


def test_the_input_is_not_changed() -> None:
    table = pa.table({"example_id": ["b", "a"], "start": np.array([1, 2])})
    copy = table.slice(0)
    rows_table(table, kind=None)
    assert table.equals(copy)


def test_no_rows_are_welcome() -> None:
    assert rows_table(pa.table({"example_id": pa.array([], pa.string())}), kind="several").num_rows == 0
