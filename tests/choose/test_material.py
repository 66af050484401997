import numpy as np
import pytest
from tests.choose.conftest import columns_with_gaps
from tests.prove.mixture import SMALL_TASK

from yori.choose.material import material_of
from yori.errors import SourceError, ValuesError
from yori.prove.dataset import cells_of, dataset_of


def test_test_examples_are_left_out_and_candidates_are_the_unlabelled(half_labelled):
    found = material_of(half_labelled.path)
    data = dataset_of(half_labelled, found.task)
    test = cells_of(data, found.task)[0].test
    assert found.test == len(test) > 0
    assert set(found.ids) == set(data.ids) - set(data.ids[test])
    assert len(found.candidate_rows) == data.unlabelled > 0
    assert not set(found.candidates["example_id"].to_pylist()) & set(data.ids)


def test_rows_point_at_the_own_embedding(half_labelled):
    found = material_of(half_labelled.path)
    ids = np.array(found.shards.ids.to_pylist(), dtype=object)
    np.testing.assert_array_equal(ids[found.rows], found.ids)
    np.testing.assert_array_equal(ids[found.candidate_rows], found.candidates["example_id"].to_pylist())


def test_near_copies_are_no_candidates(make):
    labels = columns_with_gaps(180)["label"]
    without, labelled = [k for k in range(180) if labels[k] is None], [k for k in range(180) if labels[k]]
    duplicates = [None] * 180
    duplicates[without[0]] = duplicates[without[1]] = "c1"  # one of them is enough
    duplicates[without[2]] = duplicates[labelled[0]] = "c2"
    found = material_of(make(duplicates=duplicates).path)
    assert found.copies == 2
    ids = found.candidates["example_id"].to_pylist()
    assert f"e{without[0]:04}" in ids
    assert not {f"e{without[1]:04}", f"e{without[2]:04}"} & set(ids)


def test_without_labels_there_are_only_candidates(make):
    project = make(label=[None] * 180)
    found = material_of(project.path)
    assert (len(found.ids), len(found.candidate_rows)) == (0, 180)
    assert "no head, no simulation" in found.notes[0]
    with pytest.raises(SourceError, match="labelled examples"):
        material_of(project.path, need_labels=True)


def test_all_labels_the_same(make):
    project = make(label=["a" if k % 2 else None for k in range(180)])
    assert "fewer than two classes" in material_of(project.path).notes[0]
    with pytest.raises(ValuesError, match="only 'a'"):
        material_of(project.path, need_labels=True)


def test_too_few_to_set_a_test_set_aside(make):
    labels = [None] * 180
    labels[0], labels[10] = "a", "b"
    found = material_of(make(label=labels).path)
    assert (found.test, len(found.ids)) == (0, 2)
    assert "No test set can be set aside yet" in found.notes[0]


def test_several_labels_per_example_are_a_matrix(several):
    found = material_of(several.path)
    assert found.link == "sigmoid"
    assert found.labels.shape == (len(found.ids), 4)
    assert len(found.candidate_rows) == 60
    data = dataset_of(several, found.task)
    of = {str(each): row for each, row in zip(data.ids, data.targets, strict=True)}
    np.testing.assert_array_equal(found.labels, [of[str(each)] for each in found.ids])
    np.testing.assert_array_equal(found.strata.max() <= 4, True)


def test_several_labels_that_nobody_has_given_yet(make):
    project = make(task=SMALL_TASK + "labels: multiple\n", label=[None] * 180)
    found = material_of(project.path)
    assert found.labels.shape == (0, 4)
    assert "no head, no simulation" in found.notes[0]
