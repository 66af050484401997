import numpy as np
import pyarrow as pa
import pytest
from tests.prove.mixture import TASK

from yori.audit.import_batches import import_batches
from yori.errors import CorruptError
from yori.store import Project


def project_of(folder, *imports):
    project = Project.create(folder, TASK)
    for ids in imports:
        project.add_rows(pa.table({"example_id": ids, "label": ["a"] * len(ids)}), sources={}, message="m", who="ann")
    return project


def test_each_example_has_the_version_it_came_with(tmp_path):
    project = project_of(tmp_path / "p", ["a", "b"], ["c"], ["d"])
    patch = pa.table({"example_id": ["a"], "action": ["relabel"], "old": ["a"], "new": ["b"], "who": ["ann"]})
    project.add_labels(patch, message="a patch brings nobody")
    batches = import_batches(project, np.array(["a", "b", "c", "d", "unknown"], dtype=object))
    assert [each.split(" (")[0] for each in batches] == ["version 1", "version 1", "version 2", "version 3", ""]
    assert all(len(each) == len("version 1 (2026-01-01)") for each in batches[:4])


def test_one_import_is_no_batches(tmp_path):
    assert import_batches(project_of(tmp_path / "p", ["a", "b"]), np.array(["a", "b"], dtype=object)) is None


def test_a_damaged_file_is_named(tmp_path):
    project = project_of(tmp_path / "p", ["a"], ["b"])
    for path in (project.path / "data" / "rows").iterdir():
        path.chmod(0o644)
        path.write_bytes(b"PAR1")
    with pytest.raises(CorruptError, match="rows"):
        import_batches(project, np.array(["a", "b"], dtype=object))
