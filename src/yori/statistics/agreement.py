"""Do several runs choose or rank the same examples? Jaccard with its chance level, Spearman, Kendall's W.

A bare Jaccard of 0.3 says nothing: two random halves of a set reach 0.33. Every number here comes with what chance
gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Shaped
from scipy import special

from yori.arrays import check_finite
from yori.errors import AlignmentError, ShapeError, ValuesError


@dataclass(frozen=True)
class SelectionAgreement:
    """How much several selections overlap: mean and smallest pairwise Jaccard, and the mean that chance gives."""

    mean: float
    smallest: float
    chance: float
    pairs: int


def jaccard(first: Shaped[np.ndarray, " a"], second: Shaped[np.ndarray, " b"]) -> float:
    """Share of examples chosen by both among those chosen by either (1 = the same set, 0 = none in common).

    Parameters
    ----------
    first, second
        Shapes ``(a,)`` and ``(b,)``. Ids of the chosen examples, each once.

    Raises
    ------
    ShapeError, AlignmentError
        If a selection is empty, or holds an id twice.

    Examples
    --------
    >>> import numpy as np
    >>> jaccard(np.array([1, 2, 3]), np.array([2, 3, 4]))
    0.5
    """
    a, b = _ids(first, "first"), _ids(second, "second")
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return float(shared / (len(a) + len(b) - shared))


def jaccard_by_chance(first_size: int, second_size: int, n: int) -> float:
    """Jaccard that two independent random selections out of ``n`` examples reach on average.

    Exact: the mean over the hypergeometric distribution of the overlap.

    Raises
    ------
    ValuesError
        Unless both sizes lie in ``1 … n``.

    Examples
    --------
    >>> round(jaccard_by_chance(10, 10, 1000), 4)
    0.0053
    >>> jaccard_by_chance(5, 5, 5)
    1.0
    """
    if not (1 <= first_size <= n and 1 <= second_size <= n):
        raise ValuesError(f"sizes in 1 … n = {n}", f"{first_size} and {second_size}", where="jaccard_by_chance")
    shared = np.arange(max(0, first_size + second_size - n), min(first_size, second_size) + 1, dtype=np.float64)
    log_ways = (
        _log_choose(first_size, shared) + _log_choose(n - first_size, second_size - shared)
        - _log_choose(n, np.float64(second_size))
    )  # fmt: skip
    return float(np.exp(log_ways) @ (shared / (first_size + second_size - shared)))


def selection_agreement(selections: Sequence[Shaped[np.ndarray, " _"]], n: int) -> SelectionAgreement:
    """Mean pairwise Jaccard of several selections out of the same ``n`` examples, beside its chance level.

    Parameters
    ----------
    selections
        At least two arrays of ids; they may differ in length.
    n
        Number of examples they were chosen from.

    Raises
    ------
    ShapeError, AlignmentError, ValuesError
        If there are fewer than two selections, one is empty, or one holds an id twice or more than ``n`` ids.

    Examples
    --------
    >>> import numpy as np
    >>> found = selection_agreement([np.array([1, 2]), np.array([1, 2]), np.array([2, 3])], n=100)
    >>> round(found.mean, 3), round(found.smallest, 3), round(found.chance, 3)
    (0.556, 0.333, 0.013)
    """
    if len(selections) < 2:
        raise ShapeError("at least two selections", f"{len(selections)}", where="selection_agreement")
    pairs = list(combinations(selections, 2))
    found = [jaccard(a, b) for a, b in pairs]
    chance = [jaccard_by_chance(len(a), len(b), n) for a, b in pairs]
    return SelectionAgreement(float(np.mean(found)), float(np.min(found)), float(np.mean(chance)), len(pairs))


def spearman(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Rank correlation of two score vectors (1 = same order, 0 = what chance gives on average, −1 = reversed).

    Ties get their mean rank.

    Raises
    ------
    ShapeError, ValuesError
        If lengths differ, ``n < 2``, a value is not finite, or all values of a vector are equal (there is no order).

    References
    ----------
    Spearman, American Journal of Psychology 1904, doi:10.2307/1412159.

    Examples
    --------
    >>> import numpy as np
    >>> round(spearman(np.array([0.1, 0.2, 0.3, 0.4]), np.array([1.0, 5.0, 4.0, 9.0])), 6)
    0.8
    """
    ranks = _ranks(_matrix([first, second], "spearman"), "spearman")
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    product = float(np.multiply(centred[0], centred[1]).sum())
    value = product / float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return min(1.0, max(-1.0, value))


