"""Log-mel spectrogram: the front end of every audio backbone that needs no download.

Constants, for any sample rate: Hann windows of 25 ms every 10 ms (as AST, PaSST and most audio taggers use), FFT of the next
power of two above twice the window, 64 triangular bands equally spaced on the mel scale ``2595 log₁₀(1 + f / 700)`` from
50 Hz to half the sample rate, natural logarithm of power. Values more than 80 dB under the clip's loudest are raised to
that floor, so that digital silence and a quiet room look alike.

References
----------
Stevens, Volkmann, Newman, JASA 8, 1937 (mel). Davis & Mermelstein, IEEE ASSP 28, 1980 (triangular bands).
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32

from yori.errors import ShapeError

WINDOW_SECONDS = 0.025
HOP_SECONDS = 0.010
BANDS = 64
LOWEST_HZ = 50.0
RANGE_DB = 80.0
FLOOR = 1e-10
"""Power added before the logarithm; full scale is about 1."""


def mel_of_hertz(hertz: float) -> float:
    """Mel value of a frequency.

    Examples
    --------
    >>> round(mel_of_hertz(1000.0))
    1000
    """
    return 2595 * math.log10(1 + hertz / 700)


@lru_cache(maxsize=16)
def _filters(sample_rate: int, size: int) -> Float32[np.ndarray, "bins bands"]:
    """Triangular bands, each of unit area in FFT bins so that white noise is flat."""
    mel = np.linspace(mel_of_hertz(LOWEST_HZ), mel_of_hertz(sample_rate / 2), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequency = np.arange(size // 2 + 1) * sample_rate / size
    rising = (frequency[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequency[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    # Low bands can be narrower than a bin: give them the nearest bin rather than nothing.
    for band in np.flatnonzero(triangles.sum(axis=1) == 0):
        triangles[band, int(np.abs(frequency - edges[band + 1]).argmin())] = 1
    return np.ascontiguousarray((triangles / triangles.sum(axis=1, keepdims=True)).T, dtype=np.float32)


def log_mel(samples: Float[np.ndarray, " samples"], sample_rate: int) -> Float32[np.ndarray, "frames bands"]:
    """Log-mel spectrogram of a clip.

    Parameters
    ----------
    samples
        Mono samples in [−1, 1].
    sample_rate
        Hz.

    Returns
    -------
    ``(frames, 64)`` float32, natural logarithm of power; at least one frame (a shorter clip is padded with zeros).

    Raises
    ------
    ShapeError
        If there are no samples.

    Examples
    --------
    >>> log_mel(np.sin(np.arange(16_000) / 8), 16_000).shape
    (98, 64)
    """
    from scipy.fft import rfft

    if samples.ndim != 1 or len(samples) == 0:
        raise ShapeError("mono samples of shape (samples,)", f"shape {samples.shape}", where="log_mel")
    window = max(2, round(WINDOW_SECONDS * sample_rate))
    hop = max(1, round(HOP_SECONDS * sample_rate))
    size = 1 << math.ceil(math.log2(2 * window))
    signal = samples.astype(np.float32, copy=False)
    if len(signal) < window:
        signal = np.concatenate([signal, np.zeros(window - len(signal), dtype=np.float32)])
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(signal, window)[::hop] * hann
    spectrum = rfft(frames, size, axis=1)
    # Divided by the window's energy, so that the level does not depend on the sample rate.
    power = (spectrum.real**2 + spectrum.imag**2) / np.float32((hann * hann).sum())
    bands: Float32[np.ndarray, "frames bands"] = np.log(power @ _filters(sample_rate, size) + np.float32(FLOOR))
    np.maximum(bands, bands.max() - np.float32(RANGE_DB / 10 * math.log(10)), out=bands)
    return bands


def log_mel_flops(seconds: float, sample_rate: int) -> int:
    """Closed formula for `log_mel` of one clip: window, FFT (``2.5 N log₂ N`` for a real one), power, filters, logarithm.

    Examples
    --------
    >>> log_mel_flops(1.0, 16_000)
    9202984
    """
    window = max(2, round(WINDOW_SECONDS * sample_rate))
    size = 1 << math.ceil(math.log2(2 * window))
    bins = size // 2 + 1
    each = window + round(2.5 * size * math.log2(size)) + 4 * bins + 2 * bins * BANDS + 3 * BANDS
    return frames_of(seconds, sample_rate) * each


def frames_of(seconds: float, sample_rate: int) -> int:
    """Frames of a clip of this length."""
    window, hop = max(2, round(WINDOW_SECONDS * sample_rate)), max(1, round(HOP_SECONDS * sample_rate))
    return 1 + max(0, round(seconds * sample_rate) - window) // hop


def statistics_of(frames: Float[np.ndarray, "frames bands"]) -> Float32[np.ndarray, " features"]:
    """Cheap fixed-size summary of a spectrogram, ``(13 · bands,)``.

    Over the whole clip: mean, standard deviation, 10th / 50th / 90th percentile and maximum of each band, and the mean and
    standard deviation of its change from frame to frame; over each fifth of the clip: the mean.
    """
    change = np.diff(frames, axis=0) if len(frames) > 1 else np.zeros_like(frames[:1])
    edges = np.linspace(0, len(frames), 6).round().astype(np.int64)
    fifths = [frames[min(a, len(frames) - 1) : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)]
    parts = [
        frames.mean(axis=0),
        frames.std(axis=0),
        *np.percentile(frames, [10, 50, 90], axis=0),
        frames.max(axis=0),
        np.abs(change).mean(axis=0),
        change.std(axis=0),
        *fifths,
    ]
    return np.concatenate(parts).astype(np.float32)
