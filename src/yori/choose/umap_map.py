"""UMAP: a map of embeddings on which neighbours stay neighbours. For looking only; needs ``pip install "yori[look]"``.

Distances between groups on such a map, the size of a group and the empty space around it mean nothing, and a head
trained on it proves nothing about the embeddings: no head and no choice ever sees these places.

References
----------
McInnes, Healy, Melville, "UMAP: uniform manifold approximation and projection for dimension reduction", arXiv
1802.03426, 2018.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float

from yori.errors import MissingExtraError

NEIGHBOURS = 15


def umap_installed() -> bool:
    """Whether the optional package is there; it is not imported, which takes seconds."""
    return find_spec("umap") is not None


def umap_places(embeddings: Float[np.ndarray, "n d"], *, seed: int) -> Float[np.ndarray, "n 2"]:
    """Two places of each row; the same for the same rows and seed.

    Raises
    ------
    MissingExtraError
        If umap-learn is not installed.
    """
    if not umap_installed():
        raise MissingExtraError("a UMAP", "look")
    with warnings.catch_warnings():  # of the packages below, about one another
        warnings.simplefilter("ignore")
        umap = import_module("umap")
        neighbours = min(NEIGHBOURS, len(embeddings) - 1)
        fitted = umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1, init="pca").fit_transform(embeddings)
    return np.asarray(fitted, dtype=np.float64)
