r"""Standard error of a change of the squared calibration error, in closed form.

The debiased squared error is a quadratic form: with :math:`m_b` the mean over all rows of (right − confidence) in bin *b*
and :math:`p_b` the share of the rows in it, the plug-in value is :math:`\sum_b m_b^2/p_b`. For a well calibrated model the
gaps are nothing but noise, the linear part of the form vanishes, and what remains is the variance of squared noise. A
bootstrap adds its own noise to the gaps before squaring and comes out up to :math:`\sqrt 3` times too wide there.

With :math:`\Sigma` the covariance of the sums of all bins (of both models and all seeds, which share their rows) and
:math:`D` the signs and factors with which their squares enter, the variance is
:math:`4\,m^\top D\Sigma D\,m + 2\,\mathrm{tr}(D\Sigma D\Sigma)`. Putting the observed gaps for the true ones adds
:math:`4\,\mathrm{tr}(D\Sigma D\Sigma)` to the first term. `yori.statistics.domain_effect` takes half of the surplus off
again (bins cut at sample quantiles vary too) and keeps the second term as the least that is possible.

References
----------
Kumar, Liang, Ma, NeurIPS 2019, arXiv:1909.10155 (the debiased error). The variance is that of a quadratic form in normal
variables (Searle, Linear Models, 1971, section 2.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import Confidence, Correct
from yori.statistics.sorted_cuts import BINS

_CLUSTERS_AT_A_TIME = 1 << 13


def squared_ece_influence(confidence: Confidence, correct: Correct) -> Float[np.ndarray, " n"]:
    """Linear part of each row's influence on the squared calibration error (equal mass), bins held fixed; mean 0.

    Examples
    --------
    >>> squared_ece_influence(np.array([0.6, 0.7, 0.8, 0.9]), np.array([False, True, True, True])).round(3)
    array([ 0.235, -0.035, -0.085, -0.115])
    """
    member, deviation, _ = _bins(confidence, correct)
    gap = np.bincount(member, weights=deviation) / np.bincount(member)
    values: Float[np.ndarray, " n"] = 2 * gap[member] * deviation - gap[member] ** 2
    return values - values.mean()


def noise_of_squares(
    arms: Sequence[tuple[Confidence, Correct]], scale: Sequence[float], clusters: Sequence[Int[np.ndarray, " n"]]
) -> float:
    """Variance that squared noise alone gives a sum of squared calibration errors, ``2·tr(DΣDΣ)``.

    Parameters
    ----------
    arms
        Confidence and correctness of each model and seed.
    scale
        Factor with which the error of each enters the sum (negative for *before*).
    clusters
        Cluster number of each row of each arm; numbers go through all arms.
    """
    sizes, covariance = bin_covariance(arms, clusters)
    factors = [factor * size.sum() / size for factor, size in zip(scale, sizes, strict=True)]
    product = np.concatenate(factors)[:, None] * covariance
    squares = np.multiply(product, product.T)
    noise, scale_of_all = float(squares.sum()), float(np.abs(squares).sum())
    return 2 * noise if noise > 1e-12 * scale_of_all else 0.0  # what is left of an arm minus itself is rounding


def bin_covariance(
    arms: Sequence[tuple[Confidence, Correct]], clusters: Sequence[Int[np.ndarray, " n"]]
) -> tuple[list[Int[np.ndarray, " b"]], Float[np.ndarray, "k k"]]:
    """Rows in each bin of each arm, and how the bins' means over all rows of (right − confidence) vary together.

    Parameters
    ----------
    arms, clusters
        As `noise_of_squares`.

    Returns
    -------
    sizes, covariance
        One array for each arm; ``(k, k)`` with the bins of all arms one after the other.
    """
    total = max(int(code.max()) for code in clusters) + 1
    members, residuals, sizes, start = [], [], [], 0
    for confidence, correct in arms:
        member, deviation, bins = _bins(confidence, correct)
        size = np.bincount(member, minlength=bins)
        gap = np.bincount(member, weights=deviation, minlength=bins) / size
        members.append(member + start)
        residuals.append((deviation - gap[member]) / len(member))
        sizes.append(size)
        start += bins
    member, residual, code = (np.concatenate(parts) for parts in (members, residuals, clusters))
    order = np.argsort(code, kind="stable")
    member, residual, code = member[order], residual[order], code[order]
    covariance = np.zeros((start, start))
    for first in range(0, total, _CLUSTERS_AT_A_TIME):
        rows = slice(*np.searchsorted(code, (first, first + _CLUSTERS_AT_A_TIME)))
        cell = (code[rows] - first) * start + member[rows]
        sums = np.bincount(cell, weights=residual[rows], minlength=_CLUSTERS_AT_A_TIME * start)
        sums = sums.reshape(_CLUSTERS_AT_A_TIME, start)
        covariance += sums.T @ sums
    return sizes, covariance


def bin_means(confidence: Confidence, correct: Correct) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, " b"]]:
    """Mean of (right − confidence), and accuracy, in each equal-mass bin."""
    member, deviation, bins = _bins(confidence, correct)
    size = np.bincount(member, minlength=bins)
    gap, accuracy = (np.bincount(member, weights=x, minlength=bins) / size for x in (deviation, correct))
    return gap, accuracy


def _bins(confidence: Confidence, correct: Correct) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"], int]:
    """Equal-mass bin of each row, (right − confidence), and the number of bins."""
    n = len(confidence)
    bins = min(BINS, n)
    member = np.empty(n, dtype=np.int64)
    sizes = [len(part) for part in np.array_split(np.arange(n), bins)]
    member[np.argsort(confidence, kind="stable")] = np.repeat(np.arange(bins), sizes)
    return member, correct - confidence, bins
