from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from yori.store import Project
from yori.store.diff import diff_examples

STATE = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1.0, 0.5]))
)


def table(state: dict[str, tuple[str | None, float]]) -> pa.Table:
    ids = sorted(state)
    return pa.table(
        {
            "example_id": pa.array(ids, pa.string()),
            "label": pa.array([state[one][0] for one in ids], pa.string()),
            "weight": pa.array([state[one][1] for one in ids], pa.float64()),
        }
    )


@given(STATE, STATE)
def test_a_diff_equals_the_difference_of_two_dictionaries(
    a: dict[str, tuple[str | None, float]], b: dict[str, tuple[str | None, float]]
) -> None:
    found = diff_examples(table(a), table(b))
    both = sorted(set(a) & set(b))
    assert found.added == tuple(sorted(set(b) - set(a)))
    assert found.removed == tuple(sorted(set(a) - set(b)))
    for changes, at in ((found.relabelled, 0), (found.reweighted, 1)):
        assert changes.to_pylist() == [
            {"example_id": one, "old": a[one][at], "new": b[one][at]} for one in both if a[one][at] != b[one][at]
        ]
    labels = {label for state in (a, b) for label, _ in state.values() if label is not None}
    assert found.classes == {
        label: tuple(sum(one == label for one, _ in state.values()) for state in (a, b)) for label in sorted(labels)
    }
    assert found.is_empty == (a == b)


def test_a_diff_of_versions_in_either_direction(bells: Project, make_patch: Any, make_rows: Any) -> None:
    bells.add_labels(
        make_patch(("a", "relabel", "bell", "ship"), ("b", "drop"), ("c", "reweight", None, None, 2)), message="m"
    )
    bells.add_rows(make_rows("x", ["ship"]), sources={}, message="m", who="w")
    forward, back = bells.diff(1, 3), bells.diff(3, 1)
    assert (forward.added, forward.removed) == (("x",), ("b",)) == (back.removed, back.added)
    assert forward.relabelled.to_pylist() == [{"example_id": "a", "old": "bell", "new": "ship"}]
    assert back.relabelled.to_pylist() == [{"example_id": "a", "old": "ship", "new": "bell"}]
    assert forward.reweighted.to_pylist() == [{"example_id": "c", "old": 1.0, "new": 2.0}]
    assert forward.classes == {"bell": (3, 1), "horn": (1, 1), "ship": (0, 2)}
    assert bells.diff(2, 2).is_empty
    assert bells.diff(0, 1).added == tuple("abcde")
