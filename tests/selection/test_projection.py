import numpy as np
import pytest
from sklearn.decomposition import PCA

from yori.errors import ValuesError
from yori.selection import picked_features, principal_components, random_projection

X = np.random.default_rng(0).normal(size=(200, 12)) * np.arange(1, 13) + 3


def test_principal_components_are_those_of_scikit_learn():
    found = principal_components(X, 4)
    peer = PCA(4).fit(X)
    np.testing.assert_allclose(np.abs((found.matrix * peer.components_).sum(axis=1)), 1, atol=1e-8)
    np.testing.assert_allclose(np.abs(found.apply(X)), np.abs(peer.transform(X)), atol=1e-8)
    assert found.apply(X.astype(np.float32)).dtype == np.float32


def test_random_projections_keep_squared_lengths_on_average():
    rng = np.random.default_rng(1)
    ratios = [(random_projection(12, 6, rng=rng).apply(X) ** 2).sum() / (X**2).sum() for _ in range(400)]
    assert abs(np.mean(ratios) - 1) < 0.1


def test_picked_features_are_columns_in_order():
    np.testing.assert_array_equal(picked_features(np.array([7, 2]), 12).apply(X), X[:, [2, 7]])


@pytest.mark.parametrize("dimensions", [0, 13])
def test_too_many_or_none(dimensions):
    with pytest.raises(ValuesError, match="1 … 12 dimensions"):
        principal_components(X, dimensions)
    with pytest.raises(ValuesError, match="1 … 12 dimensions"):
        random_projection(12, dimensions, rng=np.random.default_rng(0))
