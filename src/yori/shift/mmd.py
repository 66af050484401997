r"""Maximum mean discrepancy: how far two clouds of embeddings are apart, seen through a Gaussian kernel.

.. math:: \mathrm{MMD}^2 = E\,k(x, x') + E\,k(y, y') - 2\,E\,k(x, y), \quad k(x, y) = e^{-\|x - y\|^2 / 2 s^2}

It is 0 exactly when both come from one distribution. The width :math:`s` is the median distance among the pooled rows. Up to
`EXACT_ROWS` rows in all the kernel is computed whole; above, it is replaced by that of random Fourier features, whose cost
grows with the rows and not with their square. The p-value is that of a permutation test either way, so the approximation can
cost power and never the false-alarm rate.

References
----------
Gretton et al., "A kernel two-sample test", JMLR 2012.
Rahimi, Recht, "Random features for large-scale kernel machines", NeurIPS 2007.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Shaped

from yori.errors import ValuesError
from yori.shift.relabelling import (
    PERMUTATIONS,
    Statistic,
    TwoSampleResult,
    check_rows,
    permuted_p_value,
    pool_sides,
)

EXACT_ROWS = 4000
FEATURES = 512
"""Random directions above `EXACT_ROWS`; each gives a sine and a cosine."""

MEDIAN_ROWS = 1000
"""Rows whose distances give the median."""


def mmd(
    reference: Float[np.ndarray, "n d"],
    sample: Float[np.ndarray, "m d"],
    *,
    reference_groups: Shaped[np.ndarray, " n"] | None = None,
    sample_groups: Shaped[np.ndarray, " m"] | None = None,
    bandwidth: float | None = None,
    permutations: int = PERMUTATIONS,
    exact_rows: int = EXACT_ROWS,
    rng: np.random.Generator,
) -> TwoSampleResult:
    """Test whether a sample comes from the distribution of the reference, by MMD with a Gaussian kernel.

    Parameters
    ----------
    reference, sample
        ``(n, d)`` and ``(m, d)`` embeddings.
    reference_groups, sample_groups
        ``(n,)`` and ``(m,)`` names of what belongs together; such rows change sides together.
    bandwidth
        Width ``s`` of the kernel; None = median distance.
    permutations
        See `yori.shift.relabelling.permuted_p_value`.
    exact_rows
        Up to so many rows in all the kernel is exact.
    rng
        Deals the sides, and draws the Fourier features.

    Returns
    -------
    TwoSampleResult
        ``statistic``: unbiased estimate of MMD², 0 on average without drift (it may be negative), at most 2.

    Raises
    ------
    ShapeError, ValuesError
        On rows that do not fit together, NaN, fewer than two units on a side, a width that is not positive.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> here, there = rng.normal(0, 1, (200, 4)), rng.normal(0.6, 1, (100, 4))
    >>> mmd(here, there, rng=rng).p_value
    0.001
    """
    first, second = check_rows(reference, sample, where="mmd")
    pooled = pool_sides(len(first), len(second), reference_groups, sample_groups, where="mmd")
    rows = np.concatenate([first, second])
    rows -= rows.mean(axis=0)  # distances stay; products of numbers near 0 keep more digits
    width = median_distance(rows, rng=rng) if bandwidth is None else bandwidth
    if not 0 < width < math.inf:
        raise ValuesError("a bandwidth above 0", f"{width:g}", where="mmd", fix="Are all rows the same?")
    if len(rows) <= exact_rows:
        kernel = np.exp(squared_distances(rows, rows) / np.float32(-2 * width**2))
        statistic = pairwise_statistic(kernel)
    else:
        statistic = _feature_statistic(_fourier_features(rows, width, rng))
    return permuted_p_value(statistic, pooled, permutations=permutations, rng=rng)


def squared_distances(rows: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """``(n, m)`` squared Euclidean distances, never below 0.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[25.]])
    """
    squares = (
        np.einsum("id,id->i", rows, rows)[:, None]
        + np.einsum("id,id->i", others, others)[None, :]
        - 2 * (rows @ others.T)
    )
    np.maximum(squares, 0, out=squares)
    return squares


def median_distance(rows: Float[np.ndarray, "n d"], *, rng: np.random.Generator) -> float:
    """Median distance between two different rows, of at most `MEDIAN_ROWS` of them; 1 where all are the same.

    Which side a row is on does not enter, so a kernel of this width is fair to every assignment.
    """
    some = rows if len(rows) <= MEDIAN_ROWS else rows[rng.choice(len(rows), MEDIAN_ROWS, replace=False)]
    squares = squared_distances(some, some)[np.triu_indices(len(some), 1)]
    median = float(np.sqrt(np.median(squares)))
    return median if median > 0 else 1.0


def pairwise_statistic(kernel: Float[np.ndarray, "n n"]) -> Statistic:
    """Unbiased mean within both sides minus twice the mean between them, for any symmetric kernel; changes its diagonal."""
    np.fill_diagonal(kernel, 0)
    towards_all = kernel.sum(axis=1, dtype=np.float64)

    def statistic(sides: Bool[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        on = sides.astype(kernel.dtype)
        within = np.einsum("rn,rn->r", on @ kernel, on, dtype=np.float64)
        between = sides @ towards_all - within
        return _combine(within, towards_all.sum() - within - 2 * between, between, sides)

    return statistic


def _fourier_features(
    rows: Float[np.ndarray, "n d"], width: float, rng: np.random.Generator
) -> Float[np.ndarray, "n f"]:
    directions = rng.standard_normal((rows.shape[1], FEATURES)).astype(np.float32) / np.float32(width)
    angles = rows @ directions
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.float32(math.sqrt(FEATURES))


def _feature_statistic(features: Float[np.ndarray, "n f"]) -> Statistic:
    """The same where the kernel is a product of features of length 1."""
    total = features.sum(axis=0, dtype=np.float64)

    def statistic(sides: Bool[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        inside = (sides.astype(features.dtype) @ features).astype(np.float64)
        outside = total - inside
        count = sides.sum(axis=1)
        within = (inside * inside).sum(axis=1) - count
        rest = (outside * outside).sum(axis=1) - (sides.shape[1] - count)
        return _combine(within, rest, (inside * outside).sum(axis=1), sides)

    return statistic


def _combine(
    within: Float[np.ndarray, " r"],
    rest: Float[np.ndarray, " r"],
    between: Float[np.ndarray, " r"],
    sides: Bool[np.ndarray, "r n"],
) -> Float[np.ndarray, " r"]:
    m = sides.sum(axis=1).astype(np.float64)
    n = sides.shape[1] - m
    return within / np.maximum(m * (m - 1), 1) + rest / np.maximum(n * (n - 1), 1) - 2 * between / (m * n)
