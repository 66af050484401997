import json

import pytest
from tests.prove.mixture import SMALL_TASK, make_small


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project on which every test of this file may run; the same stages are used again."""
    return make_small(tmp_path_factory.mktemp("run") / "project").path


def test_text(yori, small, tmp_path):
    task = SMALL_TASK.replace("[id]", "[id, lodo]")
    project = make_small(tmp_path / "p", task=task).path
    result = yori("run", project, "--workers", 1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Verdict (id): ")
    assert lines[1].startswith("Also (lodo): ")
    assert lines[2].startswith("Edits: ")
    assert " of at most 6 (" in lines[2]
    assert lines[-2].startswith("Report: ")
    assert lines[-1].startswith("Check it: yori verify ")
    assert "up to date" not in result.stdout
    proof = lines[-1].removeprefix("Check it: yori verify ")
    assert yori("verify", proof, "--project", project).exit_code == 0


def test_json_is_one_object_and_nothing_else(yori, small):
    result = yori("run", small, "--workers", 1, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["project"] == str(small)
    assert result.stderr == ""


def test_a_second_run_says_so(yori, small):
    yori("run", small, "--workers", 1)
    assert "Everything was up to date." in yori("run", small, "--workers", 1).stdout


def test_every_example_asks(yori, small):
    result = yori("run", small, "--workers", 1, "--mode", "cross_fitted")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].startswith("Compared with unedited train + validation")
    assert lines[2].startswith("Also (id, against before): ")
    proof = lines[-1].removeprefix("Check it: yori verify ")
    assert yori("verify", proof, "--project", small).exit_code == 0


def test_review(yori, small):
    result = yori("run", small, "--workers", 1, "--mode", "review", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["curation"]["actions"] == ["review"]
    assert set(found["edit_set"]["by_action"]) == {"drop", "relabel", "review"}
    assert found["edit_set"]["by_action"]["drop"] == found["edit_set"]["by_action"]["relabel"] == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [("--mode", "cross"), ("--budget", "many"), ("--seeds", "1.5"), ("--workers", "0"), ("--colour", "red")],
)
def test_options_that_are_not_usable(option, value, yori, small):
    result = yori("run", small, option, value)
    assert result.exit_code == 2
    assert option in result.stderr
    assert "Traceback" not in result.stderr
