import numpy as np

from yori.selection import make_pool
from yori.selection.typiclust import typicality, typiclust


def clusters(n=30):
    rng = np.random.default_rng(0)
    truth = np.arange(3 * n) % 3
    return 30 * np.eye(3, 4)[truth] + rng.normal(size=(3 * n, 4)), truth


def test_typicality_by_brute_force():
    x = np.random.default_rng(0).normal(size=(25, 3))
    distance = np.sort(np.linalg.norm(x[:, None] - x[None], axis=2), axis=1)[:, 1:6]
    np.testing.assert_allclose(typicality(x, 5), 1 / distance.mean(axis=1))


def test_one_of_each_cluster_at_a_cold_start():
    x, truth = clusters()
    found = typiclust(make_pool(x, classes=3, l2=0.1), 3, np.random.default_rng(0))
    assert set(truth[found.rows]) == {0, 1, 2}
    for row in found.rows:  # none lies at the rim of its cluster
        own = x[truth == truth[row]]
        distance = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert np.linalg.norm(x[row] - own.mean(axis=0)) <= np.median(distance)


def test_clusters_with_a_label_wait():
    x, truth = clusters()
    known = np.array([0, 1])
    rest = np.arange(2, 90)
    pool = make_pool(x[rest], classes=3, known=x[known], known_labels=np.array([0, 1]), l2=0.1)
    assert truth[rest][typiclust(pool, 1, np.random.default_rng(0)).rows[0]] == 2
