import numpy as np
import pyarrow as pa
import pytest

from yori.preparation import check_columns


def check(values, kind=None):
    return check_columns(pa.table({"x": pa.array(values, kind) if kind is not None else values}))[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2, 3], "whole"), ([1.5, 2.0], "number"), (["1", "22", "3"], "whole"), (["1.5", "2e3", "-.5"], "number"),
     (["yes", "no", "yes"], "yes or no"), ([True, False], "yes or no"), (["2026-01-02", "2026-01-02T03:04"], "time"),
     (["near", "far"] * 4, "category"), (["a b", "c d", "e f"], "text"), ([["a"], ["b"]], "list"),
     ([None, None], "empty"), (["", "N/A"], "empty")],
)  # fmt: skip
def test_kinds(values, kind):
    assert check(values).kind == kind


def test_what_does_not_belong_is_named():
    found = check([str(k) for k in range(2, 40)] + ["loud"])
    assert (found.kind, found.unusable, found.unusable_rows, found.note) == (
        "whole",
        ("loud",),
        1,
        "numbers kept as text",
    )
    found = check([1.0, np.inf, 2.0])
    assert found.unusable == ("inf",)


def test_gaps_and_spellings():
    found = check(["Near", "near", "far", None, "?", " "] * 5)
    assert (found.missing, found.alike) == (15, (("Near", "near"),))
    assert check([1.0, float("nan"), None]).missing == 2
    assert check(["a"] * 4).note == "the same in every row"
    assert check([], pa.string()).kind == "empty"
