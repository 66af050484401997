"""What an audit reads where a run would refuse."""

import numpy as np
import pyarrow as pa
import pytest
from tests.prove.mixture import TASK

from yori.audit.material import read_material
from yori.errors import SourceError
from yori.store import Project
from yori.task import parse_task

PLAIN = TASK.replace(", lodo", "")


def material_of(folder, task=PLAIN, **columns):
    project = Project.create(folder, task)
    if columns:
        project.add_rows(pa.table(columns), sources={}, message="m", who="ann")
    return read_material(project, parse_task(task, name="task.yaml"))


def test_labels_a_run_would_refuse_are_read_as_they_are(tmp_path):
    found = material_of(tmp_path / "p", example_id=["a", "b", "c"], label=["a", None, "nobody declared"])
    assert found.labels == ["a", None, "nobody declared"]
    np.testing.assert_array_equal(found.targets, [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert found.labelled.tolist() == [True, False, False]
    assert found.strata.tolist() == [0, 4, 4]
    assert (found.domains, found.splits) == (None, None)
    assert not found.fixed_test.any()


def test_several_labels_are_sets_and_the_rarest_is_the_stratum(tmp_path):
    task = PLAIN.replace("modality: embeddings", "modality: embeddings\nlabels: multiple")
    labels = pa.array([["a", "b"], ["a"], [], None], pa.list_(pa.string()))
    found = material_of(tmp_path / "p", task, example_id=["w", "x", "y", "z"], label=labels)
    assert found.several
    assert found.labels == ["a;b", "a", "", None]
    assert found.labelled.tolist() == [True, True, True, False]  # a set of none is an answer
    assert found.strata.tolist() == [1, 0, 4, 4]


def test_groups_are_joined_by_copies_and_nameless_ones_stay_alone(tmp_path):
    found = material_of(tmp_path / "p", example_id=["a", "b", "c", "d"], label=["a"] * 4,
                        group=["g", "g", None, None], duplicates=["one", None, "one", None])  # fmt: skip
    assert found.groups[0] == found.groups[1] == found.groups[2] != found.groups[3]
    assert found.group_names.tolist() == ["g", "g", "", ""]


def test_a_fixed_test_split_is_known_and_columns_without_a_role_are_listed(tmp_path):
    found = material_of(
        tmp_path / "p", example_id=["a", "b"], label=["a", "b"], split=["train", "test"], device=["x", "y"]
    )
    assert found.fixed_test.tolist() == [False, True]
    assert found.extra_columns() == ["device"]


def test_an_empty_project_says_what_to_do(tmp_path):
    with pytest.raises(SourceError, match="yori import"):
        material_of(tmp_path / "p")
