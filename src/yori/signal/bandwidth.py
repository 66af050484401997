"""Up to which frequency a clip holds sound: what a wrong rate, or a rate raised afterwards, gives away."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError

FLOOR_DB = 60.0
"""Bands more than this below the loudest band count as empty ..."""

STEP_DB = 25.0
"""... if they also lie this far below the band under them: a resampler's cut is a cliff, a natural spectrum a slope."""

BANDS = 64
_FRAME = 1024


def bandwidth(samples: Float[np.ndarray, " samples"], rate: float) -> float:
    """Share of the band up to half the rate that holds sound, 0 to 1.

    1 unless the spectrum ends in a cliff: bands that are empty (`FLOOR_DB`) up to the top and begin with a step of `STEP_DB`
    within two bands. A clip that was recorded at 8 kHz and stored at 16 kHz has 0.5.

    Parameters
    ----------
    samples
        ``(samples,)``.
    rate
        Samples in a second; only for the check, the result is a share.

    Raises
    ------
    ShapeError
        If ``samples`` is empty or has several axes.
    ValuesError
        If a sample is not finite, or the rate is not above 0.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=16000)
    >>> spectrum = np.fft.rfft(noise)
    >>> spectrum[4000:] = 0
    >>> bandwidth(noise, 16000), round(bandwidth(np.fft.irfft(spectrum), 16000), 1)
    (1.0, 0.5)
    """
    array = np.asarray(samples)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError("samples (n,), n ≥ 1", f"shape {array.shape}", where="bandwidth")
    if not rate > 0:
        raise ValuesError("a rate > 0", str(rate), where="bandwidth")
    check_finite(array, name="samples", where="bandwidth")
    frames = len(array) // _FRAME
    if frames == 0:
        return 1.0
    # A four-term window: the leakage of a weaker one would fill empty bands beside loud ones.
    turn = 2 * np.pi * np.arange(_FRAME) / _FRAME
    window = 0.35875 - 0.48829 * np.cos(turn) + 0.14128 * np.cos(2 * turn) - 0.01168 * np.cos(3 * turn)
    cut = array[: frames * _FRAME].reshape(frames, _FRAME).astype(np.float64)
    power = (np.abs(np.fft.rfft((cut - cut.mean(axis=1, keepdims=True)) * window, axis=1)) ** 2).mean(axis=0)[1:]
    bands = power.reshape(BANDS, -1).mean(axis=1)
    top = float(bands.max())
    if top <= 0:
        return 1.0
    level = 10 * np.log10(np.maximum(bands / top, 1e-16))
    holds = np.flatnonzero(level > -FLOOR_DB)
    last = int(holds[-1])
    if last >= BANDS - 3:
        return 1.0
    below, above = level[max(0, last - 1) : last + 1].max(), level[min(last + 2, BANDS - 1) :].max()
    return (last + 1) / BANDS if below - above >= STEP_DB else 1.0
