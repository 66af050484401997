"""One ship as a source of sound: broadband noise, cavitation that throbs with the propeller, and families of lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.synthetic.shaped_noise import fast_length, frequencies, shaped_noise
from yori.synthetic.source_level import source_level

OCTAVES_HZ = 16.0 * 2.0 ** np.arange(11)
"""Where the individual deviation of a ship from the spectrum of its type is given: 16 Hz to 16.4 kHz."""


@dataclass(frozen=True)
class Lines:
    """A family of spectral lines at multiples of one rate.

    Parameters
    ----------
    rate_hz
        The first line.
    prominence_db
        How far line ``1, 2, …`` stands above the broadband spectrum in a band of 1 Hz. Minus infinity for no line.
    propulsion
        True if the rate follows the shaft and so wanders with it; False for machinery on a governed generator.
    """

    rate_hz: float
    prominence_db: tuple[float, ...]
    propulsion: bool


@dataclass(frozen=True)
class Vessel:
    """Everything that is heard of a ship.

    Parameters
    ----------
    label
        Class, as in VTUAD.
    ship_type
        Key of `yori.synthetic.source_level.SHIP_TYPES`.
    length_m, speed_knots, source_depth_m
        Length over all, speed through the water, depth of the propeller as a source.
    shaft_hz, blades
        Shaft rate (revolutions per second) and blades of the propeller; their product is the blade rate.
    modulation_depth
        Depth of the envelope of cavitation at shaft orders ``1, 2, …``; the sum stays below 1.
    screw_detuning
        Relative difference of the shaft rates of two screws; 0 for a single screw.
    lines
        Line families: propeller, main engine, generators, gears.
    cavitation_corner_hz
        Half of the broadband power at this frequency is cavitation; more above it, less below.
    deviation_db
        Individual deviation from the spectrum of the type, at `OCTAVES_HZ`.
    steadiness
        Relative standard deviation of the shaft rate over seconds.
    """

    label: str
    ship_type: str
    length_m: float
    speed_knots: float
    source_depth_m: float
    shaft_hz: float
    blades: int
    modulation_depth: tuple[float, ...]
    screw_detuning: float
    lines: tuple[Lines, ...]
    cavitation_corner_hz: float
    deviation_db: tuple[float, ...]
    steadiness: float

    @property
    def blade_hz(self) -> float:
        """Blade rate in Hz."""
        return self.shaft_hz * self.blades

    def level(self, frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
        """Broadband source level without lines, in dB re 1 µPa²/Hz at 1 m."""
        reference = source_level(
            frequency, ship_type=self.ship_type, speed_knots=self.speed_knots, length_m=self.length_m
        )
        deviation: Float[np.ndarray, " f"] = np.interp(np.log(frequency), np.log(OCTAVES_HZ), self.deviation_db)
        return reference + deviation


def harmonic_sum(
    cycles: Float[np.ndarray, " t"], amplitudes: Float[np.ndarray, " orders"], offsets: Float[np.ndarray, " orders"]
) -> Float[np.ndarray, " t"]:
    """Return ``Σ_k amplitudes_k cos(2π k · cycles + offsets_k)`` for ``k = 1, 2, …``.

    Horner's rule in ``exp(2πi cycles)``: one complex multiplication a line and sample, and no trigonometry but the first.

    Examples
    --------
    >>> harmonic_sum(np.array([0.0, 0.5]), np.array([1.0, 0.5]), np.zeros(2)).round(6)
    array([ 1.5, -0.5], dtype=float32)
    """
    # The whole turns go in double precision; single precision is enough (and quick) for the rest.
    angle = (cycles - np.floor(cycles)).astype(np.float32) * np.float32(2 * np.pi)
    turn = np.empty(len(cycles), dtype=np.complex64)
    np.cos(angle, out=turn.real)
    np.sin(angle, out=turn.imag)
    total = np.zeros_like(turn)
    for coefficient in (amplitudes * np.exp(1j * offsets))[::-1]:
        total += np.complex64(coefficient)
        total *= turn
    result: Float[np.ndarray, " t"] = total.real
    return result


def wander(seconds: Float[np.ndarray, " t"], *, steadiness: float, rng: np.random.Generator) -> Float[np.ndarray, " t"]:
    """Time as a shaft counts it: elapsed seconds plus the integral of a slow relative deviation of its rate.

    The deviation has standard deviation ``steadiness`` and changes over about a second.
    """
    start = float(seconds[0])
    knots = start + np.arange(int(seconds[-1] - start) + 2)
    deviation = np.interp(seconds, knots, steadiness * rng.standard_normal(len(knots)))
    step = float(seconds[1] - seconds[0]) if len(seconds) > 1 else 0.0
    shaft: Float[np.ndarray, " t"] = seconds + np.cumsum(deviation) * step
    return shaft


def radiated_sound(
    vessel: Vessel, emitted: Float[np.ndarray, " t"], *, sample_rate: int, rng: np.random.Generator
) -> Float[np.ndarray, " t"]:
    """Sound pressure of a ship in µPa at 1 m, as it leaves the source.

    Parameters
    ----------
    vessel
        The ship.
    emitted
        Shape ``(t,)``: when the sound that a receiver hears at its samples left the ship, in seconds, increasing by about
        ``1 / sample_rate``. Travel time that changes with range shifts all lines and rates (Doppler).
    sample_rate
        Of the receiver, Hz.
    rng
        Randomness of noise, phases and the wander of the shaft.

    Returns
    -------
    Shape ``(t,)``, float32.

    Notes
    -----
    Doppler is applied to lines and modulation; of broadband noise it changes nothing that can be seen.
    Cavitation noise is ``carrier · (1 + Σ depth_k cos k φ)``, with the carrier scaled so that the power is kept.
    """
    samples = len(emitted)
    grid = frequencies(fast_length(samples), sample_rate)
    density = 10 ** (vessel.level(grid) / 10)
    cavitating = grid**2 / (grid**2 + vessel.cavitation_corner_hz**2)

    shaft_clock = wander(emitted, steadiness=vessel.steadiness, rng=rng)
    depth = np.asarray(vessel.modulation_depth)
    screws = (1.0,) if vessel.screw_detuning == 0 else (1.0, 1.0 + vessel.screw_detuning)
    # The envelope is slow: it is worked out at about 1 kHz and interpolated.
    coarse = np.append(np.arange(0, samples, max(1, sample_rate // 1000)), samples - 1)
    slow = np.ones(len(coarse))
    for detuning in screws:
        cycles = vessel.shaft_hz * detuning * shaft_clock[coarse]
        slow += harmonic_sum(cycles, depth / len(screws), rng.uniform(0, 2 * np.pi, len(depth)))
    envelope = np.interp(np.arange(samples), coarse, slow).astype(np.float32)
    power = 1 + (depth**2).sum() / (2 * len(screws))
    sound = shaped_noise(density * cavitating / power, samples=samples, sample_rate=sample_rate, rng=rng)
    sound *= envelope
    sound += shaped_noise(density * (1 - cavitating), samples=samples, sample_rate=sample_rate, rng=rng)

    for family in vessel.lines:
        rates = family.rate_hz * np.arange(1, len(family.prominence_db) + 1)
        level = vessel.level(rates) + np.asarray(family.prominence_db)
        # 2 % of room below the Nyquist frequency, so that Doppler and wander cannot fold a line back.
        amplitudes = np.where(rates < 0.49 * sample_rate, np.sqrt(2) * 10 ** (level / 20), 0.0)
        audible = int(np.flatnonzero(amplitudes)[-1]) + 1 if amplitudes.any() else 0
        if audible:
            clock = shaft_clock if family.propulsion else emitted
            offsets = rng.uniform(0, 2 * np.pi, len(rates))
            sound += harmonic_sum(family.rate_hz * clock, amplitudes[:audible], offsets[:audible])
    return sound
