r"""Standard error of a change of the (absolute) calibration error, in closed form.

The error is a sum over bins of a function with a kink, :math:`w_b f_b(x_b)`, where :math:`x_b` is the gap between accuracy and
confidence and :math:`f_b` its debiased absolute value. Gaps are means over rows, so they are close to jointly normal, and
their covariance :math:`\Sigma` over the bins of both models (and all seeds, which share their rows) is known from the rows.
A bootstrap adds its own noise to gaps that are noisy already, which makes it too wide for models that are well calibrated
(it covered 97 to 98 %, see `benchmarks/coverage_simulation.py`).

For a jointly normal pair with correlation :math:`\rho`, Mehler's formula gives the covariance of any two functions of them
exactly: with :math:`c_k` the coefficients of :math:`f(\mu + \sigma z)` in the normalised Hermite polynomials,

.. math::
    \operatorname{Cov}(f_i, f_j) = \sum_{k \ge 1} \rho_{ij}^k\, c_{ik}\, c_{jk}.

The true gaps :math:`\mu` are not known; the observed ones are too large, because squared noise adds :math:`\sigma^2` to their
square. Half of it is taken off, as in `yori.statistics.domain_effect` for the squared error and for the same reason: bins are
cut at sample quantiles, which vary too.

References
----------
Kumar, Liang, Ma, NeurIPS 2019, arXiv:1909.10155 (the debiased error). Mehler 1866; Kendall, Stuart, The Advanced Theory of
Statistics, volume 1, 1977, section 26 (the expansion).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from yori.arrays import Confidence, Correct
from yori.statistics.calibration_variance import bin_covariance, bin_means

ORDER = 24
"""Terms of the expansion; the kink of an absolute value leaves less than one per cent of its variance to later ones."""

_GRID = np.linspace(-8.0, 8.0, 1601)
_MASS = np.exp(-(_GRID**2) / 2) / math.sqrt(2 * math.pi) * (_GRID[1] - _GRID[0])


def spread_of_calibration_error(
    arms: Sequence[tuple[Confidence, Correct]], scale: Sequence[float], clusters: Sequence[Int[np.ndarray, " n"]]
) -> float:
    """Standard error of ``Σ scale · calibration error`` (equal mass, debiased, l1) over arms.

    Parameters
    ----------
    arms
        Confidence and correctness of each model and seed.
    scale
        Factor with which the error of each enters the sum (negative for *before*).
    clusters
        Cluster number of each row of each arm; numbers go through all arms.

    Returns
    -------
    float ≥ 0; 0 where the arms cancel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> stated = rng.random(2000)
    >>> right = rng.random(2000) < stated
    >>> round(spread_of_calibration_error([(stated, right)], [1.0], [np.arange(2000)]), 4)
    0.0081
    >>> spread_of_calibration_error([(stated, right)] * 2, [-1.0, 1.0], [np.arange(2000)] * 2)
    0.0
    """
    sizes, covariance = bin_covariance(arms, clusters)
    count = len(np.unique(np.concatenate(clusters)))
    rows = np.concatenate([size.sum() / size for size in sizes])
    covariance = covariance * rows[:, None] * rows[None, :] * (count / max(count - 1, 1))
    means = [bin_means(confidence, correct) for confidence, correct in arms]
    gap, accuracy = (np.concatenate([pair[k] for pair in means]) for k in (0, 1))
    weight = np.concatenate([factor * size / size.sum() for factor, size in zip(scale, sizes, strict=True)])
    own = np.sqrt(np.diag(covariance))
    true_gap = np.sign(gap) * np.sqrt(np.maximum(gap**2 - own**2 / 2, 0.0))
    binomial = np.sqrt(np.maximum(accuracy * (1 - accuracy), 0.0) / np.concatenate(sizes))
    values = _debiased_absolute(true_gap[:, None] + own[:, None] * _GRID, binomial[:, None])
    coefficients = weight[:, None] * _hermite_coefficients(values)
    noisy = own > 0
    correlation = np.zeros_like(covariance)
    between = np.ix_(noisy, noisy)
    correlation[between] = (covariance[between] / np.outer(own[noisy], own[noisy])).clip(-1, 1)
    power, variance, size_of_terms = np.ones_like(correlation), 0.0, 0.0
    for each in coefficients.T:
        power *= correlation
        variance += float(each @ power @ each)
        size_of_terms += float(np.abs(each) @ np.abs(power) @ np.abs(each))
    # What is left of an arm minus itself is rounding.
    return math.sqrt(variance) if variance > 1e-12 * size_of_terms else 0.0


def _debiased_absolute(gap: Float[np.ndarray, "k z"], spread: Float[np.ndarray, "k 1"]) -> Float[np.ndarray, "k z"]:
    """``2|x| − E|x + noise|``, one bin's share of `yori.metrics.top_label_calibration_error`."""
    z = gap / np.where(spread > 0, spread, 1.0)
    folded = spread * math.sqrt(2 / math.pi) * np.exp(-z * z / 2) + gap * special.erf(z / math.sqrt(2))
    value: Float[np.ndarray, "k z"] = 2 * np.abs(gap) - np.where(spread > 0, folded, np.abs(gap))
    return value


def _hermite_coefficients(values: Float[np.ndarray, "k z"]) -> Float[np.ndarray, "k order"]:
    """Coefficients 1 … `ORDER` of functions on the grid, in the normalised (probabilists') Hermite polynomials."""
    coefficients = np.empty((len(values), ORDER))
    before, now = np.zeros_like(_GRID), np.ones_like(_GRID)
    for k in range(1, ORDER + 1):
        before, now = now, (_GRID * now - math.sqrt(k - 1) * before) / math.sqrt(k)
        coefficients[:, k - 1] = values @ (now * _MASS)
    return coefficients
