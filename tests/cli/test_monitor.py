from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.flywheel.mixture_world import copied, log, serving, stream

from yori.cli.monitor import seconds_of
from yori.errors import ValuesError
from yori.flywheel.database import open_database


@pytest.fixture
def served(tmp_path):
    """The folder of a project whose release has met 200 ordinary inputs, and a way to log more."""
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    log(database, release, stream(200, seed=30))

    def more(shift: float) -> None:
        log(database, release, stream(200, seed=31, shift=shift))

    yield project.path, more
    database.close()


def test_a_quiet_look_ends_with_0(yori, served):
    result = yori("monitor", served[0], "--rows", "200", "--no-progress")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Look 1 at release ")
    assert "200 predictions, 200 with embeddings" in lines[0]
    assert lines[1] == "Nothing to report."
    assert any(line.startswith("Estimated errors, answered: ") for line in lines)


def test_an_alarm_ends_with_1_and_writes_what_it_found(yori, served, tmp_path: Path):
    folder, more = served
    more(1.0)
    page, alerts = tmp_path / "m.html", tmp_path / "alerts.json"
    result = yori(
        "monitor", folder, "--rows", "200", "--false-alarms", "0.5", "--page", page, "--alerts", alerts, "--json"
    )
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["alarm"] is True
    assert {"kind", "severity", "text"} <= set(said["alerts"][0])
    assert json.loads(alerts.read_text())["look"] == 1
    assert "Alarm" in page.read_text()


def test_quiet_says_nothing_when_there_is_nothing(yori, served):
    result = yori("monitor", served[0], "--rows", "200", "--quiet", "--no-progress")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_span_of_time(yori, served):
    assert seconds_of(" 2w ") == 14 * 86_400
    for wrong in ("7", "0d", "d", "1y", "-3d", "9999999d"):
        with pytest.raises(ValuesError, match="12h, 7d or 2w"):
            seconds_of(wrong)
    assert yori("monitor", served[0], "--since", "soon").exit_code == 2
    result = yori("monitor", served[0], "--since", "1h", "--json")
    assert json.loads(result.stdout)["window"]["rows"] in (0, 200)  # the log of the test lies in the future


def test_no_project_is_said_in_a_sentence(yori, tmp_path: Path):
    result = yori("monitor", tmp_path)
    assert result.exit_code == 5
    assert "a project folder" in result.stderr
