from __future__ import annotations

import json

import pytest
from tests.flywheel.mixture_world import copied, log, serving, stream

from yori.flywheel.database import open_database


@pytest.fixture
def served(tmp_path):
    """The folder of a project whose release has met 200 inputs."""
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    log(database, release, stream(200, seed=32))
    yield project.path
    database.close()


def test_the_queue_is_filled_and_said(yori, served):
    result = yori("mine", served, "--budget", "20", "--no-progress")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("18 items for 20 answers, out of 200 predictions.")
    assert lines[-1] == f"See: yori review {served}"
    again = yori("mine", served, "--budget", "20")
    assert "The budget of turn 1 (20 answers) is already in the queue." in again.stdout


def test_json(yori, served):
    said = json.loads(yori("mine", served, "--json").stdout)
    assert said["budget"] == 40
    assert said["answers"] <= 40
    assert all(each["why"] for each in said["items"])


def test_no_budget_is_said_in_a_sentence(yori, served):
    result = yori("mine", served, "--budget", "0")
    assert result.exit_code == 2
    assert "Set budget.labels in task.yaml, or pass --budget." in result.stderr
