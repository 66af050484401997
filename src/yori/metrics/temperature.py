r"""Temperature scaling: one number that repairs over- or underconfidence.

Logits :math:`z` become :math:`z / T` before the softmax. T above 1 makes a model less confident. The predicted class never
changes, but for more than two classes the *ranking* of rows by confidence does: AURC before and after are two numbers, so
always name the stage. Fit T on validation rows, never on test rows.

In :math:`\beta = 1/T` the negative log-likelihood is convex and its slope is :math:`\frac1n \sum_i \mathbb{E}_{p_i}[z_i] -
z_{i,y_i}`, so the minimum is the root of a rising function. It is found by Newton steps that fall back to halving the bracket
whenever they would leave it.

References
----------
Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from yori.arrays import Labels, Logits, Probs, check_finite, check_labels, check_length
from yori.errors import ShapeError, ValuesError

LOWEST, HIGHEST = 1e-3, 1e3
"""Bounds of a fitted temperature."""

_TOLERANCE = 1e-10  # of log T


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Return the temperature that minimises the negative log-likelihood of ``softmax(logits / T)``.

    Deterministic. Three inputs have no minimum inside the bounds, and get a defined answer: if every row is right and can
    only gain (separable validation data), T falls to the lower bound 0.001; if sharper is always worse (labels that
    disagree with the logits), T rises to the upper bound 1000; if the logits of every row are all equal, no T matters and
    the answer is 1. A value at a bound means "not enough validation rows to tell".

    Parameters
    ----------
    logits
        Shape ``(n, c)`` with ``c ≥ 2``. Scores before the softmax; rows may be shifted by any constant.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.

    Returns
    -------
    float in ``[0.001, 1000]``. Above 1: the model was overconfident.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a logit is not finite, or a label is no class.

    Notes
    -----
    About ten passes over the logits.

    References
    ----------
    Guo et al., ICML 2017.

    Examples
    --------
    >>> logits = np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    >>> round(fit_temperature(logits, np.array([0, 0, 0, 1])), 6)
    1.820478
    """
    z, classes = check_logits(logits, labels, where="fit_temperature")
    z = z - z.max(axis=1, keepdims=True)
    true = float(z[np.arange(len(z)), classes].mean())

    def slope_and_curvature(beta: float) -> tuple[float, float]:
        p = np.exp(beta * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nc->n", p, z)
        second = np.einsum("nc,nc->n", p, z**2)
        return float(mean.mean()) - true, float((second - mean**2).mean())

    return _temperature(slope_and_curvature, flat=not z.any())


def fit_sigmoid_temperature(logits: Logits, targets: Bool[np.ndarray, "n c"] | Int[np.ndarray, "n c"]) -> float:
    """Return the temperature that minimises the negative log-likelihood of ``sigmoid(logits / T)``, for several labels.

    The same bounds and the same three defined answers as `fit_temperature`. A sigmoid has no shift to divide out: a logit of
    0 stays one half at every T.

    Parameters
    ----------
    logits
        Shape ``(n, c)``. One score per row and class.
    targets
        Shape ``(n, c)``. True (1) where the class applies.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a logit is not finite, or a target is neither 0 nor 1.

    Examples
    --------
    >>> round(fit_sigmoid_temperature(np.full((4, 1), 2.0), np.array([[1], [1], [1], [0]])), 6)
    1.820478
    """
    where = "fit_sigmoid_temperature"
    z = _check_matrix(logits, least_classes=1, where=where)
    answers = np.asarray(targets)
    if answers.shape != z.shape:
        raise ShapeError(f"targets of shape {z.shape}", f"shape {answers.shape}", where=where)
    if answers.dtype.kind not in "biuf" or not ((answers == 0) | (answers == 1)).all():
        raise ValuesError("targets as 0 and 1", f"other values of dtype {answers.dtype}", where=where)
    signed = np.where(answers == 1, z, -z)  # the logit of the right answer

    def slope_and_curvature(beta: float) -> tuple[float, float]:
        wrong = np.exp(-np.logaddexp(0.0, beta * signed))
        return float(-(wrong * signed).mean()), float((wrong * (1 - wrong) * signed**2).mean())

    return _temperature(slope_and_curvature, flat=not z.any())


def apply_temperature(logits: Logits, temperature: float) -> Probs:
    """Return ``softmax(logits / temperature)``, rows that sum to 1.

    Parameters
    ----------
    logits
        Shape ``(n, c)`` with ``c ≥ 2``.
    temperature
        Above 0; 1 is the plain softmax.

    Raises
    ------
    ShapeError, ValuesError
        If the logits are empty, misshapen or not finite, or the temperature is not a positive number.

    Examples
    --------
    >>> apply_temperature(np.array([[2.0, 0.0]]), 1.0).round(4)
    array([[0.8808, 0.1192]])
    """
    z = _check_matrix(logits, least_classes=2, where="apply_temperature")
    if not 0 < temperature < math.inf:
        raise ValuesError("a temperature above 0", f"{temperature}", where="apply_temperature")
    p: Probs = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
    p /= p.sum(axis=1, keepdims=True)
    return p


def check_logits(logits: NDArray[np.generic], labels: NDArray[np.generic], *, where: str) -> tuple[Logits, Labels]:
    """Return logits ``(n, c)`` as finite float64 and labels ``(n,)`` as int64, or raise."""
    z = _check_matrix(logits, least_classes=2, where=where)
    check_length(np.asarray(labels), len(z), name="labels", where=where)
    return z, check_labels(labels, z.shape[1], where=where)


def _check_matrix(logits: NDArray[np.generic], *, least_classes: int, where: str) -> Logits:
    array = np.asarray(logits)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < least_classes:
        wanted = f"logits of shape (n, c) with n ≥ 1 and c ≥ {least_classes}"
        raise ShapeError(wanted, f"shape {array.shape}", where=where)
    if array.dtype.kind not in "fiu":
        raise ValuesError("logits as real numbers", f"dtype {array.dtype}", where=where)
    check_finite(array, name="logits", where=where)
    return array.astype(np.float64, copy=False)


def _temperature(slope_and_curvature: Callable[[float], tuple[float, float]], *, flat: bool) -> float:
    """Find the root of the slope in ``beta = 1 / T``, by Newton steps in ``log beta`` kept inside a bracket."""
    if flat:
        return 1.0
    low, high = -math.log(HIGHEST), -math.log(LOWEST)
    if slope_and_curvature(math.exp(low))[0] >= 0:
        return HIGHEST
    if slope_and_curvature(math.exp(high))[0] <= 0:
        return LOWEST
    at, last_step = 0.0, high - low
    while high - low > _TOLERANCE:
        beta = math.exp(at)
        slope, curvature = slope_and_curvature(beta)
        if slope == 0:
            break
        low, high = (at, high) if slope < 0 else (low, at)
        rise = curvature * beta  # of the slope, along log beta
        step = -slope / rise if rise > 0 else math.inf
        if abs(step) <= _TOLERANCE:
            break
        # Every step is at most half of the last one, or halves the bracket: the loop ends whatever rounding does.
        if not (low < at + step < high and abs(step) <= last_step / 2):
            step = (low + high) / 2 - at
        at, last_step = at + step, abs(step)
    return math.exp(-at)
