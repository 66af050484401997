"""Gaussian noise of a given spectrum, and filters given by their power at each frequency."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def fast_length(samples: int) -> int:
    """The smallest length of at least ``samples`` whose Fourier transform is quick and whose half is whole.

    Examples
    --------
    >>> fast_length(16001)
    16200
    """
    candidates = []
    for odd in (3**b * 5**c for b in range(6) for c in range(6)):
        length = 2 * odd
        while length < samples:
            length *= 2
        candidates.append(length)
    return min(candidates)


def frequencies(samples: int, sample_rate: int) -> Float[np.ndarray, " f"]:
    """Frequencies in Hz of a real Fourier transform, the zero moved to 1 Hz so that logarithms stay finite."""
    grid: Float[np.ndarray, " f"] = np.fft.rfftfreq(samples, 1 / sample_rate)
    grid[0] = min(1.0, grid[1])
    return grid


def shaped_noise(
    density: Float[np.ndarray, " f"], *, samples: int, sample_rate: int, rng: np.random.Generator
) -> Float[np.ndarray, " samples"]:
    """Gaussian noise whose one-sided power spectral density is ``density``.

    The noise is drawn in the frequency domain, so it costs one inverse transform. Its mean is zero.

    Parameters
    ----------
    density
        Shape ``(f,)`` on `frequencies` of a transform of ``2 (f − 1)`` samples; unit² / Hz, not negative.
    samples
        How many of the ``2 (f − 1)`` samples to return; at most all.
    sample_rate
        Hz.
    rng
        Randomness.

    Returns
    -------
    Shape ``(samples,)``, float32.

    Examples
    --------
    Density 1 per Hz up to 8 kHz has a variance of 8000:

    >>> noise = shaped_noise(np.ones(8001), samples=16000, sample_rate=16000, rng=np.random.default_rng(0))
    >>> bool(abs(noise.var() / 8000 - 1) < 0.05)
    True
    """
    length = 2 * (len(density) - 1)
    white = rng.standard_normal((len(density), 2), dtype=np.float32).view(np.complex64)[:, 0]
    white *= np.sqrt(np.asarray(density) * (sample_rate * length / 4)).astype(np.float32)
    white[0] = white[-1] = 0
    noise: Float[np.ndarray, " samples"] = np.fft.irfft(white, length)[:samples].astype(np.float32, copy=False)
    return noise


def filter_frames(
    signal: Float[np.ndarray, " samples"], powers: Float[np.ndarray, "frames f"], *, hop: int
) -> Float[np.ndarray, " samples"]:
    """Pass a signal through a filter that changes slowly, by overlap-add of windowed frames.

    Frame ``k`` is centred on sample ``k · hop`` and is ``2 hop`` long; Hann windows that overlap by half add up to one, so
    equal filters act as one filter. The filters have no delay: only the power per frequency is changed.

    Parameters
    ----------
    signal
        Shape ``(samples,)``.
    powers
        Shape ``(frames, f)``: factors of power, on the frequencies of a transform of ``2 (f − 1) ≥ 2 hop`` samples; the
        more, the less the response wraps around. The frames must cover the signal: ``frames ≥ samples / hop + 1``.
    hop
        Samples from one frame to the next.

    Returns
    -------
    Shape ``(samples,)``, float32.

    Examples
    --------
    >>> ones = np.ones(1000, dtype=np.float32)
    >>> bool(np.allclose(filter_frames(ones, np.full((5, 513), 4.0), hop=256), 2))
    True
    """
    length = 2 * (powers.shape[1] - 1)
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    margin = length // 2
    padded = np.zeros(2 * margin + hop * len(powers) + len(signal), dtype=np.float32)
    padded[margin : margin + len(signal)] = signal
    output = np.zeros_like(padded)
    room = (length - 2 * hop) // 2
    frame = np.zeros(length, dtype=np.float32)
    for k, power in enumerate(powers):
        start = margin + (k - 1) * hop
        frame[room : room + 2 * hop] = window * padded[start : start + 2 * hop]
        spectrum = np.fft.rfft(frame)
        spectrum *= np.sqrt(power).astype(np.float32)
        output[start - room : start - room + length] += np.fft.irfft(spectrum, length)
    filtered: Float[np.ndarray, " samples"] = output[margin : margin + len(signal)]
    return filtered
