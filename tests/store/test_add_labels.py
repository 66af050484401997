from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from yori.errors import ConflictError, ValuesError
from yori.store import Project


def test_what_is_fulfilled_already_is_skipped(bells: Project, make_patch: Any) -> None:
    edits = make_patch(
        ("a", "relabel", "bell", "horn"),
        ("b", "drop", "bell"),
        ("c", "reweight", None, None, 0.5),
        ("d", "relabel", "horn", "ship"),
        ("d", "drop"),
    )
    first = bells.add_labels(edits, message="m")
    assert (first.version.number, first.added, first.skipped) == (2, 5, 0)
    again = bells.add_labels(edits, message="m")
    assert (again.version.number, again.added, again.skipped) == (2, 0, 5)
    more = bells.add_labels(make_patch(("b", "drop"), ("b", "drop"), ("c", "drop")), message="m")
    assert (more.version.number, more.added, more.skipped) == (3, 1, 2)


def test_rows_that_together_change_nothing_are_no_change(bells: Project, make_patch: Any) -> None:
    edits = make_patch(
        ("a", "relabel", "bell", "horn"), ("a", "relabel", "horn", "bell"), ("b", "drop"), ("b", "restore")
    )
    assert bells.add_labels(edits, message="m").version.number == 1


def test_the_same_patch_after_a_restore_is_a_change_again(bells: Project, make_patch: Any) -> None:
    edits = make_patch(("a", "relabel", "bell", "horn"))
    bells.add_labels(edits, message="m")
    bells.add_labels(make_patch(("a", "restore")), message="m")
    assert bells.add_labels(edits, message="m").version.number == 4
    assert bells.examples()["label"].to_pylist()[0] == "horn"
    # the same patch file serves two versions
    assert len({file.path for file in bells.version().files}) == 3


def test_a_patch_with_one_conflict_changes_nothing(bells: Project, make_patch: Any) -> None:
    with pytest.raises(ConflictError, match="'b'"):
        bells.add_labels(make_patch(("a", "drop"), ("b", "relabel", "horn", "ship")), message="m")
    assert bells.version().number == 1


def test_who_signed_is_in_the_log(bells: Project) -> None:
    ids = ["a", "b", "c", "d", "e"]
    patch = pa.table({"example_id": ids, "action": ["drop"] * 5, "who": ["ben", "ann", "ben", "cid", "dan"]})
    assert bells.add_labels(patch, message="m").version.who == "ann, ben, cid, dan"
    many = pa.table({"example_id": ids + ids[:2], "action": ["restore"] * 7, "who": list("gfedcba")})
    assert bells.add_labels(many, message="m").version.who == "a, b, c, d, e and 2 more"


def test_columns_of_an_edit_table_that_are_not_ours_are_refused(bells: Project) -> None:
    with pytest.raises(ValuesError, match="only the columns"):
        bells.add_labels(pa.table({"example_id": ["a"], "action": ["drop"], "who": ["w"], "round": [1]}), message="m")
    with pytest.raises(ValuesError, match="a column 'who'"):
        bells.add_labels(pa.table({"example_id": ["a"], "action": ["drop"]}), message="m")
