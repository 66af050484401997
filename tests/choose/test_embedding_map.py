import numpy as np
import pytest

from yori.choose import embedding_map as module
from yori.choose.embedding_map import check_map, embedding_map, shown_rows
from yori.errors import ValuesError


def test_principal_components_keep_what_lies_in_a_plane():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) * (5, 1)
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    found = embedding_map(plane @ turn[:2], np.arange(50))
    gaps = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    truth = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.testing.assert_allclose(gaps * truth.max() / gaps.max(), truth, atol=1e-9)
    assert np.abs(found.places).max() == pytest.approx(1)
    assert (found.method, found.note) == ("pca", "")


@pytest.mark.parametrize("rows", [np.ones((20, 4)), np.zeros((1, 4)), np.arange(5.0)[:, None]])
def test_identical_single_and_narrow_embeddings(rows):
    for method in ("pca", "umap"):
        found = embedding_map(rows, np.arange(len(rows)), method=method)
        assert np.isfinite(found.places).all()
        assert np.abs(found.places).max() <= 1
        assert found.method == "pca"
        assert ("UMAP needs" in found.note) == (method == "umap")


def test_without_the_extra_it_is_principal_components_and_says_so(monkeypatch):
    monkeypatch.setattr(module, "umap_installed", lambda: False)
    x = np.random.default_rng(0).normal(size=(30, 4))
    found = embedding_map(x, np.arange(30), method="umap")
    assert found.method == "pca"
    assert 'pip install "yori[look]"' in found.note
    np.testing.assert_array_equal(found.places, embedding_map(x, np.arange(30)).places)
    assert "looking only" in found.to_dict()["use"]


def test_marked_rows_are_always_shown():
    found = shown_rows(10_000, np.array([17, 9999]), 100)
    assert len(found) == 100
    assert {17, 9999} <= set(found.tolist())
    np.testing.assert_array_equal(shown_rows(5, np.array([2]), 100), np.arange(5))
    assert len(shown_rows(500, np.arange(300), 100)) == 100


def test_an_unknown_map_is_refused():
    with pytest.raises(ValuesError, match="a map out of none, pca, umap"):
        check_map("tsne")
