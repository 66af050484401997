"""Every pair of rows whose cosine reaches a threshold, exactly, in blocks: no n × n matrix ever exists.

Most pairs are ruled out without their full inner product. Rotate the unit rows so that most of their energy lies in the first
``k`` coordinates and write ``x = (a, b)``. By Cauchy–Schwarz ``⟨x, y⟩ ≤ ⟨a, a'⟩ + |b|·|b'|``, an inner product of ``k + 1``
numbers. Only pairs whose bound reaches the threshold are multiplied out, so the answer is the same as by brute force. The
rotation is the one of the leading principal directions; with data that have none the bound rules out less and costs more,
never an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError
from yori.workers import Progress, silent

MOST_PAIRS = 5_000_000
"""A search that finds more stops with an error: it would describe a cluster, not copies."""

_ROWS = 1024
_COLUMNS = 16_384
_LEADING = 32
_SAMPLE = 8_192
_ROUNDING = 2e-6


@dataclass(frozen=True)
class SimilarPairs:
    """Pairs of similar rows, ordered by first and second.

    Parameters
    ----------
    first, second
        ``(k,)`` row numbers, ``first < second``.
    similarity
        ``(k,)`` cosines.
    """

    first: Int[np.ndarray, " k"]
    second: Int[np.ndarray, " k"]
    similarity: Float[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.first)


def similar_pairs(
    vectors: Float[np.ndarray, "n d"],
    threshold: float,
    *,
    most: int = MOST_PAIRS,
    progress: Progress = silent,
) -> SimilarPairs:
    """All pairs of rows with a cosine of at least ``threshold``.

    Equal rows are grouped first: a row that repeats an earlier one is paired with the first of its kind only, so a thousand
    equal rows are 999 pairs and not half a million. Rows of zeros have no direction and no pairs.

    Parameters
    ----------
    vectors
        ``(n, d)``; scaled to norm 1 here.
    threshold
        Cosine in ``(0, 1]``.
    most
        Refuse to hold more pairs than this.
    progress
        Told how many rows were compared.

    Raises
    ------
    ShapeError
        If ``vectors`` is not two-dimensional.
    ValuesError
        If a number is not finite, the threshold outside ``(0, 1]``, or more than ``most`` pairs are found.

    Notes
    -----
    O(n² min(k, d)) multiplications, k = 33, and O(n d) memory beside blocks of 64 MB. Cosines are rounded as float32 rows
    are: pairs within 2e-6 of the threshold may fall on either side.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1], [1.0, 0.0]])
    >>> pairs = similar_pairs(x, 0.9)
    >>> [*zip(pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.round(3).tolist())]
    [(0, 2, 0.999), (0, 3, 1.0)]
    """
    unit, place = checked_unit_rows(vectors, threshold, where="similar_pairs")
    kept, same = _without_repeats(unit)
    repeats = place[same[0]], place[same[1]]
    unit, place = unit[kept], place[kept]
    leading = _leading(unit, threshold)
    firsts, seconds, cosines, total = [], [], [], 0
    n = len(unit)
    for begin in range(0, n, _ROWS):
        end = min(begin + _ROWS, n)
        for left in range(begin, n, _COLUMNS):
            right = min(left + _COLUMNS, n)
            row, column = np.nonzero(leading[begin:end] @ leading[left:right].T >= threshold - _ROUNDING)
            row, column = row + begin, column + left
            upper = column > row
            row, column = row[upper], column[upper]
            value = inner_products(unit, row, column)
            found = value >= threshold
            firsts.append(row[found])
            seconds.append(column[found])
            cosines.append(value[found])
            total += int(found.sum())
            _refuse_too_many(total, most, threshold)
        progress("comparing embeddings", end, n)
    empty = np.zeros(0, dtype=np.int64)
    first, second = np.concatenate([*firsts, empty]), np.concatenate([*seconds, empty])
    value = np.concatenate([*cosines, np.zeros(0, dtype=np.float32)])
    return ordered_pairs(
        np.concatenate([place[first], repeats[0]]), np.concatenate([place[second], repeats[1]]),
        np.concatenate([value, np.ones(len(repeats[0]), dtype=np.float32)]),
    )  # fmt: skip


def checked_unit_rows(
    vectors: Float[np.ndarray, "n d"], threshold: float, *, where: str
) -> tuple[Float32[np.ndarray, "m d"], Int[np.ndarray, " m"]]:
    """Rows scaled to norm 1 without those of zeros, and their numbers; raises as `similar_pairs` says."""
    array = np.asarray(vectors)
    if array.ndim != 2:
        raise ShapeError("vectors of shape (n, d)", f"shape {array.shape}", where=where)
    if not 0 < threshold <= 1:
        raise ValuesError("a cosine above 0 and at most 1", f"{threshold:g}", where=where)
    check_finite(array, name="vectors", where=where)
    scale = np.abs(array).max(axis=1, initial=0.0)
    place = np.flatnonzero(scale > 0)
    # Scaled by the largest entry first, or the squares of very small or large numbers would vanish or overflow.
    unit = array[place] / scale[place, None]
    unit = unit.astype(np.float32) if unit.dtype != np.float32 else unit
    unit /= np.sqrt(np.einsum("ij,ij->i", unit, unit))[:, None]
    return unit, place


def inner_products(
    unit: Float32[np.ndarray, "n d"], first: Int[np.ndarray, " k"], second: Int[np.ndarray, " k"]
) -> Float32[np.ndarray, " k"]:
    """Inner products of chosen pairs, in blocks."""
    value = np.empty(len(first), dtype=np.float32)
    step = max(1, (1 << 24) // max(1, unit.shape[1]))
    for begin in range(0, len(first), step):
        part = slice(begin, begin + step)
        value[part] = np.einsum("ij,ij->i", unit[first[part]], unit[second[part]])
    return value


def ordered_pairs(
    first: Int[np.ndarray, " k"], second: Int[np.ndarray, " k"], value: Float[np.ndarray, " k"]
) -> SimilarPairs:
    """Pairs with the smaller number first, sorted."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((high, low))
    return SimilarPairs(low[order], high[order], np.clip(value[order].astype(np.float64), -1.0, 1.0))


