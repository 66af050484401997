"""The permutation test behind every two-sample test here: deal the sides out again and see how often chance does as well.

If reference and sample come from one distribution, any assignment of rows to the two sides was as likely as the one
observed. So the p-value is right at any number of rows, whatever the statistic. Rows that belong together (windows of one
recording, clips of one night) are dealt as one unit; dealt one by one, every recording would look like drift.

Most days nothing has happened, and then a few dozen assignments are enough: drawing stops as soon as `ENOUGH` of them
reached the observed value, and the p-value is still exact (Besag and Clifford). Only real drift pays for all of them.

References
----------
Besag, Clifford, "Sequential Monte Carlo p-values", Biometrika 1991, doi:10.1093/biomet/78.2.301.
Phipson, Smyth, Statistical Applications in Genetics and Molecular Biology 2010, doi:10.2202/1544-6115.1585.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from yori.arrays import check_finite, check_length
from yori.errors import ShapeError, ValuesError

ENOUGH = 20
"""Stop once so many assignments were at least as extreme."""

PERMUTATIONS = 999
_BLOCK = 64

Statistic = Callable[[Bool[np.ndarray, "r n"]], Float[np.ndarray, " r"]]


@dataclass(frozen=True)
class TwoSampleResult:
    """A statistic (larger = more different), the p-value of "nothing changed", and how many assignments were drawn."""

    statistic: float
    p_value: float
    permutations: int


@dataclass(frozen=True)
class Pooled:
    """Reference and sample rows one below the other: which side each is on, and the unit it is dealt with."""

    sample: Bool[np.ndarray, " n"]
    unit: Int[np.ndarray, " n"]

    @property
    def rows(self) -> int:
        """Number of rows of both sides."""
        return len(self.sample)


def pool_sides(
    reference: int,
    sample: int,
    reference_groups: Shaped[np.ndarray, " n"] | None,
    sample_groups: Shaped[np.ndarray, " m"] | None,
    *,
    where: str,
) -> Pooled:
    """Number the units of both sides; without groups every row is its own.

    Raises
    ------
    ShapeError, ValuesError
        If a side has fewer than two rows or units, or groups do not fit the rows.
    """
    numbers = []
    used = 0
    for name, rows, groups in (("reference", reference, reference_groups), ("sample", sample, sample_groups)):
        if groups is None:
            code = np.arange(rows)
        else:
            check_length(np.asarray(groups), rows, name=f"{name}_groups", where=where)
            code = np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]
        units = int(code.max(initial=-1)) + 1
        if units < 2:
            raise ValuesError(
                f"at least two independent rows or groups in {name}", str(units), where=where,
                fix="Wait for more, or pass finer groups.",
            )  # fmt: skip
        numbers.append(code + used)
        used += units
    return Pooled(np.repeat([False, True], [reference, sample]), np.concatenate(numbers))


def permuted_p_value(
    statistic: Statistic,
    pooled: Pooled,
    *,
    permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> TwoSampleResult:
    """Compare the observed statistic with that of sides dealt at random.

    Parameters
    ----------
    statistic
        From ``(r, n)`` sides (True = sample) to ``(r,)`` values; larger = more different.
    pooled
        The observed sides and the units.
    permutations
        At most so many assignments; the smallest possible p-value is ``1 / (1 + permutations)``.
    rng
        The only source of randomness.

    Returns
    -------
    TwoSampleResult
        ``p = ENOUGH / drawn`` where drawing stopped early, else ``(1 + reached) / (1 + drawn)``.

    Raises
    ------
    ValuesError
        If ``permutations < 1``.

    Examples
    --------
    >>> x = np.concatenate([np.zeros(20), np.ones(20)])
    >>> sides = pool_sides(20, 20, None, None, where="example")
    >>> gap = lambda on: (on @ x) / on.sum(axis=1) - (~on @ x) / (~on).sum(axis=1)
    >>> permuted_p_value(gap, sides, permutations=99, rng=np.random.default_rng(0))
    TwoSampleResult(statistic=1.0, p_value=0.01, permutations=99)
    """
    if permutations < 1:
        raise ValuesError("at least one permutation", str(permutations), where="permuted_p_value")
    units = int(pooled.unit.max()) + 1
    first = np.zeros(units, dtype=np.bool_)
    first[pooled.unit[pooled.sample]] = True
    observed = float(statistic(pooled.sample[None])[0])
    # Values that are equal on paper may differ in the last digits (float32 products).
    bar = observed - 1e-6 * max(abs(observed), 1e-12)
    reached = drawn = 0
    while drawn < permutations:
        block = min(_BLOCK, permutations - drawn)
        sides = rng.permuted(np.broadcast_to(first, (block, units)), axis=1)[:, pooled.unit]
        hits = statistic(sides) >= bar
        total = reached + int(hits.sum())
        if total >= ENOUGH:
            stop = drawn + int(np.flatnonzero(np.cumsum(hits) == ENOUGH - reached)[0]) + 1
            return TwoSampleResult(observed, ENOUGH / stop, stop)
        reached, drawn = total, drawn + block
    return TwoSampleResult(observed, (1 + reached) / (1 + drawn), drawn)


def check_rows(
    reference: Num[np.ndarray, "..."], sample: Num[np.ndarray, "..."], *, where: str
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]]:
    """Both sides as float arrays of one width.

    Raises
    ------
    ShapeError, ValuesError
        If they are not two tables of finite numbers of the same width.
    """
    first, second = np.asarray(reference), np.asarray(sample)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or 0 in first.shape + second.shape:
        raise ShapeError(
            "reference (n, d) and sample (m, d) of one width", f"shapes {first.shape} and {second.shape}", where=where
        )
    check_finite(first, name="reference", where=where)
    check_finite(second, name="sample", where=where)
    return first.astype(np.float32, copy=False), second.astype(np.float32, copy=False)


def check_scores(
    reference: Num[np.ndarray, "..."], sample: Num[np.ndarray, "..."], *, where: str
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Both sides as one-dimensional float64, or raise."""
    first, second = np.asarray(reference), np.asarray(sample)
    if first.ndim != 1 or second.ndim != 1 or 0 in first.shape + second.shape:
        raise ShapeError("scores (n,) and (m,)", f"shapes {first.shape} and {second.shape}", where=where)
    check_finite(first, name="reference", where=where)
    check_finite(second, name="sample", where=where)
    return first.astype(np.float64), second.astype(np.float64)
