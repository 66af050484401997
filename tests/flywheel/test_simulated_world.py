import json

import pytest

from yori.flywheel.simulated_world import SEASONS, Size, _without, simulate_world, smaller

TINY = Size(beginning=100, season=24, test=20, clips=2, labels=12)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, simulate_world(folder, seed=3, size=TINY, workers=1)


def test_every_season_is_a_turn_in_both_arms(world):
    folder, found = world
    assert found.labels == (0, 12, 24, 36)
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


def test_what_was_done_is_used_again(world):
    folder, found = world
    again = simulate_world(folder, seed=3, size=TINY, workers=1)
    assert again.to_dict() == found.to_dict()


def test_entries_of_a_yaml_file_are_taken_out_whole():
    lines = ["name: x", "head: {a: 1}", "seeds: 3", "budget:", "  edits: 0.1", "# kept", "classes:", "- a"]
    assert _without(lines, ("head", "seeds", "budget")) == ["name: x", "classes:", "- a"]


def test_a_smaller_world_keeps_its_clips_per_passage():
    assert smaller(Size(), 0.1) == Size(beginning=20, season=20, test=30, clips=2, labels=6)
