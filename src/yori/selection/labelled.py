"""What every subset method is given, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.arrays import check_length
from yori.attribution.inputs import check_matrix, check_targets
from yori.errors import ShapeError, ValuesError


@dataclass(frozen=True)
class Labelled:
    """Labelled examples to choose from, and the validation examples that some methods ask.

    ``embeddings (n, d)``, ``labels (n,)`` or multi-hot ``(n, c)``; ``query (m, d)`` and ``query_labels`` alike, None: the
    examples themselves ask."""

    embeddings: Float[np.ndarray, "n d"]
    labels: Num[np.ndarray, "n ..."]
    classes: int
    l2: float
    query: Float[np.ndarray, "m d"] | None = None
    query_labels: Num[np.ndarray, "m ..."] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """What methods that go class by class go by: the class; of several labels the rarest, of none one more class."""
        if self.labels.ndim == 1:
            return self.labels.astype(np.int64)
        rarity = np.argsort(np.argsort(-self.labels.sum(axis=0), kind="stable"), kind="stable") + 1
        rarest = (self.labels * rarity).argmax(axis=1)
        return np.where(self.labels.any(axis=1), rarest, self.classes).astype(np.int64)


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
    link: str = "softmax",
) -> Labelled:
    """Check everything once; ``link="sigmoid"``: labels are multi-hot ``(n, c)``.

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
    answers = check_targets(np.asarray(labels), len(rows), classes, link, name="labels", where=where)
    if query is None or query_labels is None:
        return Labelled(rows, answers, classes, l2)
    asks = check_matrix(np.asarray(query), name="query", where=where)
    if asks.shape[1] != rows.shape[1]:
        raise ShapeError(f"query of shape (m, {rows.shape[1]})", f"shape {asks.shape}", where=where)
    check_length(np.asarray(query_labels), len(asks), name="query_labels", where=where)
    asked = check_targets(np.asarray(query_labels), len(asks), classes, link, name="query_labels", where=where)
    return Labelled(rows, answers, classes, l2, asks.astype(rows.dtype, copy=False), asked)
