from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import SourceError
from yori.store import sha256_bytes, sha256_file, table_hash

TEXT = st.none() | st.text(alphabet=st.characters(codec="utf-8"), max_size=4)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": TEXT,
            "b": st.none() | st.floats(allow_nan=False),
            "c": st.none() | st.lists(st.text("xy", max_size=2), max_size=3),
            "d": st.none() | st.integers(-5, 5),
            "e": st.none() | st.booleans(),
        }
    ),
    max_size=6,
)
SCHEMA = pa.schema(
    [("a", pa.string()), ("b", pa.float64()), ("c", pa.list_(pa.string())), ("d", pa.int64()), ("e", pa.bool_())]
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


@given(ROWS, ROWS)
def test_hashes_are_equal_exactly_when_values_are(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> None:
    # repr, because -0.0 and 0.0 are equal numbers but other bytes
    assert (table_hash(table(a)) == table_hash(table(b))) == (repr(table(a).to_pylist()) == repr(table(b).to_pylist()))


@given(ROWS, st.integers(0, 6))
def test_chunks_slices_and_column_order_do_not_matter(rows: list[dict[str, Any]], cut: int) -> None:
    whole = table(rows)
    pieces = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)]).select(["e", "c", "a", "d", "b"])
    assert table_hash(pieces) == table_hash(whole)


def test_a_round_trip_through_parquet_does_not_matter(tmp_path: Path) -> None:
    whole = table([{"a": "x", "b": 0.5, "c": ["x", "y"], "d": None, "e": True}, dict.fromkeys("abcde")])
    for compression, version in (("zstd", "1.0"), ("none", "2.6")):
        pq.write_table(whole, tmp_path / "x.parquet", compression=compression, version=version)
        assert table_hash(pq.ParquetFile(tmp_path / "x.parquet").read()) == table_hash(whole)


def test_other_types_are_hashed_too() -> None:
    import datetime

    day = datetime.date(2026, 1, 1)
    assert table_hash(pa.table({"a": [day]})) != table_hash(pa.table({"a": [day.replace(day=2)]}))
    assert table_hash(pa.table({"a": pa.array([{"x": 1}])})) != table_hash(pa.table({"a": pa.array([{"x": 2}])}))


def test_names_types_and_nulls_count() -> None:
    tables = [
        pa.table({"a": pa.array([0], pa.int64())}),
        pa.table({"b": pa.array([0], pa.int64())}),
        pa.table({"a": pa.array([0], pa.int32())}),
        pa.table({"a": pa.array([None], pa.int64())}),
        pa.table({"a": pa.array([], pa.int64())}),
        pa.table({"a": pa.array(["ab", "c"])}),
        pa.table({"a": pa.array(["a", "bc"])}),
        pa.table({"a": pa.array([["a"], ["b"]])}),
        pa.table({"a": pa.array([["a", "b"], []])}),
        pa.table({"a": pa.array([["a", "b"], None])}),
    ]
    assert len({table_hash(one) for one in tables}) == len(tables)


def test_bytes_and_files_hash_alike(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "x").write_bytes(content)
    assert sha256_file(tmp_path / "x") == sha256_bytes(content) == hashlib.sha256(content).hexdigest()
    with pytest.raises(SourceError, match="No such file"):
        sha256_file(tmp_path / "y")
