import json

import pytest
from tests.prove.mixture import make_small
from tests.prove.tampering import HASHES, NUMBERS, SEAL, Copy

from yori.main_job import run


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run(make_small(tmp_path_factory.mktemp("verify") / "project").path, workers=1)


@pytest.fixture
def copy(ran, tmp_path):
    return Copy(ran.proof, tmp_path)


def test_a_certificate_that_holds(yori, ran):
    result = yori("verify", ran.proof, "--project", ran.project)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 10
    assert all(line.startswith("holds  ") for line in lines[:-1])
    assert lines[-1] == f"The certificate holds: {ran.certificate['verdict']['word']}."
    assert result.stderr == ""


def test_json(yori, ran):
    said = json.loads(yori("verify", ran.proof, "--json").stdout)
    assert said["holds"] is True
    assert said["verdict"] == ran.certificate["verdict"]["word"]
    assert len(said["checks"]) == 8


def test_one_that_does_not_hold(yori, copy):
    copy.certificate["verdict"]["word"] = "worse"
    copy.save()
    result = yori("verify", copy.path)
    assert result.exit_code == 7
    assert f"FAILS  {SEAL}" in result.stdout
    assert f"FAILS  {NUMBERS}" in result.stdout
    assert "The certificate holds" not in result.stdout
    (line,) = result.stderr.splitlines()
    assert "2 checks that fail" in line


def test_one_that_does_not_hold_as_json(yori, copy):
    (copy.path / "edits_by_cell.parquet").unlink()
    result = yori("verify", copy.path, "--json")
    assert result.exit_code == 7
    said = json.loads(result.stdout)
    assert said["holds"] is False
    failed = {check["name"]: check["findings"] for check in said["checks"] if not check["holds"]}
    assert failed[HASHES] == ["edits_by_cell.parquet is missing"]


def test_long_lists_are_cut(yori, copy):
    copy.column("validation.parquet", "group", lambda values: ["x"] * len(values))
    copy.column("predictions.parquet", "temperature", lambda values: [2.0] * len(values))
    copy.certificate["protocols"]["id"]["values"] = {}
    copy.certificate["protocols"]["id"]["comparisons"] = [
        {"comparison": {}} for _ in copy.certificate["protocols"]["id"]["comparisons"]
    ]
    copy.save()
    result = yori("verify", copy.path)
    assert result.exit_code == 7
    assert " more" in result.stdout
    assert all(block.count("\n         ") <= 21 for block in result.stdout.split("\nFAILS"))


def test_newer_and_none(yori, copy, tmp_path):
    copy.certificate["format"] = 99
    copy.save()
    result = yori("verify", copy.path)
    assert result.exit_code == 5
    assert "Update yori" in result.stderr
    assert yori("verify", tmp_path / "nothing").exit_code == 5
