import socket
import urllib.request
from pathlib import Path

import pytest
from tests.web.review_project import audio_items, filled, make_project, serving

from yori.flywheel.database import open_database
from yori.flywheel.queue import list_people, person_of
from yori.store import Project


@pytest.fixture
def bells(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "bells")
    filled(project, audio_items(project, 2)).close()
    return project


def test_the_first_start_makes_an_owner_and_ends_well(bells):
    with serving(bells.path) as server:
        assert server.said["open"] == 2
        assert server.said["link"] == f"{server.address}/#token={server.said['token']}"
        database = open_database(bells)
        person = person_of(database, server.said["token"])
        assert person is not None
        assert (person.name, person.role) == (server.said["person"], "owner")
        with urllib.request.urlopen(server.address, timeout=10) as reply:
            assert b"yori review" in reply.read()
        assert server.stop() in (0, -15)
        server.start()
        assert server.said["token"] is None
        assert len(list_people(database)) == 1
        database.close()


def test_what_cannot_be_served_is_said(yori, bells, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = yori("review", bells.path, "--port", taken.getsockname()[1])
        assert (done.exit_code, "an address to listen on" in done.stderr) == (5, True)
    assert yori("review", bells.path, "--host", "no.such.host.invalid", "--port", "0").exit_code == 5
    done = yori("review", bells.path, "--certificate", bells.path / "task.yaml")
    assert (done.exit_code, "a certificate and its key" in done.stderr) == (2, True)
    assert yori("review", tmp_path).exit_code == 5
    assert yori("review", bells.path, "--suggestions", "loud").exit_code == 2
