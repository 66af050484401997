import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution.pairwise import influence_blocks, tracin_matrix
from yori.attribution.top_k import influence_top_k, tracin_top_k
from yori.errors import ValuesError


def sorted_columns(matrix, k, lowest):
    order = np.argsort(matrix.T if lowest else -matrix.T, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(matrix.T, order, axis=1)


@pytest.mark.parametrize("lowest", [False, True])
@pytest.mark.parametrize("rows", [1, 4, 33, None])
@pytest.mark.parametrize("k", [1, 5, 150, 400])
def test_is_the_top_of_the_sorted_matrix(k, rows, lowest):
    given = make(dtype=np.float32)
    x = given.x.copy()
    x[40:60] = x[20:40]  # equal rows have equal scores where their labels agree, too
    sides = (x, given.y, given.weights, given.xq, given.yq)
    expected = sorted_columns(np.concatenate([tracin_matrix(*sides)]), k, lowest)
    found = tracin_top_k(*sides, k=k, lowest=lowest, rows=rows)
    assert found.rows.shape == (30, min(k, 150))
    np.testing.assert_allclose(found.scores, expected[1], rtol=1e-5, atol=1e-7)
    if k == 5:
        # Rounding may differ between blocks, so compare places where scores are apart.
        gaps = np.abs(np.diff(sorted_columns(tracin_matrix(*sides), k + 1, lowest)[1], axis=1)).min(axis=1) > 1e-6
        assert gaps.sum() > 10
        np.testing.assert_array_equal(found.rows[gaps], expected[0][gaps])


def test_of_equals_the_first_wins():
    x = np.ones((50, 2))
    labels = np.arange(50) % 2
    head = np.zeros((2, 3))
    for rows in (1, 3, 7, 50):
        found = tracin_top_k(x, labels, head, x[:2], np.array([0, 1]), k=4, rows=rows)
        np.testing.assert_array_equal(found.rows, [[0, 2, 4, 6], [1, 3, 5, 7]])


@pytest.mark.parametrize("lowest", [False, True])
def test_influence(lowest):
    given = make()
    matrix = np.concatenate([part for _, part in influence_blocks(*given.sides, l2=given.l2)], axis=1)
    expected = sorted_columns(matrix, 6, lowest)
    found = influence_top_k(*given.sides, k=6, lowest=lowest, l2=given.l2, batch=7)
    np.testing.assert_array_equal(found.rows, expected[0])
    np.testing.assert_allclose(found.scores, expected[1], rtol=1e-3)


def test_finds_the_twin():
    """An example asks for itself: what helps it most by TracIn on normalised rows is its copy with the same label."""
    given = make()
    x = given.x / np.linalg.norm(given.x, axis=1, keepdims=True)
    found = tracin_top_k(x, given.y, given.weight * 0, x[:25], given.y[:25], k=1)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(25))


def test_no_neighbours_are_refused():
    given = make(n=30)
    for method in (tracin_top_k, influence_top_k):
        with pytest.raises(ValuesError, match="k ≥ 1"):
            method(*given.sides, k=0)
