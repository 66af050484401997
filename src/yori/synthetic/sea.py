"""The water of one passage: weather, traffic, how far sound carries; and the instrument that listens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.synthetic.ambient import ambient_level, wave_height
from yori.synthetic.propagation import absorption
from yori.synthetic.vessel import OCTAVES_HZ


@dataclass(frozen=True)
class Sea:
    """Conditions that stay the same during one passage.

    Parameters
    ----------
    wind_speed
        m/s.
    shipping
        Density of distant traffic, 0 … 1.
    transition_m
        Range at which spreading turns from spherical to cylindrical.
    bounces_per_km
        How often sound trapped between surface and bottom meets the bottom.
    temperature
        °C.
    ambient_deviation_db
        Deviation of the ambient spectrum from the standard curve, at `yori.synthetic.vessel.OCTAVES_HZ`.
    """

    wind_speed: float
    shipping: float
    transition_m: float
    bounces_per_km: float
    temperature: float
    ambient_deviation_db: tuple[float, ...]

    @property
    def wave_height_m(self) -> float:
        """Root mean square height of the waves."""
        return wave_height(self.wind_speed)

    def noise_level(self, frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
        """Ambient noise in dB re 1 µPa²/Hz."""
        standard = ambient_level(frequency, wind_speed=self.wind_speed, shipping=self.shipping)
        deviation: Float[np.ndarray, " f"] = np.interp(np.log(frequency), np.log(OCTAVES_HZ), self.ambient_deviation_db)
        return standard + deviation

    def absorption(self, frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
        """Absorption in dB/km."""
        return absorption(frequency, temperature=self.temperature)


def draw_sea(rng: np.random.Generator) -> Sea:
    """Draw the conditions of a passage: wind Weibull(2) of mean 4.5 m/s, light to moderate distant traffic.

    Examples
    --------
    >>> sea = draw_sea(np.random.default_rng(0))
    >>> 0 <= sea.wind_speed < 20, 0.2 <= sea.shipping <= 0.7
    (True, True)
    """
    deviation = np.empty(len(OCTAVES_HZ))
    deviation[0] = rng.standard_normal()
    for octave in range(1, len(deviation)):
        deviation[octave] = 0.6 * deviation[octave - 1] + 0.8 * rng.standard_normal()
    return Sea(
        wind_speed=float(min(5.1 * rng.weibull(2.0), 16.0)),
        shipping=float(rng.uniform(0.2, 0.7)),
        transition_m=float(np.exp(rng.normal(np.log(1500), 0.3))),
        bounces_per_km=float(rng.uniform(0.7, 1.5)),
        temperature=float(rng.uniform(7, 12)),
        ambient_deviation_db=tuple((1.5 * deviation).tolist()),
    )


@dataclass(frozen=True)
class Hydrophone:
    """A bottom-mounted hydrophone and its recorder.

    Parameters
    ----------
    sample_rate
        Hz.
    depth_m
        Depth of the hydrophone.
    full_scale_db
        Peak pressure, in dB re 1 µPa, that is recorded as 1.0.
    bits
        Of the converter; louder than full scale clips.
    self_noise_db
        Electronic noise at 1 kHz and above, in dB re 1 µPa²/Hz; rises by 10 dB per decade below.
    low_cut_hz
        Corner of the second-order high-pass.

    Examples
    --------
    >>> Hydrophone(sample_rate=16000).record(np.array([1e8, 1e30], dtype=np.float32))
    array([0.5623..., 0.9999...], dtype=float32)
    """

    sample_rate: int
    depth_m: float = 144.0
    full_scale_db: float = 165.0
    bits: int = 16
    self_noise_db: float = 28.0
    low_cut_hz: float = 10.0

    def noise_level(self, frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
        """Self noise in dB re 1 µPa²/Hz."""
        level: Float[np.ndarray, " f"] = self.self_noise_db + 10 * np.log10(np.maximum(1000 / frequency, 1.0))
        return level

    def response(self, frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
        """Factor of power: high-pass, and the anti-alias filter before the converter."""
        high_pass = 1 / (1 + (self.low_cut_hz / frequency) ** 4)
        anti_alias = 1 / (1 + (frequency / (0.45 * self.sample_rate)) ** 24)
        factor: Float[np.ndarray, " f"] = high_pass * anti_alias
        return factor

    def record(self, pressure: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        """Pressure in µPa to samples in [-1, 1): scaled, rounded to the bits of the converter, clipped."""
        steps = 2.0 ** (self.bits - 1)
        scaled = np.round(np.asarray(pressure, dtype=np.float64) * (steps / 10 ** (self.full_scale_db / 20)))
        samples: Float[np.ndarray, " t"] = (np.clip(scaled, -steps, steps - 1) / steps).astype(np.float32)
        return samples
