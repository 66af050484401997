import numpy as np
import pytest

from yori.errors import LeakError, SplitError
from yori.splits import Cell, check_cell, id_cells, lodo_cells, table_cells


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    groups = np.arange(600) // 3
    domains = np.array(["a", "b", "c"])[(groups % 3)]
    return rng.integers(0, 4, 600), groups, domains


def test_id_cells_rotate_the_test_fold(data):
    labels, groups, _ = data
    cells = list(id_cells(labels, groups, test=0.2, validation=0.2, seeds=7, seed=0))
    tested = np.concatenate([cell.test for cell in cells[:5]])
    assert sorted(tested) == list(range(600))
    for cell in cells:
        assert sorted(np.concatenate([cell.train, cell.validation, cell.test])) == list(range(600))
        assert 330 <= len(cell.train) <= 390
        assert 100 <= len(cell.validation) <= 140
        check_cell(cell, np.arange(600), labels, groups, classes=("a", "b", "c", "d"))
    # The sixth seed deals anew: not the first fold again.
    assert set(cells[5].test) != set(cells[0].test)


@pytest.mark.parametrize(("test", "validation"), [(0.5, 0.2), (0.33, 0.33), (0.1, 0.3), (0.2, 0.05)])
def test_other_shares(data, test, validation):
    labels, groups, _ = data
    for cell in id_cells(labels, groups, test=test, validation=validation, seeds=2, seed=0):
        check_cell(cell, np.arange(600), labels, groups, classes=("a", "b", "c", "d"))
        assert abs(len(cell.test) / 600 - test) < 0.06
        assert abs(len(cell.validation) / 600 - validation) < 0.2


def test_lodo_holds_every_domain_out(data):
    labels, groups, domains = data
    cells = list(lodo_cells(labels, groups, domains, validation=0.2, seeds=2, seed=0))
    assert [cell.protocol for cell in cells] == ["lodo:a"] * 2 + ["lodo:b"] * 2 + ["lodo:c"] * 2
    for cell in cells:
        assert set(domains[cell.test]) == {cell.protocol[5:]}
        assert cell.protocol[5:] not in set(domains[cell.train]) | set(domains[cell.validation])
        check_cell(cell, np.arange(600), labels, groups, classes=("a", "b", "c", "d"))
    assert set(cells[0].validation).isdisjoint(cells[1].validation)


def test_a_group_across_domains_is_left_out_not_cut(data):
    labels, groups, domains = data
    groups = groups.copy()
    groups[domains == "a"] %= 50
    groups[np.flatnonzero(domains == "b")[:3]] = groups[domains == "a"][0]
    cells = list(lodo_cells(labels, groups, domains, validation=0.2, seeds=1, seed=0, only=["a"]))
    assert len(cells[0].train) + len(cells[0].validation) < 400
    check_cell(cells[0], np.arange(600), labels, groups, classes=("a", "b", "c", "d"))


def test_lodo_needs_domains_and_classes(data):
    labels, groups, domains = data
    with pytest.raises(SplitError, match="at least two domains"):
        list(lodo_cells(labels, groups, np.full(600, "a"), validation=0.2, seeds=1, seed=0))
    labels = np.where(domains == "a", 3, 0)
    with pytest.raises(SplitError, match="every class of domain 'a'"):
        list(lodo_cells(labels, groups, domains, validation=0.2, seeds=1, seed=0))


def test_table_cells_are_the_table():
    splits = np.array(["train", "test", "validation", "train"])
    cells = list(table_cells(splits, seeds=2))
    np.testing.assert_array_equal(cells[1].train, [0, 3])
    with pytest.raises(SplitError, match="'valid' in row 0"):
        list(table_cells(np.array(["valid", "test"]), seeds=1))
    with pytest.raises(SplitError, match="at least one validation"):
        list(table_cells(np.array(["train", "test"]), seeds=1))


def test_hash_is_of_the_ids_and_not_of_their_order(data):
    labels, groups, _ = data
    cell = next(id_cells(labels, groups, test=0.2, validation=0.2, seeds=1, seed=0))
    ids = np.array([f"x{i}" for i in range(600)])
    shuffled = Cell(cell.protocol, cell.seed, cell.train[::-1].copy(), cell.validation, cell.test)
    assert cell.sha256(ids) == shuffled.sha256(ids)
    moved = Cell(cell.protocol, cell.seed, cell.train[1:], np.r_[cell.validation, cell.train[:1]], cell.test)
    assert cell.sha256(ids) != moved.sha256(ids)
    assert cell.sha256(ids) != Cell("id", 1, cell.train, cell.validation, cell.test).sha256(ids)


def leaky(**parts):
    base = {"train": [0, 1], "validation": [2, 3], "test": [4, 5]}
    return Cell("id", 0, **{name: np.array(index, dtype=np.int64) for name, index in {**base, **parts}.items()})


IDS, LABELS, GROUPS = np.array(list("abcdef")), np.array([0, 1, 0, 1, 0, 1]), np.array([0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("cell", "groups", "error", "message"),
    [
        (leaky(train=[0, 1, 4]), GROUPS, LeakError, "no example in both train and test, got 1: 'e'"),
        (leaky(validation=[2, 3, 5]), GROUPS, LeakError, "both validation and test"),
        (leaky(), np.array([0, 1, 2, 3, 0, 5]), LeakError, "no group in both train and test"),
        (leaky(train=[0, 0, 1]), GROUPS, LeakError, "one twice"),
        (leaky(test=[]), GROUPS, SplitError, "examples in test, got none"),
        (leaky(train=[0]), GROUPS, SplitError, "every tested class in train, got none of: no"),
    ],
)
def test_planted_leaks_are_refused(cell, groups, error, message):
    with pytest.raises(error, match=message):
        check_cell(cell, IDS, LABELS, groups, classes=("yes", "no"))


def test_duplicate_ids_across_a_split_are_a_leak():
    ids = IDS.copy()
    ids[5] = "a"
    with pytest.raises(LeakError, match="no example in both train and test"):
        check_cell(leaky(), ids, LABELS, GROUPS, classes=("yes", "no"))


def test_a_class_with_fewer_examples_than_folds_is_refused():
    labels = np.array([0] * 20 + [1] * 4)
    with pytest.raises(SplitError, match="at least 5 examples of every class, got 4 of class 1"):
        list(id_cells(labels, np.arange(24), test=0.2, validation=0.2, seeds=1, seed=0))
