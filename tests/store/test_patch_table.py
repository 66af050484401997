from __future__ import annotations

import pyarrow as pa
import pytest

from yori.errors import AlignmentError, ValuesError
from yori.store.patch_table import patch_table
from yori.store.tables import PATCH_COLUMNS


def patch(**columns: object) -> pa.Table:
    given = {"example_id": ["a"], "action": ["drop"], "who": ["ann"], **columns}
    return patch_table(pa.table(given), kind=None, now="now")


def test_the_form() -> None:
    table = patch()
    assert table.column_names == list(PATCH_COLUMNS)
    assert table.to_pylist() == [
        {"example_id": "a", "action": "drop", "old": None, "new": None, "weight": None, "who": "ann", "when": "now"}
        | {"why": None}
    ]
    assert patch(when=["then"])["when"].to_pylist() == ["then"]
    assert patch(why=["noise\nand more"])["why"].to_pylist() == ["noise\nand more"]


def test_cells_that_an_action_does_not_use_are_cleared() -> None:
    table = patch(
        example_id=["a", "a", "a"], action=["relabel", "drop", "reweight"], who=["w"] * 3, new=["x"] * 3, weight=[2] * 3
    )
    assert table["new"].to_pylist() == ["x", None, None]
    assert table["weight"].to_pylist() == [None, None, 2.0]


@pytest.mark.parametrize(
    ("columns", "wish"),
    [
        ({"action": ["review"]}, "a review changes nothing by itself"),
        ({"action": [None]}, "one of relabel, drop, reweight, restore"),
        ({"action": ["relabel"]}, "a new label for every relabel"),
        ({"action": ["reweight"]}, "a finite weight ≥ 0"),
        ({"action": ["reweight"], "weight": [-1.0]}, "a finite weight ≥ 0 for every reweight, got -1.0"),
        ({"action": ["reweight"], "weight": [float("nan")]}, "got nan"),
        ({"who": [None]}, "who made the change"),
        ({"who": [""]}, "who made the change"),
        ({"new_label": ["x"]}, "'new_label'"),
        ({"action": ["relabel"], "new": ["x"], "old": [["x"]]}, "several label"),
    ],
)
def test_what_a_patch_cannot_say(columns: dict[str, object], wish: str) -> None:
    with pytest.raises(ValuesError, match=wish):
        patch(**columns)


def test_a_patch_needs_an_example_and_a_signature() -> None:
    with pytest.raises(ValuesError, match="a column 'who'"):
        patch_table(pa.table({"example_id": ["a"], "action": ["drop"]}), kind=None, now="now")
    with pytest.raises(AlignmentError, match="none in row 0"):
        patch(example_id=pa.array([None], pa.string()))
