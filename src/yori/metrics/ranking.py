"""Rows sorted by confidence, with one sort of integers.

The risk-coverage family and equal-mass binning only need to know, from the most to the least trusted row, which rows are
wrong and which share a confidence. ``argsort`` answers more than that and is slow: it sorts indices and then gathers. Here
confidence and correctness are packed into one 64-bit key, and the keys are sorted in place.

The packing is exact. A float64 is a sign bit and 63 bits that order non-negative numbers like integers, so where no number is
negative one bit is free for the correctness. Numbers of both signs are multiplied by a power of two that brings them below 2,
which frees the highest bit of the exponent; where that would lose digits of tiny ones, rows below zero are packed and sorted
on their own, behind the others. Everything but the sort is done in blocks that stay in the cache of one core.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

_ONE = np.uint64(1)
_SIGN = np.uint64(1 << 63)
_MAGNITUDE = np.int64((1 << 63) - 1)
_BLOCK = ERRORS_BLOCK = 1 << 15
"""Rows handled at a time, and yielded at a time by `Ranking.errors_in_blocks`."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Outcomes from the most to the least trusted row; where confidences are equal, right rows stand before wrong ones.

    Two calls with the same rows in another order give the same ranking, bit for bit. That is why no number read from a
    ranking depends on row order.

    Attributes
    ----------
    keys
        Shape ``(n,)``. Confidence in the upper 63 bits, 1 for a wrong row in the lowest.
    nonnegative
        How many of the first keys hold a confidence of at least zero; the rest hold negative ones.
    exponent
        The keys hold the confidences times ``2 ** -exponent``.
    """

    keys: UInt64[np.ndarray, " n"]
    nonnegative: int
    exponent: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def wrong(self) -> Int[np.ndarray, " n"]:
        """Return 1 for each wrong row and 0 for each right one, shape ``(n,)``."""
        return (self.keys & _ONE).view(np.int64)

    def confidence(self) -> Float[np.ndarray, " n"]:
        """Return the confidences from high to low, shape ``(n,)``, exactly as handed in."""
        bits = self.keys >> _ONE
        np.bitwise_xor(bits[: self.nonnegative], ~_SIGN, out=bits[: self.nonnegative])
        np.bitwise_or(bits[self.nonnegative :], _SIGN, out=bits[self.nonnegative :])
        return np.ldexp(bits.view(np.float64), self.exponent)

    def any_tied(self) -> bool:
        """Return whether any two rows have the same confidence."""
        same = np.empty(min(_BLOCK, len(self.keys)), dtype=np.uint64)
        for start in range(0, len(self.keys) - 1, _BLOCK):
            keys = self.keys[start : start + _BLOCK + 1]
            difference = np.bitwise_xor(keys[1:], keys[:-1], out=same[: len(keys) - 1])
            if difference.min() <= _ONE and bool(self.tied_with_next().any()):
                return True
        return False

    def errors_in_blocks(self) -> Iterator[tuple[int, Int[np.ndarray, " b"]]]:
        """Yield how many of the ``k`` most trusted rows are wrong, ``k = start + 1, …``, block by block.

        The array is written over by the next block.
        """
        counts = np.empty(min(_BLOCK, len(self.keys)), dtype=np.int64)
        before = 0
        for start in range(0, len(self.keys), _BLOCK):
            keys = self.keys[start : start + _BLOCK].view(np.int64)
            errors = np.bitwise_and(keys, 1, out=counts[: len(keys)])
            errors[0] += before
            np.cumsum(errors, out=errors)
            before = int(errors[-1])
            yield start, errors

    def tied_with_next(self) -> Bool[np.ndarray, " m"]:
        """Return, for each row but the last, whether the next row has the same confidence."""
        same: Bool[np.ndarray, " m"] = (self.keys[1:] ^ self.keys[:-1]) <= _ONE
        if 0 < self.nonnegative < len(self.keys):
            same[self.nonnegative - 1] = False  # keys of both signs may coincide; the numbers cannot
        return same

    def distinct(self) -> tuple[Int[np.ndarray, " g"], Int[np.ndarray, " g"]]:
        """Return what is accepted at each distinct confidence, from high to low.

        Returns
        -------
        accepted, errors
            Shape ``(g,)`` each: rows with at least this confidence, and how many of them are wrong.
        """
        errors = np.cumsum(self.wrong())
        if not self.any_tied():
            return np.arange(1, len(self.keys) + 1), errors
        last = np.append(np.flatnonzero(~self.tied_with_next()), len(self.keys) - 1)
        return last + 1, errors[last]


def rank(confidence: Float[np.ndarray, " n"], correct: Bool[np.ndarray, " n"]) -> Ranking:
    """Sort checked outcomes from the most to the least trusted row.

    Parameters
    ----------
    confidence, correct
        Shape ``(n,)``, float64 and bool, as `yori.metrics.outcomes.check_outcomes` returns them.

    Notes
    -----
    O(n log n) with one in-place sort of 64-bit integers, which NumPy runs with SIMD instructions.

    Examples
    --------
    >>> ranking = rank(np.array([0.5, 0.9, -1.0, 0.5]), np.array([False, True, False, True]))
    >>> ranking.confidence()
    array([ 0.9,  0.5,  0.5, -1. ])
    >>> ranking.wrong()
    array([0, 0, 1, 1])
    >>> ranking.distinct()
    (array([1, 3, 4]), array([0, 1, 2]))
    """
    lowest = float(confidence.min())
    if lowest >= 0:
        return Ranking(_descending(confidence, correct), len(confidence))
    return _both_signs(confidence, correct, max(-lowest, float(confidence.max()))) or _by_sign(confidence, correct)


def _descending(values: Float[np.ndarray, " m"], correct: Bool[np.ndarray, " m"]) -> UInt64[np.ndarray, " m"]:
    """Pack non-negative confidences and sort them from high to low."""
    numbers = np.empty(len(values))
    keys: UInt64[np.ndarray, " m"] = numbers.view(np.uint64)
    for start in range(0, len(values), _BLOCK):
        part = slice(start, start + _BLOCK)
        np.add(values[part], 0.0, out=numbers[part])  # -0.0 becomes 0.0
        block = keys[part]
        np.left_shift(block, _ONE, out=block)
        np.bitwise_or(block, correct[part], out=block)
        np.invert(block, out=block)  # turns the order round, and right into "not wrong"
    keys.sort()
    return keys


def _both_signs(values: Float[np.ndarray, " n"], correct: Bool[np.ndarray, " n"], largest: float) -> Ranking | None:
    """Pack and sort numbers of any sign as signed integers; None if bringing them below 2 would lose digits of one."""
    exponent = max(0, math.frexp(largest)[1])
    if exponent > 1000:
        return None
    scale, back = math.ldexp(1.0, -exponent), math.ldexp(1.0, exponent)
    numbers = np.empty(len(values))
    keys = numbers.view(np.int64)
    for start in range(0, len(values), _BLOCK):
        part = slice(start, start + _BLOCK)
        scaled = np.multiply(values[part], scale, out=numbers[part])
        if exponent and not (scaled * back == values[part]).all():
            return None
        scaled += 0.0  # -0.0 becomes 0.0
        block = keys[part]
        sign = block >> 63  # 0 or -1
        np.bitwise_xor(block, sign & _MAGNITUDE, out=block)
        np.subtract(sign, block, out=block)  # minus the number, as an integer of 63 bits
        np.left_shift(block, 1, out=block)
        np.bitwise_or(block, ~correct[part], out=block)
    keys.sort()
    nonnegative = int(np.searchsorted(keys, 2))
    keys[:nonnegative] -= 2  # the inverted form that keys of non-negative numbers have everywhere here
    return Ranking(keys.view(np.uint64), nonnegative, exponent)


def _by_sign(values: Float[np.ndarray, " n"], correct: Bool[np.ndarray, " n"]) -> Ranking:
    """Pack and sort the two signs apart."""
    negative = values < 0
    minus, plus = np.flatnonzero(negative), np.flatnonzero(~negative)  # ten times faster than indexing with a mask
    below = values[minus].view(np.uint64) << _ONE  # the sign falls off; small magnitudes come first
    np.bitwise_or(below, ~correct[minus], out=below)
    below.sort()
    above = _descending(values[plus], correct[plus])
    return Ranking(np.concatenate([above, below]), len(above))
