import numpy as np
from scipy.spatial.distance import cdist

from yori.selection import keep, make_labelled
from yori.selection.facility_location import gaussian_similarity


def test_similarity_is_that_of_the_distances():
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(20, 3)), rng.normal(size=(15, 3))
    squared = cdist(x, other) ** 2
    found = gaussian_similarity(x, other)(np.arange(20))
    np.testing.assert_allclose(found, np.exp(-squared / squared.mean()))
    np.testing.assert_allclose(gaussian_similarity(x[:2] * 0, x[:2] * 0)(np.arange(2)), 1)


def test_every_cluster_of_a_class_is_kept():
    truth = np.arange(60) % 6
    x = 20 * np.eye(6)[truth] + np.random.default_rng(0).normal(size=(60, 6))
    for method in ("facility_location", "facility_location_stochastic", "prototypes", "k_center"):
        data = make_labelled(x, truth % 2, classes=2, l2=0.1)
        kept = keep(data, 6, method=method, rng=np.random.default_rng(1))
        assert len(set(truth[kept.rows])) >= (6 if method != "facility_location_stochastic" else 5)
