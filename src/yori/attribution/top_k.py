"""For each query example the training examples that help it most, or hurt it most, without the full matrix.

Blocks of `tracin_blocks` or `influence_blocks` pass through; for each query example only its best so far stay. Of equal scores
the example that comes first in the data wins, so the answer does not depend on the size of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num

from yori.attribution.pairwise import influence_blocks, tracin_blocks
from yori.errors import ValuesError


@dataclass(frozen=True)
class TopK:
    """``rows (m, k)``: positions of training examples, the strongest first; ``scores (m, k)``, positive helps."""

    rows: Int[np.ndarray, "m k"]
    scores: Float[np.ndarray, "m k"]


def tracin_top_k(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    k: int,
    lowest: bool = False,
    **options: Any,
) -> TopK:
    """The ``k`` training examples that help each query example most by TracIn; ``lowest``: that hurt it most.

    Parameters
    ----------
    k
        ≥ 1; at most all examples are returned.
    **options
        Of `tracin_blocks`.

    Raises
    ------
    ShapeError, ValuesError
        As `tracin`; also on ``k < 1``.

    Notes
    -----
    Memory: a block of scores and ``(m, k)``.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0], [1.0]])
    >>> tracin_top_k(x, np.array([1, 0, 0]), np.zeros((2, 2)), x[:2], np.array([1, 0]), k=1).rows.tolist()
    [[0], [1]]
    """
    _check(k)
    sign, rows, scores = -1 if lowest else 1, np.empty(0), np.empty(0)
    for block, part in tracin_blocks(embeddings, labels, weights, query_embeddings, query_labels, **options):
        if block.start == 0:
            rows, scores = _first(sign * part, k)
        else:
            rows, scores = _merged(rows, scores, sign * part, block.start, k)
    return TopK(rows, sign * scores)


def influence_top_k(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    k: int,
    lowest: bool = False,
    **options: Any,
) -> TopK:
    """The ``k`` training examples that help each query example most by influence; ``lowest``: that hurt it most.

    Parameters
    ----------
    k
        ≥ 1; at most all examples are returned.
    **options
        Of `influence_blocks`; ``l2`` is one that must be there.

    Raises
    ------
    ShapeError, ValuesError
        As `influence`; also on ``k < 1``.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> x, y = np.array([[-1.0], [-0.9], [1.0], [0.9]]), np.array([0, 0, 1, 1])
    >>> head = fit_softmax(x, y, l2=0.1)
    >>> influence_top_k(x, y, head.weight, x[:1], y[:1], k=2, l2=0.1).rows.tolist()
    [[1, 0]]
    """
    _check(k)
    sign = -1 if lowest else 1
    blocks: Iterable[Any] = influence_blocks(embeddings, labels, weight, query_embeddings, query_labels, **options)
    found = [_first(sign * part, k) for _, part in blocks]
    return TopK(np.concatenate([rows for rows, _ in found]), sign * np.concatenate([scores for _, scores in found]))


def _check(k: int) -> None:
    if k < 1:
        raise ValuesError("k ≥ 1", str(k), where="top_k")


def _first(part: Float[np.ndarray, "b m"], k: int) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
    order = np.argsort(-part.T, axis=1, kind="stable")[:, :k]
    return order.astype(np.int64), np.take_along_axis(part.T, order, axis=1)


def _merged(
    rows: Int[np.ndarray, "m k"], scores: Float[np.ndarray, "m k"], part: Float[np.ndarray, "b m"], start: int, k: int
) -> tuple[Int[np.ndarray, "m more"], Float[np.ndarray, "m more"]]:
    """Only what beats the last of a full list can enter it: a few of a block, sorted in with one sort for all queries."""
    full = scores.shape[1] == k
    new, asked = np.nonzero(part > scores[:, -1]) if full else np.indices(part.shape).reshape(2, -1)
    if len(new) == 0:
        return rows, scores
    m = len(rows)
    owner = np.concatenate([np.repeat(np.arange(m), rows.shape[1]), asked])
    places = np.concatenate([rows.ravel(), new + start])
    values = np.concatenate([scores.ravel(), part[new, asked]])
    order = np.lexsort((places, -values, owner))
    count = np.bincount(owner, minlength=m)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    kept = order[first[:, None] + np.arange(min(k, int(count.min())))]
    return places[kept], values[kept]
