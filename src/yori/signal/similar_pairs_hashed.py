"""Pairs of similar rows by hashing: linear in the number of rows, misses a few, and says how many.

Each table cuts space by ``bits`` hyperplanes; rows on the same side of all of them meet in a bucket and are compared. Two rows
at an angle θ lie on the same side of one plane with probability ``1 − θ/π``, so of ``tables`` tables at least one brings them
together with probability ``1 − (1 − (1 − θ/π)^bits)^tables``. Whatever meets is multiplied out, so no pair found is wrong.

Departures from the paper: the rows are centred before hashing and each plane goes through the median of a sample, so that
buckets are even also where all rows point the same way; a bucket that is still large is cut into sorted pieces, and the recall
is measured on the data at hand instead of being promised.

References
----------
Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002, doi:10.1145/509907.509965.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from yori.errors import ValuesError
from yori.signal.similar_pairs import (
    MOST_PAIRS,
    SimilarPairs,
    _refuse_too_many,
    _without_repeats,
    checked_unit_rows,
    inner_products,
    ordered_pairs,
)
from yori.workers import Progress, silent

LARGEST_BUCKET = 256
"""A fuller bucket is sorted by a random direction and cut into overlapping pieces of this size."""

MOST_BITS = 62
_SAMPLE = 4_096
_BLOCK = 65_536
_MEETINGS = 4_000_000


@dataclass(frozen=True)
class HashedPairs:
    """What `similar_pairs_hashed` found.

    Parameters
    ----------
    pairs
        The pairs; every one of them reaches the threshold.
    recall
        Share of the true pairs of a random sample of rows that are among them, NaN if these rows have none.
    checked
        How many true pairs that share comes from.
    compared
        How many pairs of rows were multiplied out.
    """

    pairs: SimilarPairs
    recall: float
    checked: int
    compared: int


def similar_pairs_hashed(
    vectors: Float[np.ndarray, "n d"],
    threshold: float,
    *,
    tables: int = 16,
    bits: int | None = None,
    sample: int = 500,
    most: int = MOST_PAIRS,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> HashedPairs:
    """Nearly all pairs of rows with a cosine of at least ``threshold``, and the measured share found.

    Parameters
    ----------
    vectors
        ``(n, d)``; scaled to norm 1 here.
    threshold
        Cosine in ``(0, 1]``. The nearer to 1, the higher the recall.
    tables
        At least 1. More find more and cost more.
    bits
        Planes of each table, 1 to 62; by default as many as make a bucket hold about four rows.
    sample
        Rows whose pairs are searched exactly to measure the recall; 0 measures nothing.
    most
        Refuse to hold more pairs than this.
    rng
        Randomness of planes and sample.
    progress
        Told about finished tables.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.signal.similar_pairs.similar_pairs`, or if an option lies outside its range.

    Notes
    -----
    O(n d bits) multiplications for each table and O(n d) memory: the rows, one copy of them, and 24 bytes a row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 32))
    >>> x[1000:1010] = x[:10] + 0.02 * rng.normal(size=(10, 32))
    >>> found = similar_pairs_hashed(x, 0.99, sample=2000, rng=rng)
    >>> len(found.pairs), found.recall
    (10, 1.0)
    """
    where = "similar_pairs_hashed"
    unit, place = checked_unit_rows(vectors, threshold, where=where)
    if tables < 1 or sample < 0 or not (bits is None or 1 <= bits <= MOST_BITS):
        raise ValuesError(
            f"tables ≥ 1, bits in 1 … {MOST_BITS}, sample ≥ 0", f"{tables}, {bits}, {sample}", where=where
        )
    kept, same = _without_repeats(unit)
    repeats = place[same[0]], place[same[1]]
    unit, place = unit[kept], place[kept]
    n = len(unit)
    width = max(1, min(MOST_BITS, round(np.log2(max(2, n / 4))))) if bits is None else bits
    centre = unit[rng.integers(0, n, size=min(n, _SAMPLE))].mean(axis=0) if n else unit[:0].sum(axis=0)
    known = np.zeros(0, dtype=np.int64)
    cosine = np.zeros(0, dtype=np.float32)
    compared = 0
    for table in range(tables if n > 1 else 0):
        codes = _codes(unit, centre, width, rng)
        for first, second in _meetings(unit, codes, rng):
            compared += len(first)
            value = inner_products(unit, first, second)
            close = value >= threshold
            low, high = np.minimum(first[close], second[close]), np.maximum(first[close], second[close])
            known, at = np.unique(np.concatenate([known, low * n + high]), return_index=True)
            cosine = np.concatenate([cosine, value[close]])[at]
            _refuse_too_many(len(known), most, threshold)
        progress("comparing embeddings", table + 1, tables)
    first, second = known // max(n, 1), known % max(n, 1)
    recall, checked = _recall(unit, known, threshold, sample, rng)
    pairs = ordered_pairs(
        np.concatenate([place[first], repeats[0]]), np.concatenate([place[second], repeats[1]]),
        np.concatenate([cosine, np.ones(len(repeats[0]), dtype=np.float32)]),
    )  # fmt: skip
    return HashedPairs(pairs, recall, checked, compared)


def _codes(
    unit: Float32[np.ndarray, "n d"], centre: Float32[np.ndarray, " d"], bits: int, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """One whole number for each row: on which side of each plane it lies."""
    planes = rng.normal(size=(unit.shape[1], bits)).astype(np.float32)
    chosen = unit[rng.integers(0, len(unit), size=min(len(unit), _SAMPLE))]
    middle = np.median((chosen - centre) @ planes, axis=0).astype(np.float32) + centre @ planes
    powers = np.left_shift(np.int64(1), np.arange(bits, dtype=np.int64))
    codes = np.empty(len(unit), dtype=np.int64)
    for begin in range(0, len(unit), _BLOCK):
        side: Bool[np.ndarray, "b bits"] = unit[begin : begin + _BLOCK] @ planes > middle
        codes[begin : begin + _BLOCK] = side @ powers
    return codes


def _meetings(
    unit: Float32[np.ndarray, "n d"], codes: Int[np.ndarray, " n"], rng: np.random.Generator
) -> Iterator[tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]]:
    """Pairs of rows to compare: all within a bucket; within a large one, those near along a random direction."""
    direction = unit @ rng.standard_normal(unit.shape[1], dtype=np.float32)
    order = np.lexsort((direction, codes))
    arranged = codes[order]
    starts = np.flatnonzero(np.r_[True, arranged[1:] != arranged[:-1]])
    end_of = np.repeat(np.r_[starts[1:], len(codes)], np.diff(np.r_[starts, len(codes)]))
    # Row at position i meets the rows after it in its bucket, at most LARGEST_BUCKET of them.
    reach = np.minimum(end_of - np.arange(len(codes)) - 1, LARGEST_BUCKET)
    total = np.cumsum(reach)
    cuts = np.searchsorted(total, np.arange(_MEETINGS, int(total[-1]) + _MEETINGS, _MEETINGS), side="left") + 1
    begin = 0
    for end in np.unique(np.minimum(cuts, len(codes))).tolist():
        part = reach[begin:end]
        position = np.repeat(np.arange(begin, end), part)
        step = np.arange(len(position)) - np.repeat(np.cumsum(part) - part, part) + 1
        yield order[position], order[position + step]
        begin = end


def _recall(
    unit: Float32[np.ndarray, "n d"],
    known: Int[np.ndarray, " k"],
    threshold: float,
    sample: int,
    rng: np.random.Generator,
) -> tuple[float, int]:
    """Share of the exact pairs of some rows that are known, and how many exact pairs there are."""
    n = len(unit)
    if sample == 0 or n < 2:
        return float("nan"), 0
    rows = rng.permutation(n)[:sample]
    true = []
    for begin in range(0, n, _BLOCK // 4):
        row, column = np.nonzero(unit[rows] @ unit[begin : begin + _BLOCK // 4].T >= threshold)
        one, other = rows[row], column + begin
        apart = one != other
        true.append(np.minimum(one, other)[apart] * n + np.maximum(one, other)[apart])
    exact = np.unique(np.concatenate(true))
    if len(exact) == 0:
        return float("nan"), 0
    return float(np.isin(exact, known, assume_unique=True).mean()), len(exact)
