import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.audit import outliers
from yori.audit.outliers import neighbour_distance, outlier_findings, robust_units
from yori.errors import ValuesError


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 6), st.booleans())
def test_distances_are_those_of_brute_force(seed, n, k, same):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) + 100
    y = x if same else rng.normal(size=(n + 2, 3)) + 100
    away = np.linalg.norm(x[:, None] - y[None], axis=2)
    if same:
        np.fill_diagonal(away, np.inf)
    take = min(k, len(y) - int(same))
    expected = np.sort(away, axis=1)[:, :take].mean(axis=1) if take else np.zeros(n)
    np.testing.assert_allclose(
        neighbour_distance(x, y, neighbours=k, own=np.arange(n) if same else None), expected, rtol=1e-4, atol=1e-5
    )


def test_blocks_do_not_matter(monkeypatch):
    x = np.random.default_rng(0).normal(size=(70, 4))
    whole = neighbour_distance(x, x, own=np.arange(70))
    monkeypatch.setattr("yori.audit.outliers._ROWS", 16)
    monkeypatch.setattr("yori.audit.outliers._COLUMNS", 12)
    np.testing.assert_allclose(neighbour_distance(x, x, own=np.arange(70)), whole, rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_planted_outliers_and_few_others(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, 16)).astype(np.float32)
    x[:6] += 25 * np.eye(16, dtype=np.float32)[:6]
    found = [each.example_id for each in outlier_findings(np.arange(400).astype(str), x, [None] * 400)]
    assert set(found[:6]) == {str(k) for k in range(6)}
    assert len(found) <= 8


def test_of_many_examples_all_are_judged_against_some(monkeypatch):
    monkeypatch.setattr(outliers, "EXACT_ROWS", 1000)
    monkeypatch.setattr(outliers, "REFERENCE", 200)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 16)).astype(np.float32)
    x[:6] += 25 * np.eye(16, dtype=np.float32)[:6]
    asked = []
    whole = outliers.neighbour_distance
    monkeypatch.setattr(
        outliers, "neighbour_distance", lambda x, y, **named: asked.append((len(x), len(y))) or whole(x, y, **named)
    )
    found = [each.example_id for each in outlier_findings(np.arange(3000).astype(str), x, [None] * 3000)]
    assert set(found[:6]) == {str(k) for k in range(6)}
    assert len(found) <= 12
    assert asked == [(3000, 200)]


def test_test_examples_are_compared_with_training_only():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 8))
    x[250:] += 12  # a new place, consistent in itself
    test = np.arange(300) >= 240
    found = outlier_findings(np.arange(300).astype(str), x, [None] * 300, test=test)
    assert {int(each.example_id) for each in found if each.code == "out_of_distribution"} >= set(range(250, 300))
    assert not [each for each in found if each.code == "outlier"]


def test_identical_rows_and_nothing():
    assert outlier_findings(np.arange(20).astype(str), np.ones((20, 3)), [None] * 20) == []
    assert robust_units(np.zeros(5)).tolist() == [0] * 5
    with pytest.raises(ValuesError):
        neighbour_distance(np.array([[np.nan]]), np.array([[1.0]]))
