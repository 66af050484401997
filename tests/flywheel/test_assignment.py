import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from tests.flywheel import mixture_world

from yori.errors import CorruptError, StoreError
from yori.flywheel.assignment import (
    FOLDER,
    PARTS,
    add_assignment,
    assign,
    cell_of,
    first_assignment,
    has_assignment,
    read_assignment,
)
from yori.prove.dataset import cells_of, dataset_of
from yori.task import parse_task


@pytest.fixture
def world(tmp_path):
    project, release = mixture_world.copied(tmp_path)
    return project, release, parse_task(project.task_text(), name="task")


def grown(project, names, *, group=None):
    """New labelled examples in the project."""
    table = {"example_id": names, "label": ["a"] * len(names), "domain": ["site0"] * len(names)}
    if group:
        table["group"] = [group] * len(names)
    project.add_rows(pa.table(table), sources={}, message="more", who="ann")


def test_the_first_is_the_split_of_the_release(world):
    project, release, task = world
    parts = first_assignment(project, task, release)
    data = dataset_of(project, task)
    cell = cells_of(data, task)[0]
    assert {name for name, part in parts.items() if part == "test"} == set(data.ids[cell.test])
    mine = cell_of(data, parts, turn=0)
    np.testing.assert_array_equal(mine.train, np.sort(cell.train))
    np.testing.assert_array_equal(mine.test, np.sort(cell.test))


def test_another_split_in_the_task_is_refused(world):
    project, release, task = world
    other = dataclasses.replace(task, splits=dataclasses.replace(task.splits, seed=9))
    with pytest.raises(StoreError, match="split of release"):
        first_assignment(project, other, release)


def test_what_a_turn_has_written_is_never_written_again(world):
    project, _, _ = world
    add_assignment(project, 1, {"x": "train"})
    assert add_assignment(project, 1, {"x": "test", "y": "test"}) == {"x": "train"}
    assert has_assignment(project, 1)
    assert not has_assignment(project, 2)


def test_files_that_disagree_or_are_damaged_are_said(world):
    project, _, _ = world
    add_assignment(project, 1, {"x": "train"})
    with pytest.raises(CorruptError, match="one part for every example"):
        add_assignment(project, 2, {"x": "test"})
    (project.path / FOLDER / "0002.parquet").write_bytes(b"no")
    with pytest.raises(CorruptError, match="readable assignment"):
        read_assignment(project)


def test_new_groups_train_or_validate_and_random_ones_test(world):
    project, release, task = world
    known = first_assignment(project, task, release)
    names = [f"new{k:03}" for k in range(200)]
    grown(project, names)
    data = dataset_of(project, task)
    new = assign(data, known, random=names[:20], task=task)
    assert set(new) == set(names)
    assert all(new[name] == "test" for name in names[:20])
    others = [new[name] for name in names[20:]]
    assert "test" not in others
    assert 0.1 < others.count("validation") / len(others) < 0.3  # task.splits.validation = 0.2
    assert "test" not in assign(data, known, random=names[:20], task=task, grow_test=False).values()


def test_an_example_joins_the_part_of_its_group(world):
    project, release, task = world
    known = first_assignment(project, task, release)
    grown(project, ["g1", "g2"], group="boat")
    first = {**known, **assign(dataset_of(project, task), known, random=["g1"], task=task)}
    assert first["g1"] == first["g2"] == "test"
    grown(project, ["g3"], group="boat")
    assert assign(dataset_of(project, task), first, random=[], task=task) == {"g3": "test"}


def test_a_group_that_turns_out_to_be_two_is_not_trained_on(world):
    project, release, task = world
    known = first_assignment(project, task, release)
    data = dataset_of(project, task)
    trains = next(row for row, name in enumerate(data.ids) if known[name] == "train")
    tests = next(row for row, name in enumerate(data.ids) if known[name] == "test")
    groups = data.groups.copy()
    groups[trains] = groups[tests]  # as a new near-duplicate of both would do
    cell = cell_of(dataclasses.replace(data, groups=groups), known, turn=1)
    assert trains not in cell.train
    assert tests in cell.test
    every = np.concatenate([cell.train, cell.validation, cell.test])
    assert len(np.unique(every)) == len(every) == len(data) - 1


def test_parts_are_in_the_order_of_caution():
    assert PARTS == ("train", "validation", "test")
