from __future__ import annotations

import json

import pytest
from sqlalchemy import insert
from tests.flywheel.mixture_world import copied, serving
from tests.flywheel.test_history_page import STEPS

from yori.flywheel.database import open_database
from yori.flywheel.schema import TURNS


@pytest.fixture
def folder(tmp_path):
    """A project whose first turn is over and whose second has begun, as the database tells it."""
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    with database.begin() as connection:
        for turn, steps in ((1, STEPS), (2, {"mine": STEPS["mine"]})):
            rows = [{"turn": turn, "step": step, "at": 0.0, "facts": facts} for step, facts in steps.items()]
            connection.execute(insert(TURNS), rows)
    database.close()
    return project.path


def test_every_turn_is_told(yori, folder):
    told = yori("history", folder).stdout.splitlines()
    assert told == [
        "Turn 1: 43 asked, 40 new examples, old release kept.",
        "  too few examples to tell: n ≥ 300",
        "Turn 2: 43 asked, 0 new examples, under way.",
    ]


def test_machines_read_all_of_it(yori, folder):
    fields = json.loads(yori("history", folder, "--json").stdout)
    assert [each["turn"] for each in fields["turns"]] == [1, 2]
    assert fields["turns"][0]["steps"]["gate"]["look"] == 1
    assert [each["action"] for each in fields["serving"]] == ["promote"]


@pytest.mark.parametrize(("lang", "words"), [("en", "Turn by turn"), ("ko", "순환별 기록")])
def test_a_page_in_both_languages(yori, folder, tmp_path, lang, words):
    page = tmp_path / "turns.html"
    result = yori("history", folder, "--page", page, "--lang", lang)
    assert result.exit_code == 0
    assert f"See: {page}" in result.stdout
    assert words in page.read_text()
    assert f'lang="{lang}"' in page.read_text()


def test_no_turn_yet_and_no_project(yori, tmp_path):
    project, _ = copied(tmp_path)
    assert "No turn yet. Begin one: yori turn" in yori("history", project.path).stdout
    result = yori("history", tmp_path / "nowhere")
    assert result.exit_code == 5
    assert "expected a project folder" in result.stderr
