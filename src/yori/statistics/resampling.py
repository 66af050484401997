"""How often each unit is drawn when as many units as there are get drawn with replacement."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8, UInt16

from yori.errors import ValuesError

BLOCK = 1 << 15
"""Units times replicates drawn at a time. A result depends on it, and so on nothing else but the generator."""

_STRIDE = 1 << 20
"""Units of one replicate drawn at a time; short pieces make threads wait for the interpreter's lock."""

_DIRECT_BELOW = 1 << 14
_AMBIGUOUS = 0xFFFF


def draw_counts(rng: np.random.Generator, units: int, replicates: int) -> UInt8[np.ndarray, "r u"]:
    """Draw ``units`` out of ``units`` with replacement, ``replicates`` times, and count (exactly multinomial).

    Parameters
    ----------
    rng
        The only source of randomness.
    units, replicates
        At least 1 each.

    Returns
    -------
    Shape ``(replicates, units)``; every row sums to ``units``.

    Notes
    -----
    Few units: indices are drawn and counted. Many: counting 8-byte indices all over memory is slow, so each count is
    drawn as Poisson from a table, with a mean a little below one; given their total, independent Poisson counts *are*
    multinomial, and the few draws that are missing to ``units`` are added one by one. A total above ``units`` is drawn
    again, which changes nothing, because what remains is multinomial at any given total. A count above 255 has a
    probability below 10⁻⁴⁹⁰ where it is possible at all.

    Examples
    --------
    >>> import numpy as np
    >>> draw_counts(np.random.default_rng(0), units=5, replicates=2).sum(axis=1).tolist()
    [5, 5]
    """
    if units < 1 or replicates < 1:
        raise ValuesError("at least one unit and one replicate", f"{units} and {replicates}", where="draw_counts")
    if units < _DIRECT_BELOW:
        index = rng.integers(0, units, (replicates, units))
        index += np.arange(0, replicates * units, units)[:, None]
        counted = np.bincount(index.ravel(), minlength=replicates * units)
        return counted.astype(np.uint8).reshape(replicates, units)
    counts = np.empty((replicates, units), dtype=np.uint8)
    for row in counts:
        _draw_many(rng, row)
    return counts


def _draw_many(rng: np.random.Generator, counts: UInt8[np.ndarray, " u"]) -> None:
    units = len(counts)
    table, cumulative, codes = _table_of_pairs(1.0 - 5.0 / np.sqrt(units))
    pairs = np.empty(-(-min(units, _STRIDE) // 2), dtype=np.uint16)
    missing = -1
    while missing < 0:
        missing = units
        for start in range(0, units, _STRIDE):
            block = counts[start : start + _STRIDE]
            part = pairs[: -(-len(block) // 2)]
            sixteen = rng.integers(0, 2**64, -(-len(part) // 4), dtype=np.uint64).view(np.uint16)[: len(part)]
            np.take(table, sixteen, out=part, mode="clip")
            unsure = np.flatnonzero(part == _AMBIGUOUS)
            if len(unsure):  # 16 bits do not decide between outcomes here: read more of the number
                number = (sixteen[unsure] + rng.random(len(unsure))) / 65536
                part[unsure] = codes[np.searchsorted(cumulative, number, side="right")]
            block[:] = part.view(np.uint8)[: len(block)]
            missing -= int(block.sum(dtype=np.uint32))
    np.add.at(counts, rng.integers(0, units, missing), np.uint8(1))


@lru_cache(maxsize=8)
def _table_of_pairs(
    mean: float,
) -> tuple[UInt16[np.ndarray, " t"], Float[np.ndarray, " k"], UInt16[np.ndarray, " k"]]:
    """Two Poisson counts, one in each byte, for each 16-bit prefix of a uniform number.

    Returns
    -------
    table, cumulative, codes
        Codes by prefix, `_AMBIGUOUS` where the prefix does not decide; the cumulative probability of each pair of counts,
        and its code.
    """
    single = np.exp(-mean) * np.cumprod(np.concatenate([[1.0], mean / np.arange(1, 30)]))
    cumulative = np.minimum(np.cumsum(np.outer(single, single)), 1.0)
    cumulative[-1] = 1.0
    count = np.arange(len(single), dtype=np.uint16)
    codes = np.add.outer(count << 8, count).ravel()
    edges = np.arange(65537) / 65536
    low = np.searchsorted(cumulative, edges[:-1], side="right")
    high = np.searchsorted(cumulative, edges[1:], side="left")
    return np.where(low == high, codes[low], _AMBIGUOUS).astype(np.uint16), cumulative, codes
