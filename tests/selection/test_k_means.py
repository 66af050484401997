import numpy as np
from scipy.spatial.distance import cdist

from yori.selection.k_center import squared_lengths
from yori.selection.k_means import assign, k_means, seeds


def test_well_separated_clusters_are_found():
    rng = np.random.default_rng(0)
    truth = np.arange(90) % 3
    x = 20 * np.eye(3)[truth] + rng.normal(size=(90, 3))
    _, cluster = k_means(x, 3, rng=rng)
    assert len({(a, b) for a, b in zip(truth, cluster, strict=True)}) == 3


def test_every_row_is_in_its_nearest_cluster():
    x = np.random.default_rng(0).normal(size=(200, 5))
    centres, cluster = k_means(x, 7, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(cluster, cdist(x, centres).argmin(axis=1))
    np.testing.assert_array_equal(assign(x, centres), cluster)


def test_fewer_different_rows_than_clusters():
    x = np.repeat(np.eye(3), 5, axis=0)
    centres, cluster = k_means(x, 10, rng=np.random.default_rng(0))
    assert len(centres) == 3
    assert len(np.unique(cluster)) == 3


def test_seeds_are_different_rows():
    x = np.random.default_rng(0).normal(size=(50, 2))
    rows = seeds(x, 50, squared_lengths(x), np.random.default_rng(0))
    assert len(set(rows.tolist())) == len(rows) == 50
