"""What every subset method is given, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.arrays import check_labels, check_length
from yori.attribution.inputs import check_matrix
from yori.errors import ShapeError, ValuesError


@dataclass(frozen=True)
class Labelled:
    """Labelled examples to choose from, and the validation examples that some methods ask.

    ``embeddings (n, d)``, ``labels (n,)``; ``query (m, d)`` and ``query_labels (m,)``, None: the examples themselves
    ask."""

    embeddings: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    classes: int
    l2: float
    query: Float[np.ndarray, "m d"] | None = None
    query_labels: Int[np.ndarray, " m"] | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Subset:
    """Rows to keep, each once, in the order they were picked, and the weight ``> 0`` with which each is trained on.

    Weights have a mean of 1; a method that does not weigh gives ones.
    """

    rows: Int[np.ndarray, " b"]
    weights: Float[np.ndarray, " b"]

    def __len__(self) -> int:
        return len(self.rows)


def unweighted(rows: Int[np.ndarray, " b"]) -> Subset:
    """A subset in which all weigh the same."""
    return Subset(rows, np.ones(len(rows)))


def weighted(rows: Int[np.ndarray, " b"], weights: Float[np.ndarray, " b"]) -> Subset:
    """A subset with weights scaled to a mean of 1; none is 0, because a row without weight need not be kept."""
    safe = np.maximum(weights.astype(np.float64), 1e-3 * max(float(weights.max(initial=0)), 1e-12))
    return Subset(rows, safe / safe.mean())


def make_labelled(
    embeddings: Num[np.ndarray, "..."],
    labels: Num[np.ndarray, "..."],
    *,
    classes: int,
    l2: float,
    query: Num[np.ndarray, "..."] | None = None,
    query_labels: Num[np.ndarray, "..."] | None = None,
) -> Labelled:
    """Check everything once.

    Raises
    ------
    ShapeError, ValuesError
        If there are no examples, arrays do not fit together, on NaN, unknown classes, ``l2 ≤ 0``.
    """
    where = "subset"
    array = np.asarray(embeddings)
    if array.ndim == 2 and len(array) == 0:
        raise ShapeError("examples to choose from", "none", where=where)
    rows = check_matrix(array, name="embeddings", where=where)
    check_length(np.asarray(labels), len(rows), name="labels", where=where)
    if not (np.isfinite(l2) and l2 > 0):
        raise ValuesError("l2 > 0", str(l2), where=where)
    answers = check_labels(np.asarray(labels), classes, where=where)
    if query is None or query_labels is None:
        return Labelled(rows, answers, classes, l2)
    asks = check_matrix(np.asarray(query), name="query", where=where)
    if asks.shape[1] != rows.shape[1]:
        raise ShapeError(f"query of shape (m, {rows.shape[1]})", f"shape {asks.shape}", where=where)
    check_length(np.asarray(query_labels), len(asks), name="query_labels", where=where)
    asked = check_labels(np.asarray(query_labels), classes, name="query_labels", where=where)
    return Labelled(rows, answers, classes, l2, asks.astype(rows.dtype, copy=False), asked)
