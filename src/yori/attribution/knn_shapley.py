"""KNN-Shapley: the exact Shapley value of every training example for a nearest-neighbour classifier.

Sort the training examples by distance to a query example; the utility of a set is the share of its *k* nearest that carry the
query's label. With ``a_i`` = 1 where the i-th nearest has that label, the Shapley values obey, from the farthest inwards,

    s_n = a_n min(k, n) / (k n),        s_i = s_{i+1} + (a_i − a_{i+1}) min(k, i) / (k i),

so all of them cost one sort. The soft-label variant divides by the number of neighbours there are when a set has fewer than
*k*, and an empty set guesses at random. No head is asked: this values what the embeddings alone say.

References
----------
Jia et al., "Efficient task-specific data valuation for nearest neighbor algorithms", VLDB 2019. Wang & Jia, "A note on
'Efficient task-specific data valuation for nearest neighbor algorithms'", arXiv 2304.04258 (soft label).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from yori.arrays import check_labels
from yori.attribution.inputs import check_matrix
from yori.errors import ShapeError, ValuesError

CELLS = 1 << 21
"""Distances held at once."""


def knn_shapley(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Int[np.ndarray, " m"],
    *,
    k: int,
    soft_label: bool = False,
    classes: int | None = None,
) -> Float[np.ndarray, " n"]:
    """Exact Shapley values of training examples for a k-nearest-neighbour classifier on the query examples.

    Parameters
    ----------
    embeddings, labels
        Training examples, ``(n, d)`` and ``(n,)``. Euclidean distance.
    query_embeddings, query_labels
        What asks, ``(m, d)`` and ``(m,)``.
    k
        Neighbours, ≥ 1; may exceed ``n``.
    soft_label
        The variant in which a set of fewer than ``k`` examples votes with all it has.
    classes
        For the guess of an empty set, with ``soft_label``; by default the largest label + 1.

    Returns
    -------
    ``(n,)`` float64; **positive = the example helps**. Mean over the query examples; sums to the classifier's mean
    probability of the right label (less the guess, with ``soft_label``).

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, ``k < 1``.

    Notes
    -----
    ``O(m n (d + log n))``, memory in blocks. Equally distant examples are taken in the order they come in.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> knn_shapley(x, np.array([1, 0, 1]), np.array([[0.0]]), np.array([1]), k=1).round(3).tolist()
    [0.833, -0.167, 0.333]
    """
    rows = check_matrix(embeddings, name="embeddings", where="knn_shapley")
    asking = check_matrix(query_embeddings, name="query_embeddings", where="knn_shapley").astype(rows.dtype, copy=False)
    if rows.shape[1] != asking.shape[1]:
        raise ShapeError(f"query_embeddings of shape (m, {rows.shape[1]})", f"{asking.shape}", where="knn_shapley")
    largest = int(max(np.max(labels, initial=0), np.max(query_labels, initial=0))) + 1
    count = max(2, largest) if classes is None else classes
    own = check_labels(labels, count, where="knn_shapley")
    wanted = check_labels(query_labels, count, name="query_labels", where="knn_shapley")
    if len(own) != len(rows) or len(wanted) != len(asking):
        raise ShapeError("a label for every row", f"{len(own)} and {len(wanted)} labels", where="knn_shapley")
    if k < 1:
        raise ValuesError("k ≥ 1", str(k), where="knn_shapley")
    n, m = len(rows), len(asking)
    squares, asked_squares = (np.einsum("nd,nd->n", side, side) for side in (rows, asking))
    kind = own.astype(np.min_scalar_type(count))
    scores = np.zeros(n)
    weight = np.minimum(k, np.arange(1, n + 1)) / (k * np.arange(1, n + 1))
    fall = np.diff(weight, prepend=weight[0])
    place = np.arange(n, dtype=np.uint64)
    step = max(1, min(m, CELLS // n))
    room = np.empty((step, n), dtype=rows.dtype)
    for start in range(0, m, step):
        block = slice(start, min(start + step, m))
        distances = np.matmul(-2 * asking[block], rows.T, out=room[: block.stop - start])
        for each, own_square, label in zip(distances, asked_squares[block], wanted[block], strict=True):
            each += squares
            each += own_square
            np.maximum(each, 0, out=each)
            order = _nearest_first(each, place)
            right = kind.take(order) == label
            values = _soft(right, k, count) if soft_label else _hard(right, weight, fall)
            scores[order] += values
    return scores / m


def _nearest_first(distances: Float[np.ndarray, " n"], place: UInt[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Stable order of distances ≥ 0.

    The bits of a float32 ≥ 0 are in the order of its value; above the place in a 64-bit number they sort twice as fast as an
    argsort, and ties fall in order of their places.
    """
    if distances.dtype != np.float32:
        return np.argsort(distances, kind="stable")
    keys = distances.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= place
    keys.sort()
    keys &= np.uint64(0xFFFFFFFF)
    return keys.view(np.int64)


def _hard(
    right: Bool[np.ndarray, " n"], weight: Float[np.ndarray, " n"], fall: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Values of the examples from the nearest to the farthest, for one query example.

    With ``w_i = min(k, i) / (k i)`` the recursion adds up to ``s_i = a_i w_i + Σ_{j > i} a_j (w_j − w_{j−1})``: constant
    between examples of the query's label, so only those are looked at. ``fall``: ``w_j − w_{j−1}``.
    """
    found = np.flatnonzero(right)
    behind = np.cumsum(np.concatenate([[0.0], fall[found]]))
    behind = behind[-1] - behind
    values: Float[np.ndarray, " n"] = np.repeat(behind, np.diff(found, prepend=0, append=len(right)))
    values[found] += weight[found]
    return values


def _soft(right: Bool[np.ndarray, " n"], k: int, classes: int) -> Float[np.ndarray, " n"]:
    n = len(right)
    agree = right.astype(np.float64)
    terms = np.empty(n)
    terms[-1] = (agree[-1] - 1 / classes) / n
    if n > 1:
        terms[-1] += (agree[-1] - agree[:-1].mean()) * _harmonic(2, min(k, n)) / n
        place, most = np.arange(1, n), min(k, n - 1)
        # Sets of fewer than k others, then larger ones, of which only those count that leave a place among the nearest k.
        larger = ((n - 1) * np.minimum(k, place) / place - most) / k
        terms[:-1] = (agree[:-1] - agree[1:]) * (_harmonic(1, most) + larger) / (n - 1)
    values: Float[np.ndarray, " n"] = np.cumsum(terms[::-1])[::-1]
    return values


def _harmonic(first: int, last: int) -> float:
    return float((1 / np.arange(first, last + 1)).sum())
