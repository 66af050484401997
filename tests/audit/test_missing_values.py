import pyarrow as pa
import pytest

from yori.audit.missing_values import missing_cells, missing_value_findings


@pytest.mark.parametrize(
    ("values", "gaps"),
    [([1.0, float("nan"), None, float("inf")], [False, True, True, True]), (["a", "  ", None], [False, True, True]),
     ([["a"], None], [False, True]), ([1, None], [False, True])],
)  # fmt: skip
def test_what_counts_as_missing(values, gaps):
    assert missing_cells(pa.chunked_array([values])).tolist() == gaps


def test_severity_by_what_the_task_needs():
    table = pa.table({"example_id": list("abc"), "label": ["x", None, "y"], "domain": ["n", None, None],
                      "time": ["2026", "", "2026"], "note": [1.0, None, 2.0], "empty": pa.nulls(3)})  # fmt: skip
    found = {
        each.values["column"]: (each.severity, each.code) for each in missing_value_findings(table, needed=("domain",))
    }
    assert found == {"label": ("low", "missing_label"), "domain": ("high", "missing_needed"),
                     "time": ("medium", "missing_value"), "note": ("low", "missing_value")}  # fmt: skip


def test_columns_that_are_partly_empty_by_nature():
    table = pa.table({"example_id": ["a", "b"], "verified": ["x", None], "duplicates": [None, "c"]})
    assert missing_value_findings(table) == []
