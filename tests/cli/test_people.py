import json
from pathlib import Path

import pytest

from yori.store import Project


@pytest.fixture
def bells(tmp_path: Path) -> Path:
    return Project.create(tmp_path / "bells", "format: 1\nname: bells\nclasses: [bell, horn]\n").path


def test_people_are_added_listed_given_tokens_and_put_out(yori, bells):
    first = json.loads(yori("people", "add", bells, "김 하나", "--owner", "--json").stdout)
    assert first["person"] == "김 하나"
    assert len(first["token"]) >= 32
    second = yori("people", "token", bells, "김 하나")
    assert second.exit_code == 0
    assert first["token"] not in second.stdout
    assert yori("people", "list", bells).stdout.split() == ["김", "하나", "owner"]
    assert "cannot log in" in yori("people", "remove", bells, "김 하나").stdout
    listed = json.loads(yori("people", "list", bells, "--json").stdout)
    assert listed == {"people": [{"name": "김 하나", "role": "owner", "active": False}]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add",), "the name of a person"),
        (("add", "<b>"), "a name of"),
        (("token", "nobody"), "nobody"),
        (("eat",), "eat"),
    ],
)
def test_what_cannot_be_done_is_said(yori, bells, arguments, said):
    what, *names = arguments
    done = yori("people", what, bells, *names)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_folder_that_is_no_project_is_refused(yori, tmp_path):
    assert yori("people", "list", tmp_path).exit_code == 5
