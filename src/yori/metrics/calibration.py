r"""Binned calibration error: how far stated confidence is from the accuracy it meets.

Every value comes from `yori.metrics.reliability_bins`. The plug-in value is biased upwards: a perfectly calibrated model
shows 0.05 with 500 rows and 15 bins. The debiased values subtract what noise alone adds and are *signed*: a negative value
means "no miscalibration that these rows could show". They are not clamped; take ``max(0, value)`` yourself where a root or a
plot needs it.

How much of the bias goes depends on the norm. Debiased l2 squared is unbiased: for a calibrated model it averages 0 and is
negative about half of the time. Debiased l1 is right where the gaps are larger than the noise; for a calibrated model it
still averages ``2 − √2``, or 59 %, of the plug-in value, because a resample of a noisy bin is twice as noisy. Compare models
at equal n and bins, and read l2 squared to ask whether there is any miscalibration at all.

References
----------
Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599 (ECE).
Kumar, Liang, Ma, "Verified uncertainty calibration", NeurIPS 2019, arXiv:1909.10155 (debiased).
Roelofs et al., "Mitigating bias in calibration error estimation", AISTATS 2022, arXiv:2012.08668 (sweep).
Nixon et al., "Measuring calibration in deep learning", CVPRW 2019, arXiv:1904.01685 (classwise).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from jaxtyping import Float

from yori.arrays import Confidence, Correct, Labels, Probs, check_labels, check_length, check_probs
from yori.errors import ValuesError
from yori.metrics.outcomes import check_probability_of_correct
from yori.metrics.probabilities import top_label
from yori.metrics.ranking import rank
from yori.metrics.reliability_bins import (
    Binning,
    ReliabilityBins,
    Side,
    SortedOutcomes,
    reliability_bins,
)

Norm: TypeAlias = Literal["l1", "l2_squared"]


def expected_calibration_error(
    probs: Probs,
    labels: Labels,
    *,
    bins: int = 15,
    binning: Binning = "equal_mass",
    debiased: bool = True,
    norm: Norm = "l1",
    side: Side = "right",
) -> float:
    """Calibration error of the predicted class (lower is better; the debiased value may be negative).

    The confidence is the largest probability of a row, the lowest class index among equals is the prediction. See
    `top_label_calibration_error` for the definition.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.
    bins, binning, debiased, norm, side
        As `top_label_calibration_error`.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a row does not sum to 1, a label is no class, or an option is unknown.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    >>> labels = np.array([0, 0, 1, 0])
    >>> round(expected_calibration_error(probs, labels, bins=2, debiased=False), 6)
    0.15
    """
    confidence, correct = top_label(probs, labels, where="expected_calibration_error")
    return top_label_calibration_error(
        confidence, correct, bins=bins, binning=binning, debiased=debiased, norm=norm, side=side
    )


def top_label_calibration_error(
    confidence: Confidence,
    correct: Correct,
    *,
    bins: int = 15,
    binning: Binning = "equal_mass",
    debiased: bool = True,
    norm: Norm = "l1",
    side: Side = "right",
) -> float:
    r"""Calibration error of confidences that are meant as the probability of being right (lower is better).

    With :math:`w_b` the part of rows in bin *b* and :math:`a_b, c_b, n_b` its accuracy, mean confidence and size, the plug-in
    values are :math:`\sum_b w_b |a_b - c_b|` (l1, the usual ECE) and :math:`\sum_b w_b (a_b - c_b)^2` (l2 squared).

    *Debiased l1* is ``2 · plug-in − E[plug-in of resampled bins]`` where the accuracy of a resampled bin is Normal with mean
    :math:`a_b` and variance :math:`a_b (1 - a_b) / n_b`. The expectation is the mean of a folded Normal and is computed
    exactly, so the value is deterministic: the limit of infinitely many resamples. *Debiased l2 squared* is
    :math:`\sum_b w_b [(a_b - c_b)^2 - a_b (1 - a_b) / (n_b - 1)]`; a bin of one row, which has no variance to subtract,
    counts 0. Both are signed.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Probability of being right, in ``[0, 1]``.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    bins
        Number of bins, at least 1.
    binning
        ``"equal_mass"``, ``"equal_width"``, or ``"quantile"``. Where many rows share a confidence (few distinct values, INT8
        outputs) use ``"quantile"``: the debiasing takes bins as independent, and bins cut from one group are not.
    debiased
        Subtract what noise alone adds.
    norm
        ``"l1"`` or ``"l2_squared"``. For the root of the latter take ``sqrt(max(0, value))``.
    side
        The closed side of equal-width bins: ``"right"`` as Guo et al. or ``"left"``.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence lies outside ``[0, 1]``, or an option is unknown.

    Notes
    -----
    O(n log n); O(n) for equal width. Row order does not matter, ties included.

    Examples
    --------
    >>> confidence, correct = np.array([0.6, 0.7, 0.8, 0.9]), np.array([False, True, True, True])
    >>> round(top_label_calibration_error(confidence, correct, bins=2, debiased=False), 6)
    0.15
    >>> round(top_label_calibration_error(confidence, correct, bins=2), 6)
    0.071445
    """
    if norm not in get_args(Norm):
        raise ValuesError(f"one of {', '.join(get_args(Norm))}", f"{norm!r}", where="top_label_calibration_error")
    found = reliability_bins(confidence, correct, bins=bins, binning=binning, side=side)
    if norm == "l1":
        return _l1(found, debiased)
    return _l2_squared(found, debiased)


def classwise_calibration_error(
    probs: Probs,
    labels: Labels,
    *,
    bins: int = 15,
    binning: Binning = "equal_width",
    debiased: bool = False,
    norm: Norm = "l1",
    side: Side = "right",
) -> Float[np.ndarray, " c"]:
    """Calibration error of each class's probability against "this class or not" (lower is better).

    The mean over classes is what papers call classwise ECE. A model can be calibrated in its predicted class and not in
    the others; this sees it.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.
    bins, binning, debiased, norm, side
        As `top_label_calibration_error`; the defaults are the definition of the paper.

    Returns
    -------
    Shape ``(c,)``, one value per class.

    Raises
    ------
    ShapeError, ValuesError
        As `expected_calibration_error`.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    >>> classwise_calibration_error(probs, np.array([0, 0, 1, 0]), bins=2)
    array([0.15, 0.15])
    """
    where = "classwise_calibration_error"
    rows = check_probs(probs, where=where)
    check_length(np.asarray(labels), len(rows), name="labels", where=where)
    classes = check_labels(labels, rows.shape[1], where=where)
    return np.array(
        [
            top_label_calibration_error(
                np.minimum(rows[:, k], 1.0),
                classes == k,
                bins=bins,
                binning=binning,
                debiased=debiased,
                norm=norm,
                side=side,
            )
            for k in range(rows.shape[1])
        ]
    )


class Sweep(NamedTuple):
    """The number of bins a sweep stopped at, and the calibration error there."""

    bins: int
    value: float


def sweep_calibration_error(confidence: Confidence, correct: Correct, *, norm: Norm = "l1") -> Sweep:
    """Plug-in calibration error with the largest number of equal-mass bins that keeps accuracy monotone (lower is better).

    Bins are added one by one; the last number before some bin is less accurate than the bin below it decides. No number
    of bins has to be chosen, and the bias of the plug-in value is smaller.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Probability of being right, in ``[0, 1]``.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    norm
        ``"l1"``, or ``"l2_squared"`` (the authors report its root).

    Raises
    ------
    ShapeError, ValuesError
        As `top_label_calibration_error`.

    Notes
    -----
    O(n log n + bins² log n). Where all wrong rows stand below the right ones, every number of bins is monotone and the
    answer is n bins.

    Examples
    --------
    >>> found = sweep_calibration_error(np.array([0.6, 0.7, 0.8, 0.9]), np.array([True, False, True, True]))
    >>> found.bins, round(found.value, 6)
    (3, 0.15)
    """
    where = "sweep_calibration_error"
    if norm not in get_args(Norm):
        raise ValuesError(f"one of {', '.join(get_args(Norm))}", f"{norm!r}", where=where)
    scores, right = check_probability_of_correct(confidence, correct, where=where)
    rows = SortedOutcomes(rank(scores, right))
    bins = len(scores) if rows.separates() else 1
    while bins < len(scores) and rows.is_monotone(bins + 1):
        bins += 1
    return Sweep(bins, (_l1 if norm == "l1" else _l2_squared)(rows.bins(bins), False))


def _l1(bins: ReliabilityBins, debiased: bool) -> float:
    weight = bins.count / bins.count.sum()
    gap = bins.accuracy - bins.confidence
    plug_in = float(np.dot(weight, np.abs(gap)))
    if not debiased:
        return plug_in
    spread = np.sqrt(bins.accuracy * (1 - bins.accuracy) / bins.count)
    resampled = [_folded_normal_mean(m, s) for m, s in zip(gap.tolist(), spread.tolist(), strict=True)]
    return 2 * plug_in - float(np.dot(weight, resampled))


def _l2_squared(bins: ReliabilityBins, debiased: bool) -> float:
    weight = bins.count / bins.count.sum()
    squared = (bins.accuracy - bins.confidence) ** 2
    if debiased:
        noise = bins.accuracy * (1 - bins.accuracy) / np.maximum(bins.count - 1, 1)
        squared = np.where(bins.count > 1, squared - noise, 0.0)
    return float(np.dot(weight, squared))


def _folded_normal_mean(mean: float, spread: float) -> float:
    """Return ``E|X|`` for ``X`` Normal."""
    if spread == 0:
        return abs(mean)
    z = mean / spread
    return spread * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + mean * math.erf(z / math.sqrt(2))
