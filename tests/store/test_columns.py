from __future__ import annotations

import pyarrow as pa
import pytest

from yori.errors import ValuesError
from yori.store.columns import at_least, conform, refuse
from yori.store.tables import REAL, TEXT


@pytest.mark.parametrize(
    ("column", "wanted", "result"),
    [
        (pa.array([1, None]), TEXT, ["1", None]),
        (pa.array([None, None]), TEXT, [None, None]),
        (pa.array(["a"]).dictionary_encode(), TEXT, ["a"]),
        (pa.array(["a"], pa.string_view()), TEXT, ["a"]),
        (pa.array([1, 2], pa.uint8()), REAL, [1.0, 2.0]),
        (pa.array([0.5], pa.float32()), REAL, [0.5]),
    ],
)
def test_columns_become_what_the_schema_says(column: pa.Array, wanted: pa.DataType, result: list[object]) -> None:
    table = conform(pa.table({"a": column}), {"a": wanted, "b": wanted}, None, "here")
    assert table["a"].to_pylist() == result
    assert table["a"].type == table["b"].type == wanted
    assert table["b"].null_count == len(result)


def test_a_refusal_names_the_first_bad_row_and_a_missing_value_is_not_bad() -> None:
    import pyarrow.compute as pc

    table = pa.table({"example_id": ["a", "b", "c"], "x": [None, 1.0, -1.0]})
    refuse(table.slice(0, 2), "x", pc.invert(at_least(table["x"].slice(0, 2), 0.0)), "≥ 0", "here")
    with pytest.raises(ValuesError, match=r"here: expected ≥ 0, got -1.0 in row 2 \(example 'c'\), column 'x'"):
        refuse(table, "x", pc.invert(at_least(table["x"], 0.0)), "≥ 0", "here")
