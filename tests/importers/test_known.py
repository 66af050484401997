import pyarrow as pa

from yori.importers.known import Known, KnownExample


def test_rows_of_a_project():
    rows = pa.table(
        {"example_id": ["a", "b"], "label": ["x", None], "sha256": ["0" * 64, None], "duplicates": ["a", None]}
    )
    assert Known.from_rows(rows).examples == {
        "a": KnownExample("0" * 64, "x", "a"),
        "b": KnownExample(None, None, None),
    }


def test_columns_that_are_not_there_and_several_labels():
    rows = pa.table({"example_id": ["a"], "label": [["y", "x"]]})
    assert Known.from_rows(rows).examples == {"a": KnownExample(None, ("x", "y"), None)}
    assert Known.from_rows(rows.slice(0, 0)).examples == {}
