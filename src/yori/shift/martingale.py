r"""Betting against "nothing has changed", row by row: evidence that may be read at any time.

Each row's score is ranked among the reference and all rows before it. While the stream is exchangeable with the reference,
these ranks are independent and uniform, so no way of betting on them makes money on average: capital :math:`1/\alpha` is
reached with probability at most :math:`\alpha`, over the whole life of the stream and with no plan of looks (Ville). A slow
drift that no single day shows adds up here.

The bet is the *simple jumper*: a third of the capital each says "ranks are low now", "high now" and "uniform now", and a small
part changes its mind after every row, so that it follows when the drift begins late or turns.

References
----------
Vovk et al., "Retrain or not retrain: conformal test martingales for change-point detection", COPA 2021, arXiv:2102.10439.
Ville, Étude critique de la notion de collectif, 1939.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.shift.relabelling import check_scores

JUMP = 0.01
"""Part of the capital that changes its mind after each row."""


def conformal_ranks(
    reference: Float[np.ndarray, " n"], stream: Float[np.ndarray, " m"], *, rng: np.random.Generator
) -> Float[np.ndarray, " m"]:
    """``(m,)`` rank of each row of a stream among the reference and the rows before it, in ``(0, 1)``; ties broken by chance.

    Independent and uniform while stream and reference are exchangeable. O((n + m) log(n + m)) comparisons.

    Examples
    --------
    >>> conformal_ranks(np.arange(99.0), np.array([200.0, -5.0]), rng=np.random.default_rng(0)).round(1)
    array([1., 0.])
    """
    first, second = check_scores(reference, stream, where="conformal_ranks")
    seen: list[float] = sorted(first.tolist())
    luck = rng.random(len(second))
    ranks = np.empty(len(second))
    for place, score in enumerate(second.tolist()):
        low = bisect_left(seen, score)
        ties = bisect_right(seen, score) - low + 1  # the row itself
        ranks[place] = (low + luck[place] * ties) / (len(seen) + 1)
        insort(seen, score)
    return ranks


def jumper_martingale(ranks: Float[np.ndarray, " m"], *, jump: float = JUMP) -> Float[np.ndarray, " m"]:
    """``(m,)`` natural logarithm of the capital after each row; it starts from capital 1.

    Parameters
    ----------
    ranks
        ``(m,)`` in ``[0, 1]``, from `conformal_ranks`.
    jump
        In ``[0, 1]``.

    Returns
    -------
    Alarm where the value reaches ``−ln α``: false with probability at most α, ever.

    Raises
    ------
    ValuesError
        If a rank or ``jump`` is outside ``[0, 1]``.

    Examples
    --------
    >>> bool(jumper_martingale(np.full(100, 0.9))[-1] > np.log(20) > jumper_martingale(np.full(100, 0.5))[-1])
    True
    """
    if not 0 <= jump <= 1 or (len(ranks) and not (ranks.min() >= 0 and ranks.max() <= 1)):
        raise ValuesError("ranks and jump in [0, 1]", "others", where="jumper_martingale")
    slopes = np.array([-2.0, 0.0, 2.0])  # 1 + slope (rank − ½) stays between 0 and 2
    parts = np.full(3, 1 / 3)
    size = 0.0
    path = np.empty(len(ranks))
    for place, rank in enumerate(ranks):
        parts = (1 - jump) * parts + jump * parts.sum() / 3
        parts = parts * (1 + slopes * (rank - 0.5))
        total = parts.sum()
        size += float(np.log(total))
        parts = parts / total  # kept near 1: the capital itself leaves the range of floats
        path[place] = size
    return path
