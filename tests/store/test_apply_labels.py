"""Patches against a model that replays them one by one on a dictionary."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import AlignmentError, ConflictError
from yori.store import Project
from yori.store.apply_labels import apply_patches, needed_patches
from yori.store.examples import join_patches
from yori.store.patch_table import patch_table

IDS = "abcd"
ONE: list[Any] = ["x", "y", "z"]
SEVERAL: list[Any] = [["x"], ["x", "y"], [], ["z"]]
IMPORTED_ONE: dict[str, Any] = {"a": "x", "b": "x", "c": "y", "d": None}
IMPORTED_SEVERAL: dict[str, Any] = {"a": ["x"], "b": ["x", "y"], "c": [], "d": None}


@dataclass(frozen=True)
class Example:
    label: Any
    weight: float = 1.0
    dropped: bool = False


Edit = tuple[str, str, Any, Any, float | None]


def replay(state: dict[str, Example], imported: dict[str, Any], edits: list[Edit], check: bool) -> dict[str, Example]:
    state = dict(state)
    for one, action, old, new, weight in edits:
        now = state[one]
        stale = (action == "relabel" or old is not None) and old != now.label
        absent = now.dropped and action in ("relabel", "reweight")
        if action == "relabel":
            after = replace(now, label=new)
        elif action == "drop":
            after = replace(now, dropped=True)
        elif action == "reweight":
            after = replace(now, weight=weight)
        else:
            after = Example(imported[one])
        if check and (absent or (stale and after != now)):
            raise ConflictError("model")
        state[one] = after
    return state


def commit(state: dict[str, Example], imported: dict[str, Any], edits: list[Edit]) -> dict[str, Example]:
    """What a commit makes of the state: examples that are as the edits want them already are left alone."""
    outcome = replay(state, imported, edits, check=False)
    kept = []
    for edit in edits:
        mine = [other for other in edits if other[0] == edit[0]]
        wants_presence = any(other[1] in ("relabel", "reweight") for other in mine)
        wants_absence = any(other[1] == "drop" for other in mine)
        unwished = outcome[edit[0]].dropped and wants_presence and not wants_absence
        if outcome[edit[0]] != state[edit[0]] or unwished:
            kept.append(edit)
    return replay(state, imported, kept, check=True)


def edits(labels: list[Any]) -> st.SearchStrategy[list[list[Edit]]]:
    label = st.sampled_from(labels)
    edit = st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(["relabel", "drop", "reweight", "restore"]),
        st.none() | label | st.just("current"),
        label,
        st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    )
    return st.lists(st.lists(edit, min_size=1, max_size=4), max_size=5)


def settle(edit: tuple[Any, ...], state: dict[str, Example]) -> Edit:
    one, action, old, new, weight = edit
    return one, action, state[one].label if old == "current" else old, new, weight


def rows(imported: dict[str, Any], kind: pa.DataType) -> pa.Table:
    return pa.table(
        {
            "example_id": list(imported),
            "label": pa.array(list(imported.values()), kind),
            "weight": pa.array([None] * len(imported), pa.float64()),
        }
    )


def patch(batch: list[Edit], kind: pa.DataType) -> pa.Table:
    ids, action, old, new, weight = zip(*batch, strict=True)
    return pa.table(
        {
            "example_id": list(ids),
            "action": list(action),
            "old": pa.array(list(old), kind),
            "new": pa.array(list(new), kind),
            "weight": pa.array(list(weight), pa.float64()),
            "who": ["ann"] * len(batch),
        }
    )


@pytest.mark.parametrize(
    ("labels", "imported", "kind", "name"),
    [
        (ONE, IMPORTED_ONE, pa.string(), "one"),
        (SEVERAL, IMPORTED_SEVERAL, pa.list_(pa.string()), "several"),
    ],
)
def test_random_patches_equal_the_model(
    labels: list[Any], imported: dict[str, Any], kind: pa.DataType, name: Any
) -> None:
    table = rows(imported, kind)

    @settings(max_examples=50, deadline=None)
    @given(edits(labels))
    def run(batches: list[list[tuple[Any, ...]]]) -> None:
        state, committed = {one: Example(label) for one, label in imported.items()}, []
        for raw in batches:
            batch = [settle(edit, state) for edit in raw]
            proposed = patch_table(patch(batch, kind), kind=name, now="now")
            before = join_patches(committed, name)
            try:
                state = commit(state, imported, batch)
            except ConflictError:
                with pytest.raises(ConflictError):
                    needed_patches(table, before, proposed)
                continue
            needed = needed_patches(table, before, proposed)
            committed.append(proposed.filter(needed))
            found = apply_patches(table, join_patches(committed, name))
            assert found.label.to_pylist() == [state[one].label for one in IDS]
            assert found.weight.to_pylist() == [state[one].weight for one in IDS]
            assert found.dropped.tolist() == [state[one].dropped for one in IDS]
            # the same patch again is no change
            assert not needed_patches(table, join_patches(committed, name), proposed).any()

    run()


@settings(max_examples=12, deadline=None)
@given(edits(ONE))
def test_a_project_on_disk_equals_the_model(batches: list[list[tuple[Any, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(f"{folder}/project", "task")
        imported = pa.table({"example_id": list(IMPORTED_ONE), "label": list(IMPORTED_ONE.values())})
        project.add_rows(imported, sources={}, message="m", who="w")
        state = {one: Example(label) for one, label in IMPORTED_ONE.items()}
        history = {1: state}
        for raw in batches:
            batch = [settle(edit, state) for edit in raw]
            try:
                state = commit(state, IMPORTED_ONE, batch)
            except ConflictError:
                with pytest.raises(ConflictError):
                    project.add_labels(patch(batch, pa.string()), message="m")
                continue
            history[project.add_labels(patch(batch, pa.string()), message="m").version.number] = state
        for number, then in history.items():
            kept = {one: example for one, example in then.items() if not example.dropped}
            table = project.examples(number, ["example_id", "label", "weight", "label_original"])
            assert table.to_pylist() == [
                {"example_id": one, "label": e.label, "weight": e.weight, "label_original": IMPORTED_ONE[one]}
                for one, e in kept.items()
            ]
            counts = project.version(number).counts
            assert counts["examples"] == len(kept)
            assert counts["dropped"] == len(IDS) - len(kept)
            assert counts["relabelled"] == sum(e.label != IMPORTED_ONE[one] for one, e in kept.items())
            assert counts["unlabelled"] == sum(e.label is None for e in kept.values())


def test_a_conflict_names_every_id_and_the_first_state(bells: Project, make_patch: Any) -> None:
    stale = make_patch(
        ("a", "relabel", "horn", "ship"), ("b", "relabel", "bell", "horn"), ("e", "relabel", "horn", "ship")
    )
    with pytest.raises(
        ConflictError, match=r"relabel of 'horn'.*2 that are not: 'a', 'e'; the first is labelled 'bell'"
    ):
        bells.add_labels(stale, message="m")
    bells.add_labels(make_patch(("a", "drop")), message="m")
    with pytest.raises(ConflictError, match="the first is dropped"):
        bells.add_labels(make_patch(("a", "relabel", "bell", "bell")), message="m")
    with pytest.raises(AlignmentError, match="unknown ids 'nobody'"):
        bells.add_labels(make_patch(("nobody", "drop")), message="m")


def test_the_old_of_a_drop_is_optional_but_checked(bells: Project, make_patch: Any) -> None:
    with pytest.raises(ConflictError, match="'a'"):
        bells.add_labels(make_patch(("a", "drop", "horn")), message="m")
    bells.add_labels(make_patch(("a", "drop", "bell"), ("b", "drop")), message="m")
    assert bells.examples()["example_id"].to_pylist() == ["c", "d", "e"]
