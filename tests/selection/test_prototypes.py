import numpy as np

from yori.selection.prototypes import prototype_rows


def test_the_nearest_to_each_centre():
    truth = np.arange(40) % 4
    x = 30 * np.eye(4)[truth] + np.random.default_rng(0).normal(size=(40, 4))
    rows = prototype_rows(x, 4, np.random.default_rng(0))
    for k in range(4):
        own = np.flatnonzero(truth == k)
        nearest = own[np.linalg.norm(x[own] - x[own].mean(axis=0), axis=1).argmin()]
        assert nearest in rows


def test_coinciding_clusters_are_filled_up():
    rows = prototype_rows(np.repeat(np.eye(2), 5, axis=0), 6, np.random.default_rng(0))
    assert len(set(rows.tolist())) == 6
