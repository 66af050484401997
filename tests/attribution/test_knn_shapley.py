import sys
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.attribution import knn_shapley
from yori.errors import ShapeError, ValuesError


def brute_force(x, y, xq, yq, k, soft, classes):
    """Shapley values by definition: all subsets."""
    n = len(x)
    values = np.zeros(n)
    for point, label in zip(xq, yq, strict=True):
        order = np.argsort(((x - point) ** 2).sum(axis=1))

        def utility(members, order=order, label=label):
            if not members:
                return 1 / classes if soft else 0.0
            nearest = [i for i in order if i in members][:k]
            right = sum(y[i] == label for i in nearest)
            return right / (len(nearest) if soft else k)

        for i in range(n):
            others = [j for j in range(n) if j != i]
            for size in range(n):
                for members in combinations(others, size):
                    gain = utility({*members, i}) - utility(set(members))
                    values[i] += gain / (n * comb(n - 1, size))
    return values / len(xq)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 6), k=st.integers(1, 8), soft=st.booleans(), seed=st.integers(0, 1000))
def test_is_the_shapley_value(n, k, soft, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.integers(0, 3, n)
    xq, yq = rng.normal(size=(2, 2)), rng.integers(0, 3, 2)
    found = knn_shapley(x, y, xq, yq, k=k, soft_label=soft, classes=3)
    np.testing.assert_allclose(found, brute_force(x, y, xq, yq, k, soft, 3), atol=1e-12)


@pytest.mark.parametrize("soft", [False, True])
def test_values_sum_to_what_all_achieve(soft):
    rng = np.random.default_rng(0)
    x, y, xq, yq = rng.normal(size=(80, 3)), rng.integers(0, 4, 80), rng.normal(size=(30, 3)), rng.integers(0, 4, 30)
    nearest = np.argsort(((xq[:, None] - x[None]) ** 2).sum(axis=2), axis=1)[:, :7]
    achieved = (y[nearest] == yq[:, None]).mean()
    found = knn_shapley(x, y, xq, yq, k=7, soft_label=soft)
    assert found.sum() == pytest.approx(achieved - (0.25 if soft else 0))


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(1)
    x, y, xq, yq = rng.normal(size=(40, 3)), rng.integers(0, 2, 40), rng.normal(size=(25, 3)), rng.integers(0, 2, 25)
    whole = knn_shapley(x, y, xq, yq, k=3)
    monkeypatch.setattr(sys.modules["yori.attribution.knn_shapley"], "CELLS", 100)
    np.testing.assert_allclose(knn_shapley(x, y, xq, yq, k=3), whole, atol=1e-15)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    x, y = np.eye(3), np.arange(3)
    for arguments, options, error, message in [
        ((x, y, x[:, :2], y), {"k": 1}, ShapeError, "query_embeddings of shape"),
        ((x, y[:2], x, y), {"k": 1}, ShapeError, "a label for every row"),
        ((x, y, x, y), {"k": 0}, ValuesError, "k ≥ 1"),
        ((x, y - 1, x, y), {"k": 1}, ValuesError, "never -1"),
        ((x, y, x, y), {"k": 1, "classes": 2}, ValuesError, "labels in 0 … 1"),
    ]:
        with pytest.raises(error, match=message):
            knn_shapley(*arguments, **options)
