"""A short fingerprint of how a clip's spectrum moves, by which copies are found among many thousand clips.

Two copies of a clip stay alike after a change of gain, another codec or sample rate, a little added noise, or a cut that
is some milliseconds off. Two different seconds of the same stationary noise do not: what they share, their mean spectrum
and level, is taken out, and what is left is chance.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError

BANDS = 24
"""Mel bands between `LOWEST_HZ` and `HIGHEST_HZ`."""

FRAMES = 32
"""Stretches of time, the same number for every clip."""

DIMENSIONS = BANDS * FRAMES

LOWEST_HZ, HIGHEST_HZ = 60.0, 3800.0
"""The band every rate from 8 kHz on can carry, so that rates can be compared. It is enough to tell clips apart."""

STRETCH_SECONDS = 0.08
"""Shortest stretch of time averaged over, overlapping in short clips: it makes a shift of 10 ms harmless. In clips under
twice as long it is half of the clip."""

FLOOR_OF_CLIP, FLOOR_OF_BAND = 0.01, 0.1
"""Energies below 1 % of the mean of the clip (−20 dB) or 10 % of the mean of the band do not count: noise lives there."""

LEAST_MOVEMENT_DB = 0.02
"""A clip whose spectrum moves less has no fingerprint; what is left of it would be rounding errors."""

_WINDOW_SECONDS = 0.032
_SHORTEST_HOP, _LONGEST_HOP = 0.005, 0.008
"""A quarter of the window at most: squared Hann windows then add up to a constant, and a shift weighs no moment anew."""
_HOPS_PER_STRETCH = 16
_BLOCK = 1024


def fingerprint(samples: Float[np.ndarray, "samples *channels"], rate: float) -> Float32[np.ndarray, "d"]:
    """Fingerprint of one clip; compare two by their inner product (1 = the same, about 0 = unrelated).

    Mel-band energies (`BANDS` bands, `FRAMES` stretches of time whatever the length of the clip) in decibels, above a
    floor, with the mean of each band and of each stretch removed, scaled to norm 1. Compare only clips of nearly the
    same length. A similar sound is alike too (the same word said twice by one speaker reaches 0.9), so a high inner
    product is a candidate, and the waveforms decide: `yori.signal.near_duplicates.aligned_correlation`.

    Parameters
    ----------
    samples
        ``(samples,)`` or ``(samples, channels)``; channels are averaged.
    rate
        Samples in a second.

    Returns
    -------
    ``(DIMENSIONS,)`` float32 of norm 1, or all zeros if the spectrum does not move: silence, a steady tone.

    Raises
    ------
    ShapeError
        If there are no samples, or more than two axes.
    ValuesError
        If a sample is not finite, or the rate is not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hiss = rng.normal(0, 0.1, 16_000)
    >>> copy, other = 0.3 * hiss, rng.normal(0, 0.1, 16_000)
    >>> round(float(fingerprint(hiss, 8000) @ fingerprint(copy, 8000)), 3)
    1.0
    >>> bool(abs(fingerprint(hiss, 8000) @ fingerprint(other, 8000)) < 0.3)
    True
    """
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ShapeError("samples (n,) or (n, channels), n ≥ 1", f"shape {array.shape}", where="fingerprint")
    if not rate > 0:
        raise ValuesError("a rate > 0", str(rate), where="fingerprint")
    check_finite(array, name="samples", where="fingerprint")
    mono = array.reshape(len(array), -1).mean(axis=1, dtype=np.float64)
    energy = _stretches(mono - mono.mean(), float(rate))
    total = energy.mean()
    if total <= 0:
        return np.zeros(DIMENSIONS, dtype=np.float32)
    # Relative to the mean, so that gain drops out before the floor is applied.
    energy = energy / total
    loudness = 10 * np.log10(energy + FLOOR_OF_CLIP + FLOOR_OF_BAND * energy.mean(axis=0))
    moved = loudness - loudness.mean(axis=0) - loudness.mean(axis=1, keepdims=True) + loudness.mean()
    norm = float(np.linalg.norm(moved))
    if norm < LEAST_MOVEMENT_DB * np.sqrt(DIMENSIONS):
        return np.zeros(DIMENSIONS, dtype=np.float32)
    unit: Float32[np.ndarray, "d"] = (moved / norm).astype(np.float32).ravel()
    return unit


def _stretches(mono: Float[np.ndarray, " samples"], rate: float) -> Float[np.ndarray, "frames bands"]:
    """Mean energy of each band in each stretch of time."""
    seconds = len(mono) / rate
    hop_seconds = min(max(_SHORTEST_HOP, seconds / (FRAMES * _HOPS_PER_STRETCH)), _LONGEST_HOP)
    hop = max(1, round(hop_seconds * rate))
    energy = _band_energies(mono, rate, hop)
    edges = (np.arange(len(energy) + 1) - 0.5) * hop / rate
    summed = np.concatenate([np.zeros((1, BANDS)), np.cumsum(energy, axis=0)])
    centre = (np.arange(FRAMES) + 0.5) * seconds / FRAMES
    half = max(seconds / FRAMES, min(STRETCH_SECONDS, seconds / 2)) / 2
    first, last = np.clip(centre - half, edges[0], edges[-1]), np.clip(centre + half, edges[0], edges[-1])
    # A stretch begins and ends between hops: interpolating the running sum makes a small shift a small change.
    difference = _interpolate(last, edges, summed) - _interpolate(first, edges, summed)
    return np.maximum(difference, 0.0) / (last - first)[:, None]


def _interpolate(
    at: Float[np.ndarray, " k"], edges: Float[np.ndarray, " n"], summed: Float[np.ndarray, "n bands"]
) -> Float[np.ndarray, "k bands"]:
    left = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    share = ((at - edges[left]) / (edges[left + 1] - edges[left]))[:, None]
    between: Float[np.ndarray, "k bands"] = summed[left] * (1 - share) + summed[left + 1] * share
    return between


def _band_energies(mono: Float[np.ndarray, " samples"], rate: float, hop: int) -> Float[np.ndarray, "hops bands"]:
    """Energy of each mel band in windows centred on every hop."""
    window, filters = _window_and_filters(rate)
    half = len(window) // 2
    padded = np.concatenate([np.zeros(half), mono, np.zeros(half)]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(window))[::hop]
    energy = np.empty((len(frames), BANDS))
    for start in range(0, len(frames), _BLOCK):  # in blocks: an hour of frames does not fit into memory
        spectrum = np.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        energy[start : start + _BLOCK] = (spectrum.real**2 + spectrum.imag**2) @ filters
    return energy


@lru_cache(maxsize=16)
def _window_and_filters(rate: float) -> tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, "bins bands"]]:
    """Hann window of a power of two samples, and triangular mel filters (O'Shaughnessy's 2595 log10(1 + f / 700))."""
    n = max(16, 2 ** int(np.ceil(np.log2(_WINDOW_SECONDS * rate))))
    ends = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    corners = 700 * (10 ** (np.linspace(ends[0], ends[1], BANDS + 2) / 2595) - 1)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    bins = np.fft.rfftfreq(n, 1 / rate)[:, None]
    filters = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    return np.hanning(n).astype(np.float32), filters.astype(np.float32)
