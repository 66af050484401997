from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from yori.errors import ShapeError, ValuesError
from yori.shift import neighbour_distance, novel_clusters, novelty


def test_distances_agree_with_scikit_learn(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yori.shift.rarity._BLOCK_BYTES", 8 * 50 * 7)  # seven rows at a time
    known, rows = rng.normal(size=(50, 4)), rng.normal(size=(30, 4))
    truth, where = NearestNeighbors(n_neighbors=3).fit(known).kneighbors(rows)
    distance, nearest = neighbour_distance(known, rows, neighbours=3)
    np.testing.assert_allclose(distance, truth.mean(axis=1))
    assert (nearest == where).all()


def test_ordinary_rows_have_uniform_p_values() -> None:
    rng = np.random.default_rng(0)
    share = [
        novelty(rng.normal(size=(200, 3)), rng.normal(size=(199, 3)), rng.normal(size=(200, 3))).p_value <= 0.1
        for _ in range(40)
    ]
    assert np.mean(share) == pytest.approx(0.1, abs=0.02)


def test_few_known_rows_are_all_neighbours(rng: np.random.Generator) -> None:
    distance, nearest = neighbour_distance(np.zeros((2, 1)), np.array([[3.0]]), neighbours=10)
    assert (distance.tolist(), nearest.shape) == ([3.0], (1, 2))


def test_clusters_of_what_is_new_are_found_and_named(rng: np.random.Generator) -> None:
    known = np.concatenate([rng.normal(0, 1, (300, 3)), rng.normal(10, 1, (300, 3))])
    labels = np.repeat([0, 1], 300)
    check = np.concatenate([rng.normal(0, 1, (100, 3)), rng.normal(10, 1, (100, 3))])
    near_one, near_zero = rng.normal(16, 0.3, (12, 3)), rng.normal(-7, 0.3, (7, 3))
    rows = np.concatenate([rng.normal(0, 0.5, (40, 3)), near_one, near_zero])
    found = novelty(known, check, rows)
    first, second, *rest = novel_clusters(rows, found, known, labels, classes=2)
    assert sorted(first.rows.tolist()) == list(range(40, 52))
    assert sorted(second.rows.tolist()) == list(range(52, 59))
    assert first.resembles == ((1, 1.0),)
    assert second.resembles == ((0, 1.0),)
    assert min(first.farness, second.farness) > 2
    assert all(each.farness < 2 for each in rest)
    middle = near_one.mean(axis=0)
    assert np.linalg.norm(rows[first.rows[0]] - middle) < np.linalg.norm(rows[first.rows[-1]] - middle)


def test_of_very_many_novel_rows_the_farthest_are_clustered(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yori.shift.rarity.MOST_NOVEL", 5)
    known, rows = rng.normal(size=(100, 1)), np.arange(20.0, 40.0)[:, None]
    found = novelty(known, rng.normal(size=(99, 1)), rows)
    clusters = novel_clusters(rows, found, known, np.zeros(100, dtype=int), classes=2)
    assert sorted(int(row) for each in clusters for row in each.rows) == [15, 16, 17, 18, 19]


def test_where_nothing_is_new_there_is_no_cluster(rng: np.random.Generator) -> None:
    known = rng.normal(size=(100, 2))
    found = novelty(known, rng.normal(size=(99, 2)), known[:5])
    assert not found.novel.any()
    assert novel_clusters(known[:5], found, known, np.zeros(100, dtype=int), classes=2) == ()
    assert found.share == 0.0


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValuesError, match="at least one neighbour"):
        neighbour_distance(np.zeros((3, 2)), np.zeros((3, 2)), neighbours=0)
    with pytest.raises(ValuesError, match="finite"):
        neighbour_distance(np.zeros((3, 2)), np.full((1, 2), np.inf))
    found = novelty(np.zeros((3, 1)), np.zeros((3, 1)), np.ones((2, 1)))
    with pytest.raises(ShapeError):
        novel_clusters(np.ones((3, 1)), found, np.zeros((3, 1)), np.zeros(3, dtype=int), classes=2)
    with pytest.raises(ValuesError, match="known_labels in 0"):
        novel_clusters(np.ones((2, 1)), found, np.zeros((3, 1)), np.full(3, 2), classes=2)
