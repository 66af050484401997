r"""Smooth calibration error: a calibration error without bins.

Instead of gathering rows into bins, the residuals *correct − confidence* are smoothed over the confidence axis with a
Gaussian kernel that is reflected at 0 and 1, and the absolute value of the result is integrated:

.. math:: \text{smECE}_\sigma = \int_0^1 \Big| \frac1n \sum_i K_\sigma(t, f_i) (y_i - f_i) \Big| \, dt .

It falls as the kernel gets wider, so there is exactly one width that equals its own error; that is the value returned.

References
----------
Błasiok, Nakkiran, "Smooth ECE: principled reliability diagrams via kernel smoothing", ICLR 2024, arXiv:2309.12236.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from yori.arrays import Confidence, Correct
from yori.metrics.outcomes import check_probability_of_correct

_CELLS = 8192  # a width below about 1/_CELLS cannot be resolved; values that small mean "calibrated"
_TOLERANCE = 1e-10


def smooth_calibration_error(confidence: Confidence, correct: Correct) -> float:
    """Smooth expected calibration error, smECE (lower is better).

    It has no number of bins to choose and moves continuously with the confidences. Noise keeps it above zero, as it does
    the plug-in ECE: about 0.02 for a calibrated model and 1 000 rows.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Probability of being right, in ``[0, 1]``.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Returns
    -------
    float in ``[0, 1]``.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a confidence lies outside ``[0, 1]``.

    Notes
    -----
    O(n + 40 m log m) on a grid of m = 8192 cells. The reflected kernel is applied exactly, as the heat kernel of the
    interval, in the cosine basis; only placing the rows on the grid is approximate (second order in the cell width).

    Examples
    --------
    >>> confidence = np.full(1000, 0.7)
    >>> round(smooth_calibration_error(confidence, np.arange(1000) < 700), 6)
    0.0
    >>> round(smooth_calibration_error(confidence, np.arange(1000) < 500), 6)
    0.2
    """
    scores, right = check_probability_of_correct(confidence, correct, where="smooth_calibration_error")
    spectrum = _residual_spectrum(scores, right)
    low, high = 0.0, 1.0
    while high - low > _TOLERANCE:
        width = (low + high) / 2
        if _error_at(spectrum, width) > width:
            low = width
        else:
            high = width
    return high if low > 0 else 0.0


def _residual_spectrum(
    confidence: Float[np.ndarray, " n"], correct: Bool[np.ndarray, " n"]
) -> Complex[np.ndarray, " m"]:
    """Put the residuals on the grid, continue it evenly beyond 0 and 1, and return its Fourier transform."""
    residual = (correct - confidence) / len(confidence)
    position = np.clip(confidence * _CELLS - 0.5, 0, _CELLS - 1)  # cell centres lie at (j + 1/2) / _CELLS
    cell = np.minimum(position.astype(np.int64), _CELLS - 2)
    right_part = position - cell
    grid = np.bincount(cell, weights=residual * (1 - right_part), minlength=_CELLS)
    grid[1:] += np.bincount(cell, weights=residual * right_part, minlength=_CELLS)[:-1]
    spectrum: Complex[np.ndarray, " m"] = np.fft.rfft(np.concatenate([grid, grid[::-1]]))
    return spectrum


def _error_at(spectrum: Complex[np.ndarray, " m"], width: float) -> float:
    frequency = np.arange(len(spectrum))
    smoothed = np.fft.irfft(spectrum * np.exp(-((np.pi * width * frequency) ** 2) / 2), n=2 * _CELLS)
    return float(np.abs(smoothed[:_CELLS]).sum())
