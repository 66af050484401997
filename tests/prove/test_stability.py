import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr

from yori.prove.stability import stability_of
from yori.splits import Cell


@pytest.fixture
def made(one_cell):
    """``made(seed, train, scores, budget)``: a cell with these scores and nothing within the cell to compare."""

    def made(seed, train, scores, *, budget=2, protocol="id", **arrays):
        cell = Cell(protocol, seed, np.array(train), np.array([0]), np.array([1]))
        arms = dataclasses.replace(
            one_cell.arms,
            arrays={"scores": np.array(scores, dtype=float), **{k: np.array(v, float) for k, v in arrays.items()}},
            facts={**one_cell.arms.facts, "budget": budget},
        )
        return dataclasses.replace(one_cell.result, cell=cell, arms=arms)

    return made


def test_seeds_are_compared_on_what_both_train_on(made):
    left = made(0, range(10), [-9, -8, 5, 4, 3, 2, 1, 0, 6, 7])
    right = made(1, range(2, 12), [-7, -6, 3, 2, 1, 0, 8, 7, -99, -99])
    (found,) = stability_of([left, right])["over"]
    assert found["kind"] == "seeds"
    assert found["names"] == ["0", "1"]
    # Of the eight common examples (2 … 9), round(8 · 2 / 10) = 2 count: {7, 6} by the first, {2, 3} by the second.
    assert found["mean_jaccard"] == 0.0
    wanted = spearmanr([5, 4, 3, 2, 1, 0, 6, 7], [-7, -6, 3, 2, 1, 0, 8, 7]).statistic
    assert found["spearman"] == pytest.approx(wanted)


def test_equal_scores_agree_fully(made):
    scores = np.random.default_rng(0).normal(size=30)
    (found,) = stability_of([made(seed, range(30), scores, budget=3) for seed in range(3)])["over"]
    assert found["jaccard"] == np.ones((3, 3)).tolist()
    assert found["spearman"] == pytest.approx(1.0)
    assert 0 < found["chance_jaccard"] < 0.2


def test_random_scores_agree_as_often_as_by_chance(made):
    rng = np.random.default_rng(1)
    cells = [made(seed, range(300), rng.normal(size=300), budget=30) for seed in range(10)]
    (found,) = stability_of(cells)["over"]
    assert found["mean_jaccard"] == pytest.approx(found["chance_jaccard"], abs=0.03)
    assert abs(found["spearman"]) < 0.05


def test_held_out_domains_are_named_and_their_first_seed_is_taken(made):
    scores = np.arange(20.0)
    cells = [made(seed, range(20), scores, protocol=f"lodo:{name}") for name in ("near", "far") for seed in (0, 1)]
    (found,) = stability_of(cells)["over"]
    assert (found["kind"], found["names"]) == ("held-out domains", ["near", "far"])


def test_within_one_cell(one_cell):
    found = {each["kind"]: each for each in stability_of([one_cell.result])["over"]}
    assert set(found) == {"checkpoints", "validation resamples"}
    assert found["checkpoints"]["names"] == ["25 %", "50 %", "75 %", "100 %"]
    assert found["validation resamples"]["names"] == ["1", "2", "3", "4"]
    for each in found.values():
        matrix = np.array(each["jaccard"])
        assert (matrix == matrix.T).all()
        assert (np.diag(matrix) == 1).all()
        assert each["mean_jaccard"] == pytest.approx(matrix[~np.eye(4, dtype=bool)].mean())
        assert each["mean_jaccard"] > each["chance_jaccard"]


def test_nothing_to_compare(made):
    assert stability_of([made(0, range(5), np.arange(5.0))]) is None
    assert stability_of([made(0, range(5), np.arange(5.0)), made(1, range(5, 10), np.arange(5.0))]) is None


def test_constant_scores_have_no_order(made):
    (found,) = stability_of([made(seed, range(10), np.zeros(10)) for seed in (0, 1)])["over"]
    assert found["spearman"] == 0.0