def kendall_w(scores: Float[np.ndarray, "m n"]) -> float:
    """Agreement of ``m`` rankings of the same ``n`` examples (1 = all alike; chance gives ``1/m`` on average).

    Corrected for ties, which get their mean rank. ``W = (1 + (m − 1)·r̄)/m`` with ``r̄`` the mean pairwise `spearman`
    when nothing is tied.

    Parameters
    ----------
    scores
        Shape ``(m, n)``. One row per run (seed, checkpoint, projection …).

    Raises
    ------
    ShapeError, ValuesError
        If ``m < 2`` or ``n < 2``, a value is not finite, or all values of a row are equal.

    References
    ----------
    Kendall, Babington Smith, Annals of Mathematical Statistics 1939, doi:10.1214/aoms/1177732186.

    Examples
    --------
    >>> import numpy as np
    >>> kendall_w(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    1.0
    """
    array = np.asarray(scores)
    if array.ndim != 2 or array.shape[0] < 2:
        raise ShapeError("scores of shape (m, n) with m ≥ 2 rankings", f"shape {array.shape}", where="kendall_w")
    ranks = _ranks(_matrix(list(array), "kendall_w"), "kendall_w")
    m, n = ranks.shape
    sums = ranks.sum(axis=0)
    ties = sum(float((size**3 - size).sum()) for size in (np.unique(row, return_counts=True)[1] for row in ranks))
    spread = float(((sums - sums.mean()) ** 2).sum())
    return float(min(1.0, 12 * spread / (m * m * (n**3 - n) - m * ties)))


def _log_choose(n: int, k: Float[np.ndarray, "..."] | np.float64) -> Float[np.ndarray, "..."]:
    value: Float[np.ndarray, "..."] = np.asarray(
        special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    )
    return value


def _ids(values: Shaped[np.ndarray, " k"], name: str) -> Shaped[np.ndarray, " u"]:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError(f"{name} of shape (k,) with k ≥ 1 ids", f"shape {array.shape}", where="jaccard")
    unique = np.unique(array)
    if len(unique) < len(array):
        raise AlignmentError(f"each id once in {name}", f"{len(array) - len(unique)} repeated", where="jaccard")
    return unique


def _matrix(rows: Sequence[Float[np.ndarray, " n"]], where: str) -> Float[np.ndarray, "m n"]:
    arrays = [np.asarray(row, dtype=np.float64) for row in rows]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 1 or len(arrays[0]) < 2:
        raise ShapeError("scores of one length n ≥ 2", f"shapes {sorted(shapes)}", where=where)
    matrix: Float[np.ndarray, "m n"] = np.stack(arrays)
    check_finite(matrix, name="scores", where=where)
    return matrix


def _ranks(scores: Float[np.ndarray, "m n"], where: str) -> Float[np.ndarray, "m n"]:
    """Ranks 1 … n of each row, ties at their mean."""
    ranks = np.empty_like(scores)
    for row, values in enumerate(scores):
        _, code, size = np.unique(values, return_inverse=True, return_counts=True)
        if len(size) == 1:
            raise ValuesError(
                "at least two different scores",
                f"{len(values)} equal ones in row {row}",
                where=where,
                fix="Scores that are all equal rank nothing.",
            )
        ranks[row] = (np.cumsum(size) - (size - 1) / 2)[code]
    return ranks
