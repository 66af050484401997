"""Two places of every example, for a person to look at: UMAP where it is installed, else principal components.

For looking only. What is chosen is chosen on the embeddings; the record beside a table says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from yori.choose.umap_map import umap_installed, umap_places
from yori.errors import ValuesError
from yori.selection import principal_components

METHODS = ("none", "pca", "umap")
MOST = 3000
"""Examples on a map; of more, those that are marked and evenly spaced others."""
FEW = 10
"""Rows below which UMAP has no neighbourhoods to keep."""
INSTALL = 'Install it: pip install "yori[look]"'


@dataclass(frozen=True)
class EmbeddingMap:
    """``places (k, 2)`` in ``[−1, 1]²`` of the given ``rows (k,)``, and the method that was really used.

    ``note``: why it is not the method that was asked for; empty where it is."""

    rows: Int[np.ndarray, " k"]
    places: Float[np.ndarray, "k 2"]
    method: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The recorded step."""
        return {
            "method": self.method,
            "examples": len(self.rows),
            "use": "looking only: no head was trained and nothing was chosen on these places",
            "note": self.note,
        }


def shown_rows(n: int, marked: Int[np.ndarray, " m"], most: int = MOST) -> Int[np.ndarray, " k"]:
    """The marked rows and evenly spaced others, in order.

    Examples
    --------
    >>> shown_rows(10, np.array([1]), 4)
    array([0, 1, 5, 9])
    """
    others = np.setdiff1d(np.arange(n), marked)
    room = max(0, most - len(marked))
    if len(others) > room:
        others = others[np.linspace(0, len(others) - 1, room).astype(np.int64)]
    return np.union1d(marked[:most], others).astype(np.int64)


def check_map(method: str) -> str:
    """Raise `ValuesError` unless it is one of `METHODS`."""
    if method not in METHODS:
        raise ValuesError(f"a map out of {', '.join(METHODS)}", repr(method), where="--map")
    return method


def embedding_map(
    embeddings: Float[np.ndarray, "k d"], rows: Int[np.ndarray, " k"], *, method: str = "pca", seed: int = 0
) -> EmbeddingMap:
    """Places of some rows.

    Parameters
    ----------
    embeddings, rows
        ``(k, d)`` and where they came from, from `shown_rows`.
    method
        ``pca`` or ``umap``; without the optional package ``umap`` becomes ``pca`` and the map says so.
    seed
        Of UMAP.

    Examples
    --------
    >>> found = embedding_map(np.eye(3), np.arange(3))
    >>> found.method, found.places.shape
    ('pca', (3, 2))
    """
    note = ""
    if method == "umap" and not umap_installed():
        method, note = "pca", f"UMAP needs an optional package; principal components are shown instead. {INSTALL}."
    elif method == "umap" and len(rows) < FEW:
        method, note = "pca", f"UMAP needs at least {FEW} examples; principal components are shown instead."
    elif method == "umap" and len(np.unique(embeddings, axis=0)) < FEW:
        method, note = "pca", f"UMAP needs at least {FEW} different embeddings; principal components are shown instead."
    if method == "umap":
        places = umap_places(embeddings, seed=seed)
    else:
        wide = embeddings if embeddings.shape[1] > 1 else np.concatenate([embeddings, 0 * embeddings], axis=1)
        places = principal_components(wide, 2).apply(wide).astype(np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    size = float((high - low).max())  # one scale for both axes: a map must not stretch
    return EmbeddingMap(rows, (2 * places - low - high) / (size if size > 0 else 1.0), method, note)
