import numpy as np
from scipy.spatial.distance import cdist

from yori.selection import make_pool
from yori.selection.prob_cover import prob_cover, radius_of


def test_greedy_cover_by_brute_force():
    x = np.random.default_rng(0).normal(size=(80, 3))
    pool = make_pool(x, classes=4, l2=0.1)
    found = prob_cover(pool, 6, np.random.default_rng(3))
    inside = cdist(x, x) <= radius_of(x, 0.5 / 4, np.random.default_rng(3))
    covered, chosen = np.zeros(80, dtype=bool), []
    for step in range(6):
        counts = (inside & ~covered).sum(axis=1)
        counts[chosen] = -1
        assert counts[found.rows[step]] == counts.max()
        np.testing.assert_allclose(found.scores[step], counts.max() / 80)
        chosen.append(int(found.rows[step]))
        covered |= inside[found.rows[step]]


def test_what_lies_near_a_known_example_is_covered():
    x = np.repeat(np.eye(2), 20, axis=0) * 10 + np.random.default_rng(0).normal(0, 0.1, (40, 2))
    pool = make_pool(x, classes=2, known=np.array([[10.0, 0.0]]), known_labels=np.array([0]), l2=0.1)
    assert prob_cover(pool, 1, np.random.default_rng(0)).rows[0] >= 20


def test_the_radius_holds_its_share():
    x = np.random.default_rng(0).normal(size=(300, 5))
    share = (cdist(x, x) <= radius_of(x, 0.2, np.random.default_rng(0))).mean()
    assert abs(share - 0.2) < 0.03