def _without_repeats(
    unit: Float32[np.ndarray, "n d"],
) -> tuple[Int[np.ndarray, " m"], tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]]:
    """Numbers of rows that repeat no earlier row, and the pairs (first of its kind, repetition)."""
    n = len(unit)
    if n == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, (empty, empty)
    # One random projection finds candidates for equality; equal rows have equal sums in equal order of summation.
    weight = np.random.default_rng(0).standard_normal(unit.shape[1], dtype=np.float32)
    key = np.einsum("ij,j->i", unit, weight)
    order = np.argsort(key, kind="stable")
    step = np.flatnonzero(np.diff(key[order]) == 0)
    first = np.arange(n)
    for at in step.tolist():
        one, other = int(order[at]), int(order[at + 1])
        if np.array_equal(unit[one], unit[other]):
            first[other] = first[one]
    repeated = first != np.arange(n)
    return np.flatnonzero(~repeated), (first[repeated], np.flatnonzero(repeated))


def _leading(unit: Float32[np.ndarray, "n d"], threshold: float) -> Float32[np.ndarray, "n k1"]:
    """Leading coordinates and the norm of the rest: their inner product is an upper bound of the cosine."""
    n, d = unit.shape
    if d <= 2 * _LEADING or n < 4 * _LEADING:
        return unit
    sample = unit[np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)].astype(np.float64)
    _, directions = np.linalg.eigh(sample.T @ sample)
    basis = directions[:, ::-1][:, :_LEADING].astype(np.float32)
    bound = np.empty((n, _LEADING + 1), dtype=np.float32)
    for begin in range(0, n, 65_536):
        block = unit[begin : begin + 65_536]
        own = block @ basis
        bound[begin : begin + 65_536, :-1] = own
        rest = np.maximum(1.0 - np.einsum("ij,ij->i", own, own, dtype=np.float64), 0.0)
        bound[begin : begin + 65_536, -1] = np.sqrt(rest) + 1e-6
    trial = np.random.default_rng(1).integers(0, n, size=(2, 20_000))
    passed = float((np.einsum("ij,ij->i", bound[trial[0]], bound[trial[1]]) >= threshold).mean())
    # Where the bound lets many pairs through, gathering them costs more than one plain product of all.
    return bound if passed < 0.01 else unit


def _refuse_too_many(total: int, most: int, threshold: float) -> None:
    if total > most:
        raise ValuesError(
            f"at most {most} pairs with a cosine of {threshold:g} or more", f"{total} and counting",
            where="similar_pairs", fix="Raise the threshold.",
        )  # fmt: skip
