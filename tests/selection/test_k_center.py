import numpy as np
import pytest
from scipy.spatial.distance import cdist

from yori.selection.k_center import farthest_first, nearest_distance, squared_lengths


def plain(x, near, budget):
    chosen, have = [], list(near)
    for _ in range(budget):
        distance = cdist(x, np.array(have)).min(axis=1)
        distance[chosen] = -1
        chosen.append(int(distance.argmax()))
        have.append(x[chosen[-1]])
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_the_plain_algorithm(seed):
    rng = np.random.default_rng(seed)
    x, near = rng.normal(size=(60, 4)), rng.normal(size=(300, 4))
    np.testing.assert_array_equal(farthest_first(x, 10, near=near[:3]).rows, plain(x, near[:3], 10))
    np.testing.assert_allclose(nearest_distance(x, near, squared_lengths(x)), cdist(x, near).min(axis=1) ** 2)


def test_the_radius_left_is_at_most_twice_the_best():
    x = np.random.default_rng(0).normal(size=(9, 2))
    import itertools

    best = min(cdist(x, x[list(pick)]).min(axis=1).max() for pick in itertools.combinations(range(9), 3))
    found = farthest_first(x, 3, near=x[:0])
    assert cdist(x, x[found.rows]).min(axis=1).max() <= 2 * best + 1e-9


def test_without_anything_the_middle_comes_first_and_scores_fall():
    x = np.array([[0.0], [10.0], [5.1], [20.0]])
    found = farthest_first(x, 4, near=x[:0])
    assert found.rows[0] == 1
    assert (np.diff(found.scores[1:]) <= 0).all()
