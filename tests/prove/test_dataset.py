import numpy as np
import pytest
from tests.prove.mixture import SMALL_TASK, columns, make_small, mixture, split_column

from yori.errors import LeakError, SourceError, SplitError, ValuesError
from yori.prove.dataset import cells_of, dataset_of
from yori.store import Project
from yori.task import parse_task


def read(project, *, text=None):
    task = parse_task(text or project.task_text(), name="task.yaml")
    return dataset_of(project, task), task


def test_arrays_of_a_project(tmp_path):
    data, _ = read(make_small(tmp_path / "p"))
    rows, truth = columns(mixture(120)), mixture(120).true_labels
    assert data.ids.tolist() == rows["example_id"]
    assert [data.classes[each] for each in data.targets] == rows["label"] == list(data.labels)
    assert data.truth.tolist() == truth.tolist()
    assert (data.domains == rows["domain"]).all()
    assert len(np.unique(data.groups)) == len(set(rows["group"]))
    for name in set(rows["group"]):
        assert len(np.unique(data.groups[[each == name for each in rows["group"]]])) == 1
    assert (data.weight == 1).all()
    assert (data.verified, data.unlabelled, data.link, len(data)) == (120, 0, "softmax", 120)


def test_labels_and_groups_that_are_missing(tmp_path):
    rows = columns(mixture(120))
    label, group = [None, *rows["label"][1:]], [None, None, *rows["group"][2:]]
    data, _ = read(make_small(tmp_path / "p", label=label, group=group, verified=None, domain=None))
    assert (len(data), data.unlabelled, data.verified) == (119, 1, 0)
    assert (data.truth == data.targets).all()
    assert data.domains is None
    assert (data.groups == data.groups[0]).sum() == 1  # an example without a group is one of its own


def test_near_duplicates_count_as_one_group(tmp_path):
    rows = columns(mixture(120))
    first, other = 0, next(row for row in range(120) if rows["group"][row] != rows["group"][0])
    twins = ["twins" if row in (first, other) else None for row in range(120)]
    data, _ = read(make_small(tmp_path / "p", duplicates=twins))
    assert data.groups[first] == data.groups[other]
    assert len(np.unique(data.groups)) == len(set(rows["group"])) - 1


def test_a_copy_that_came_later_joins_the_group_of_the_first(tmp_path):
    """Its cluster is called by the first example, whose own cluster is null."""
    rows = columns(mixture(120))
    other = next(row for row in range(120) if rows["group"][row] != rows["group"][0])
    late = [rows["example_id"][0] if row == other else None for row in range(120)]
    data, _ = read(make_small(tmp_path / "p", duplicates=late))
    assert data.groups[0] == data.groups[other]


def test_a_split_by_clip_ignores_groups(tmp_path):
    data, _ = read(make_small(tmp_path / "p", task=SMALL_TASK.replace("[id]", "[id], by: clip")))
    assert len(np.unique(data.groups)) == 120


def multiple(folder, labels):
    task = SMALL_TASK + "labels: multiple\n"
    return make_small(folder, task=task, label=labels, verified=None)


def test_several_labels(tmp_path):
    labels = [["a", "c"], ["b"], *[["abcd"[row % 4]] for row in range(118)]]
    data, _ = read(multiple(tmp_path / "p", labels))
    assert data.targets[:2].tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    assert data.link == "sigmoid"
    assert data.labels[0] == "a;c"
    assert data.strata[1] == 1
    assert data.strata[0] in (0, 2)


@pytest.mark.parametrize("without", [1, 40])
def test_examples_with_none_of_several_labels(tmp_path, without):
    """A few background clips do not stop a proof; many are spread over the folds like a class."""
    labels = [[] if row < without else ["abcd"[row % 4]] for row in range(120)]
    data, task = read(multiple(tmp_path / "p", labels))
    assert (data.strata == 4).sum() == without
    (cell,) = cells_of(data, task)
    tested = int((cell.test < without).sum())
    assert tested in ({0, 1} if without == 1 else {7, 8, 9})


def test_refusals(tmp_path):
    empty = Project.create(tmp_path / "empty", SMALL_TASK)
    with pytest.raises(SourceError, match="labelled examples"):
        read(empty)
    with pytest.raises(ValuesError, match=r"'z' for example 'e0000'"):
        read(make_small(tmp_path / "z", label=["z", *columns(mixture(120))["label"][1:]]))
    with pytest.raises(ValuesError, match="at least two classes"):
        read(make_small(tmp_path / "one", label=["b"] * 120, verified=None))


def test_cells_of_every_protocol(tmp_path):
    text = SMALL_TASK.replace("[id]", "[id, lodo]").replace("seeds: 1", "seeds: 2")
    data, task = read(make_small(tmp_path / "p", task=text))
    cells = cells_of(data, task)
    assert [cell.name for cell in cells] == [
        f"{protocol} seed {seed}" for protocol in ("id", "lodo:site0", "lodo:site1", "lodo:site2") for seed in (0, 1)
    ]
    for cell in cells:
        parts = (cell.train, cell.validation, cell.test)
        assert len(set(np.concatenate(parts).tolist())) == sum(map(len, parts))
        groups = [set(data.groups[part].tolist()) for part in parts]
        assert not groups[0] & groups[1]
        assert not groups[2] & (groups[0] | groups[1])
        if cell.protocol != "id":
            assert set(data.domains[cell.test]) == {cell.protocol[5:]}
            assert cell.protocol[5:] not in set(data.domains[np.concatenate(parts[:2])])


TABLE = SMALL_TASK.replace("[id]", "[id], by: table")


def test_the_split_of_the_table_is_used_as_it_is(tmp_path):
    data, task = read(make_small(tmp_path / "p", task=TABLE, split=split_column(120)))
    (cell,) = cells_of(data, task)
    for part in ("train", "validation", "test"):
        assert getattr(cell, part).tolist() == [row for row, word in enumerate(split_column(120)) if word == part]


def test_a_table_that_cuts_a_group_is_a_leak(tmp_path):
    split = split_column(120)
    split[split.index("test")] = "train"
    data, task = read(make_small(tmp_path / "p", task=TABLE, split=split))
    with pytest.raises(LeakError, match="group in both train and test"):
        cells_of(data, task)


def test_a_table_that_cuts_near_duplicates_is_a_leak(tmp_path):
    split = split_column(120)
    pair = {split.index("test"), split.index("validation")}
    twins = ["twins" if row in pair else None for row in range(120)]
    data, task = read(make_small(tmp_path / "p", task=TABLE, split=split, duplicates=twins))
    with pytest.raises(LeakError, match="group in both validation and test"):
        cells_of(data, task)


def test_no_split_column_and_no_domain(tmp_path):
    data, task = read(make_small(tmp_path / "p", task=TABLE))
    with pytest.raises(SplitError, match="a split column"):
        cells_of(data, task)
    data, task = read(make_small(tmp_path / "q", task=SMALL_TASK.replace("[id]", "[id, lodo]"), domain=None))
    with pytest.raises(SplitError, match="a domain for every example"):
        cells_of(data, task)
