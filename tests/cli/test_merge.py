from __future__ import annotations

import json

import pytest
from tests.flywheel.mined import answer_all, truth_of
from tests.flywheel.mixture_world import copied, log, serving, stream

from yori.flywheel.database import open_database


@pytest.fixture
def served(tmp_path):
    """A project whose release has met 200 inputs, its database, and the truth about them."""
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    arrived = stream(200, seed=32)
    log(database, release, arrived)
    yield project.path, database, truth_of(arrived)
    database.close()


def test_what_became_of_the_answers(yori, served):
    folder, database, truth = served
    yori("mine", folder, "--budget", "20", "--no-progress")
    nothing = yori("merge", folder)
    assert nothing.stdout.startswith("Nothing changed: version 1.")
    answer_all(database, truth)
    found = yori("merge", folder, "--who", "ann")
    assert found.exit_code == 0
    assert "Version 2:" in found.stdout or "Version 3:" in found.stdout
    assert "new examples" in found.stdout
    assert "p0:" in found.stdout
    again = json.loads(yori("merge", folder, "--json").stdout)
    assert (again["labelled"], again["before"]) == (0, again["after"])


def test_no_project(yori, tmp_path):
    result = yori("merge", tmp_path / "nowhere")
    assert result.exit_code == 5
    assert "expected a project folder" in result.stderr
