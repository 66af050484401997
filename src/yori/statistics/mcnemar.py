"""McNemar's test: do two models err on different examples in equal number?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy import special

from yori.errors import ShapeError, ValuesError

METHODS = ("mid-p", "exact")
EXACT_BELOW = 25
"""Below this number of discordant examples ``method="mid-p"`` uses the exact test."""


@dataclass(frozen=True)
class McNemarResult:
    """What McNemar's test found.

    ``only_a`` and ``only_b`` count the discordant examples (often written *b* and *c*): right with one model, wrong
    with the other. ``odds`` is ``only_a / only_b``: below 1 when B repairs more than it breaks, infinite when B repairs
    nothing, ``None`` when nothing is discordant. ``method`` is the test that was really used.
    """

    p_value: float
    only_a: int
    only_b: int
    n: int
    odds: float | None
    method: str

    def __float__(self) -> float:
        return self.p_value


def mcnemar(
    correct_a: Bool[np.ndarray, " n"],
    correct_b: Bool[np.ndarray, " n"],
    *,
    method: str = "mid-p",
    exact_below: int = EXACT_BELOW,
) -> McNemarResult:
    """Test whether two models are right equally often on the same examples (two-sided).

    Only the discordant examples carry information. Given their number, how many of them favour A is Binomial(b + c, ½)
    when the models are equally good. Identical models give ``p = 1``. Each example may enter once: rows of several
    seeds repeat the same examples and must not be pooled; test each seed by itself.

    Parameters
    ----------
    correct_a, correct_b
        Shape ``(n,)``. True where the model is right; row *i* is the same example in both.
    method
        ``"mid-p"`` counts only half of the observed outcome's probability, which brings the true size close to the
        nominal one; it is not guaranteed to stay below it, so with fewer than ``exact_below`` discordant examples the
        exact test is used instead, and the result says so. ``"exact"`` is always the exact binomial test.
    exact_below
        Number of discordant examples from which on the mid-p value is used. 0: always.

    Returns
    -------
    McNemarResult

    Raises
    ------
    ShapeError
        If the arrays are empty, not one-dimensional or of different length.
    ValuesError
        If a value is not true or false, or the method is not known.

    References
    ----------
    McNemar, Psychometrika 1947, doi:10.1007/BF02295996. Fagerland, Lydersen, Laake, BMC Medical Research Methodology
    2013, doi:10.1186/1471-2288-13-91 (mid-p).

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([True] + 7 * [False] + 12 * [True])
    >>> b = np.array([False] + 7 * [True] + 12 * [True])
    >>> result = mcnemar(a, b)
    >>> result.only_a, result.only_b, round(result.p_value, 4), result.method
    (1, 7, 0.0703, 'exact')
    >>> round(mcnemar(a, b, exact_below=0).p_value, 4)
    0.0391
    >>> mcnemar(a, a).p_value
    1.0
    """
    if method not in METHODS:
        raise ValuesError(f"a method out of {', '.join(METHODS)}", repr(method), where="mcnemar")
    first, second = (_as_bool(x, name) for x, name in ((correct_a, "correct_a"), (correct_b, "correct_b")))
    if first.shape != second.shape:
        raise ShapeError(
            "correct_a and correct_b of the same length",
            f"{len(first)} and {len(second)}",
            where="mcnemar",
            fix="Both models must have predicted the same examples, in the same order.",
        )
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    total = b + c
    used = "exact" if method == "exact" or total < exact_below else "mid-p"
    p_value = 1.0
    if b != c:  # equal counts are the most likely outcome of all: p = 1, and so it is without any discordant example
        lower = 2.0 * float(special.bdtr(min(b, c), total, 0.5))
        p_value = lower if used == "exact" else lower - _binomial_half(min(b, c), total)
    odds = None if total == 0 else (b / c if c else float("inf"))
    return McNemarResult(min(1.0, p_value), b, c, len(first), odds, used)


def _as_bool(values: Bool[np.ndarray, " n"], name: str) -> Bool[np.ndarray, " n"]:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError(f"{name} of shape (n,) with n ≥ 1", f"shape {array.shape}", where="mcnemar")
    if array.dtype != np.bool_:
        if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
            raise ValuesError(
                f"{name} of true and false", f"dtype {array.dtype}", where="mcnemar", fix="Pass predicted == labels."
            )
        array = array.astype(np.bool_)
    return array


def _binomial_half(k: int, n: int) -> float:
    """Probability of ``k`` heads in ``n`` tosses."""
    log_choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return float(np.exp(log_choose - n * np.log(2.0)))
