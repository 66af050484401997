import json

import pyarrow as pa

from yori.store import Project


def test_versions_as_text_and_json(yori, tmp_path):
    project = Project.create(tmp_path / "p", "x")
    project.add_rows(pa.table({"example_id": ["a", "b"], "label": ["x", "y"]}), sources={}, message="two", who="ann")
    patch = pa.table({"example_id": ["a"], "action": ["drop"], "who": ["ben"]})
    project.add_labels(patch, message="one less")
    lines = yori("log", tmp_path / "p").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["version", "1", "2"]
    assert lines[1].endswith("ann  two")
    assert lines[2].split()[3:6] == ["1", "1", "0"]
    fields = json.loads(yori("log", tmp_path / "p", "--json").stdout)
    assert [one["counts"]["examples"] for one in fields["versions"]] == [2, 1]
    assert fields["versions"][1]["parents"] == [1]


def test_a_project_without_versions(yori, tmp_path):
    Project.create(tmp_path / "p", "x")
    assert yori("log", tmp_path / "p").stdout.split()[0] == "version"
    assert json.loads(yori("log", tmp_path / "p", "--json").stdout)["versions"] == []


def test_no_project(yori, tmp_path):
    assert yori("log", tmp_path).exit_code == 5
