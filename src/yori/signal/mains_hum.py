"""Hum of the mains: a steady line at 50 or 60 Hz with at least one of its harmonics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError

MAINS_HZ = (50.0, 60.0)

SHORTEST_SECONDS = 0.5
"""Shorter clips cannot tell 50 from 60 Hz, nor a line from a low voice; they have no hum."""

LINE_DB, HARMONIC_DB = 15.0, 8.0
"""How far the line, and one harmonic, must stand above the level around them in each half of the clip. A voice wanders by more
than a line is wide; a steady engine at exactly the mains frequency is indistinguishable from hum."""

SHARE = 1e-4
"""A line with less of the energy of the clip is not reported."""

_AROUND_HZ = 12.0


@dataclass(frozen=True)
class MainsHum:
    """The stronger of the two candidates.

    Parameters
    ----------
    frequency
        50 or 60 Hz; 0 if there is no hum.
    prominence
        How far the line stands above its surroundings, in dB, the smaller of the two halves; 0 if there is no hum.
    share
        Share of the energy of the clip in the line and its first four harmonics, 0 to 1.
    """

    frequency: float
    prominence: float
    share: float

    @property
    def is_present(self) -> bool:
        """Whether there is hum."""
        return self.frequency > 0


def mains_hum(samples: Float[np.ndarray, " samples"], rate: float) -> MainsHum:
    """Look for hum in one clip.

    Each half of the clip is looked at by itself, and the line must stand out in both: what hums, hums all the time.

    Parameters
    ----------
    samples
        ``(samples,)``, full scale 1.
    rate
        Samples in a second.

    Raises
    ------
    ShapeError
        If ``samples`` is empty or has several axes.
    ValuesError
        If a sample is not finite, or the rate is not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> t = np.arange(16000) / 8000
    >>> noise = 0.05 * rng.normal(size=16000)
    >>> hum = 0.02 * np.sin(2 * np.pi * 50 * t) + 0.01 * np.sin(2 * np.pi * 100 * t)
    >>> mains_hum(noise + hum, 8000).frequency, mains_hum(noise, 8000).is_present
    (50.0, False)
    """
    array = np.asarray(samples)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError("samples (n,), n ≥ 1", f"shape {array.shape}", where="mains_hum")
    if not rate > 0:
        raise ValuesError("a rate > 0", str(rate), where="mains_hum")
    check_finite(array, name="samples", where="mains_hum")
    none = MainsHum(0.0, 0.0, 0.0)
    half = len(array) // 2
    if len(array) < SHORTEST_SECONDS * rate or rate < 5 * MAINS_HZ[-1]:
        return none
    spectra = [_power(array[:half], rate), _power(array[half : 2 * half], rate)]
    found = none
    for mains in MAINS_HZ:
        stands = min(_prominence(power, mains, half, rate) for power in spectra)
        second = min(_prominence(power, 2 * mains, half, rate) for power in spectra)
        third = min(_prominence(power, 3 * mains, half, rate) for power in spectra)
        share = float(np.mean([_share(power, mains, half, rate) for power in spectra]))
        enough = stands >= LINE_DB and max(second, third) >= HARMONIC_DB and share >= SHARE
        if enough and stands > found.prominence:
            found = MainsHum(mains, stands, share)
    return found


def _power(samples: Float[np.ndarray, " samples"], rate: float) -> Float[np.ndarray, " bins"]:
    centred = samples - samples.mean(dtype=np.float64)
    return np.abs(np.fft.rfft(centred * np.hanning(len(centred)))) ** 2


def _bins(length: int, rate: float, low: float, high: float) -> slice:
    return slice(max(1, int(np.ceil(low * length / rate))), int(np.floor(high * length / rate)) + 1)


def _prominence(power: Float[np.ndarray, " bins"], frequency: float, length: int, rate: float) -> float:
    """Decibels by which the line stands above the strongest of its surroundings, where a line would be too narrow to be."""
    # A Hann window makes a line four bins wide; mains wander by 0.2 Hz.
    width = max(2.0 * rate / length, 0.3)
    line = power[_bins(length, rate, frequency - width, frequency + width)]
    around = np.concatenate(
        [
            power[_bins(length, rate, frequency - width - _AROUND_HZ, frequency - 1.5 * width)],
            power[_bins(length, rate, frequency + 1.5 * width, frequency + width + _AROUND_HZ)],
        ]
    )
    if len(line) == 0 or len(around) == 0 or line.max() <= 0:
        return 0.0
    return float(10 * np.log10(line.max() / max(float(np.mean(around)), 1e-12 * float(line.max()))))


def _share(power: Float[np.ndarray, " bins"], mains: float, length: int, rate: float) -> float:
    width = max(2.0 * rate / length, 0.3)
    lines = sum(float(power[_bins(length, rate, k * mains - width, k * mains + width)].sum()) for k in range(1, 6))
    total = float(power[1:].sum())
    return min(1.0, lines / total) if total > 0 else 0.0
