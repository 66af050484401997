import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from yori.choose import umap_map
from yori.choose.umap_map import umap_places
from yori.errors import MissingExtraError


def test_what_umap_is_asked(monkeypatch):
    """A stand-in for the package: its settings, and that its warnings stay inside."""
    asked = {}

    class Stub:
        def __init__(self, **settings):
            asked.update(settings)

        def fit_transform(self, x):
            import warnings

            warnings.warn("of another package", stacklevel=1)
            return x[:, :2].astype(np.float32)

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Stub))
    monkeypatch.setattr(umap_map, "umap_installed", lambda: True)
    found = umap_places(np.eye(12), seed=7)
    assert (found.shape, found.dtype) == ((12, 2), np.float64)
    assert asked == {"n_neighbors": 11, "random_state": 7, "n_jobs": 1, "init": "pca"}


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(umap_map, "umap_installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r"yori\[look\]"):
        umap_places(np.eye(12), seed=0)


REAL = """
import numpy as np
from yori.choose.umap_map import umap_places

group = np.arange(30) % 3
x = (8 * np.eye(3, 10)[group] + np.random.default_rng(0).normal(size=(30, 10))).astype(np.float32)
found = umap_places(x, seed=0)
gaps = np.linalg.norm(found[:, None] - found, axis=2) + np.diag(np.full(30, np.inf))
print((group[gaps.argmin(axis=1)] == group).all(), found.shape)
"""


@pytest.mark.skipif(not umap_map.umap_installed(), reason="umap-learn is not installed")
def test_neighbours_stay_neighbours_on_a_real_one():
    """In a process of its own without just-in-time compilation, which takes longer than the map."""
    settings = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", REAL], env=settings, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True (30, 2)"
