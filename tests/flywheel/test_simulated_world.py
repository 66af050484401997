import csv
import json

import pyarrow.parquet as pq
import pytest

from yori.flywheel.assignment import FOLDER
from yori.flywheel.database import open_database
from yori.flywheel.merge import random_examples
from yori.flywheel.simulated_world import SEASONS, Size, _without, simulate_world, smaller
from yori.store import Project
from yori.task.queue_rules import TEST_SHARE

TINY = Size(beginning=100, season=40, test=20, clips=2, labels=20)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, simulate_world(folder, seed=3, size=TINY, workers=1)


def test_every_season_is_a_turn_in_both_arms(world):
    folder, found = world
    assert found.labels == (0, 20, 40, 60)
    for arm in ("yori", "random"):
        assert len(found.risk[arm]) == len(SEASONS) + 1
        assert all(0 <= value <= 1 for value in found.risk[arm])
        assert all(each.done for each in found.turns[arm])
    assert found.risk["yori"][0] == found.risk["random"][0]  # both begin with the same release
    assert json.loads((folder / "outcome.json").read_text())["risk"]["yori"] == list(found.risk["yori"])


def test_the_arms_ask_differently_for_as_many_labels(world):
    _, found = world
    yori, plain = (found.turns[arm][0].steps["mine"] for arm in ("yori", "random"))
    assert plain["shares"].keys() == {"random"}
    assert len(yori["shares"]) > 2
    assert yori["asked"] == plain["asked"]


def test_what_serves_changes_only_by_a_promotion(world):
    _, found = world
    for arm in ("yori", "random"):
        served = found.served[arm]
        for place, each in enumerate(found.turns[arm], 1):
            assert served[place] == (found.risk[arm][place] if each.promoted else served[place - 1])
    assert found.to_dict()["served"]["yori"] == list(found.served["yori"])
    assert all(
        bool(why) != bool(each.promoted)
        for why, each in zip(found.to_dict()["why"]["yori"], found.turns["yori"], strict=True)
    )


def test_a_ship_of_the_stream_is_heard_once(world):
    folder, _ = world
    rows = list(csv.DictReader((folder / "clips" / "season1.csv").read_text().splitlines()))
    assert len({row["passage"] for row in rows}) == len(rows) == TINY.season


def test_the_log_is_told_which_ship_it_was(world):
    folder, _ = world
    project = Project.open(folder / "yori")
    rows = list(csv.DictReader((folder / "clips" / "season1.csv").read_text().splitlines()))
    found = {row["group"] for row in project.examples().to_pylist() if row["example_id"].startswith("log-")}
    assert found & {row["passage"] for row in rows}
    assert all(group.startswith("season") for group in found)


def test_only_random_questions_test(world):
    folder, found = world
    project = Project.open(folder / "yori")
    database = open_database(project)
    random = set(random_examples(database))
    database.close()
    tests = [
        set(),
        *({name for name, part in _assigned(project, turn).items() if part == "test"} for turn in (1, 2, 3)),
    ]
    for number, each in enumerate(found.turns["yori"], 1):
        assert tests[number] <= random
        assert 0 < len(tests[number]) <= round(TEST_SHARE * each.steps["mine"]["asked"])
        assert each.steps["gate"]["examples"] - found.turns["yori"][0].steps["gate"]["examples"] == sum(
            map(len, tests[2 : number + 1])
        )


def _assigned(project, turn):
    table = pq.read_table(project.path / FOLDER / f"{turn:04}.parquet")
    return dict(zip(table["example_id"].to_pylist(), table["part"].to_pylist(), strict=True))


def test_what_was_done_is_used_again(world):
    folder, found = world
    again = simulate_world(folder, seed=3, size=TINY, workers=1)
    assert again.to_dict() == found.to_dict()


def test_entries_of_a_yaml_file_are_taken_out_whole():
    lines = ["name: x", "head: {a: 1}", "seeds: 3", "budget:", "  edits: 0.1", "# kept", "classes:", "- a"]
    assert _without(lines, ("head", "seeds", "budget")) == ["name: x", "classes:", "- a"]


def test_a_smaller_world_keeps_its_clips_per_passage():
    assert smaller(Size(), 0.1) == Size(beginning=20, season=80, test=30, clips=2, labels=12)
