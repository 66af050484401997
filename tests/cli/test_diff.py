import json

import pyarrow as pa
import pytest

from yori.store import Project


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "p", "x")
    rows = pa.table({"example_id": [f"e{i:02}" for i in range(30)], "label": ["x", "y", "z"] * 10})
    project.add_rows(rows, sources={}, message="rows", who="ann")
    patch = pa.table(
        {
            "example_id": ["e00", "e01", "e02"],
            "action": ["drop", "relabel", "reweight"],
            "old": ["x", "y", "z"],
            "new": [None, "x", None],
            "weight": [None, None, 0.5],
            "who": ["ben"] * 3,
        }
    )
    project.add_labels(patch, message="edits")
    return project.path


def test_what_changed_as_text(yori, project):
    shown = yori("diff", project, 1, 2).stdout
    assert "1 example removed\n  - e00\n" in shown
    assert "1 example relabelled\n  e01  y → x\n" in shown
    assert "1 example reweighted\n  e02  1.0 → 0.5\n" in shown
    assert "  y  10 → 9\n" in shown
    assert "\n  x  " not in shown.split("examples per class")[1]


def test_long_lists_are_cut_and_json_is_whole(yori, project):
    shown = yori("diff", project, 0, 1).stdout
    assert "30 examples added" in shown
    assert "and 10 more" in shown
    fields = json.loads(yori("diff", project, 0, 1, "--json").stdout)
    assert len(fields["added"]) == 30
    assert fields["classes"]["x"] == [0, 10]


def test_nothing_changed(yori, project):
    assert yori("diff", project, 2, 2).stdout == "Versions 2 and 2 hold the same examples.\n"


def test_a_version_that_is_not_there(yori, project):
    result = yori("diff", project, 1, 7)
    assert result.exit_code == 5
    assert "expected a version from 0 to 2, got 7" in result.stderr
    assert yori("diff", project, 1, "x").exit_code == 2
