import numpy as np

from yori.selection.badge import draw_spread, residuals
from yori.selection.k_means import seeds


def test_distances_are_those_of_the_gradients_written_out():
    """The factored form gives each pick the distance that the full n × (c·d) gradients give."""
    rng = np.random.default_rng(0)
    residual, x = residuals(rng.dirichlet(np.ones(4), size=40)), rng.normal(size=(40, 3))
    full = (residual[:, :, None] * np.c_[x, np.ones(40)][:, None, :]).reshape(40, -1)
    found = draw_spread(residual, x, 12, np.random.default_rng(1))
    assert found.rows[0] == (full**2).sum(axis=1).argmax()
    for step in range(1, 12):
        gap = full[found.rows[step]] - full[found.rows[:step]]
        expected = min(np.sqrt((gap**2).sum(axis=1)).min(), np.linalg.norm(full[found.rows[step]]))
        np.testing.assert_allclose(found.scores[step], expected, atol=1e-7)


def test_draws_are_in_proportion_to_the_squared_distance():
    """Three gradients, the first pick is fixed: the second is drawn with the probabilities of k-means++."""
    residual, x = np.array([[3.0], [1.0], [2.0]]), np.zeros((3, 1))
    second = [int(draw_spread(residual, x, 2, np.random.default_rng(seed)).rows[1]) for seed in range(400)]
    # Squared distances to the first are 4 and 1, squared lengths 1 and 4; the smaller of the two counts: 1 and 1.
    assert abs(np.mean(np.array(second) == 1) - 0.5) < 0.1


def test_copies_of_a_drawn_example_are_drawn_last():
    residual = np.repeat(np.array([[1.0, -1.0], [-1.0, 1.0], [0.5, -0.5]]), 4, axis=0)
    found = draw_spread(residual, np.ones((12, 2)), 3, np.random.default_rng(0))
    assert len({int(row) // 4 for row in found.rows}) == 3


def test_seeds_of_k_means_are_the_same_idea():
    x = np.array([[0.0], [0.0], [5.0]])
    rows = seeds(x, 2, (x**2).sum(axis=1), np.random.default_rng(0))
    assert {int(row) // 2 for row in rows} == {0, 1}
