import json

import pytest
from tests.prove.mixture import make_project


@pytest.fixture
def project(tmp_path):
    domain = [None if k % 9 == 0 else "near" for k in range(90)]
    return make_project(tmp_path / "p", n=90, domain=domain, label=["a"] * 70 + ["b"] * 20, verified=None)


def test_say_prepare_and_take_back(yori, project):
    said = yori("prepare", project.path).stdout
    assert "Worth doing: --balance 0.5" in said
    assert "Worth doing: --fill domain==unknown" in said
    assert project.version().number == 1
    done = yori("prepare", project.path, "--balance", 0.5, "--fill", "domain==unknown", "--json")
    fields = json.loads(done.stdout)
    assert [each["step"] for each in fields["steps"]] == ["fill_missing", "class_weights"]
    assert yori("prepare", project.path, "--balance", 1).exit_code == 5
    said = yori("prepare", project.path, "--undo").stdout
    assert "taken back" in said
    diff = project.diff(1, project.version().number)
    assert (len(diff.added), len(diff.removed), len(diff.relabelled)) == (0, 0, 0)


def test_bad_options(yori, project):
    assert yori("prepare", project.path, "--fill", "domain").exit_code == 2
    assert "COLUMN" in yori("prepare", project.path, "--fill", "domain").stderr
    assert yori("prepare", project.path, "--undo", "--balance", 1).exit_code == 2
    assert yori("prepare", project.path, "--balance", 3).exit_code == 2
    assert yori("prepare", project.path, "--undo").exit_code == 5
