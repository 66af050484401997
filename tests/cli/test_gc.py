import json

import pyarrow as pa
import pytest

from yori.store import Project


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "p", "x")
    kept = project.add_media(b"kept", "wav")
    rows = pa.table({"example_id": ["a"], "uri": [kept], "source": ["media"]})
    project.add_rows(rows, sources={}, message="rows", who="ann")
    project.add_media(b"orphan", "wav")
    return project


def media(project):
    return len(list((project.path / "data" / "media").iterdir()))


def test_nothing_is_removed_unless_asked(yori, project):
    shown = yori("gc", project.path, "--grace", 0).stdout
    assert "Would remove 1 orphan" in shown
    assert "--delete" in shown
    assert media(project) == 2
    assert yori("gc", project.path, "--grace", 0, "--dry-run").stdout == shown


def test_delete(yori, project):
    assert "Would remove 0 orphans" in yori("gc", project.path).stdout
    fields = json.loads(yori("gc", project.path, "--delete", "--grace", 0, "--json").stdout)
    assert fields["deleted"] is True
    assert fields["bytes"] == 6
    assert media(project) == 1
    assert project.check() == 2


def test_both_is_a_usage_error(yori, project):
    assert yori("gc", project.path, "--delete", "--dry-run").exit_code == 2
    assert media(project) == 2
