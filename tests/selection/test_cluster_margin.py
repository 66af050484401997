import numpy as np

from yori.selection import make_pool
from yori.selection.cluster_margin import cluster_margin


def test_small_margins_of_different_places():
    """Thirty near-copies at one border and one example at another: both borders are asked."""
    rng = np.random.default_rng(0)
    known = 4 * np.repeat(np.eye(3), 5, axis=0) + rng.normal(0, 0.1, (15, 3))
    one, other = np.array([2.0, 2.0, 0.0]), np.array([0.0, 2.0, 2.0])
    x = np.r_[one + rng.normal(0, 0.01, (30, 3)), [other + 0.01], 4 * np.repeat(np.eye(3), 20, axis=0)]
    pool = make_pool(x, classes=3, known=known, known_labels=np.repeat([0, 1, 2], 5), l2=0.01)
    found = cluster_margin(pool, 4, np.random.default_rng(0))
    assert 30 in found.rows
    assert (found.rows < 31).sum() >= 2
