from __future__ import annotations

import json

from tests.flywheel.mined import answer_all


def test_what_became_of_the_answers(yori, served_project):
    folder, database, truth = served_project
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
