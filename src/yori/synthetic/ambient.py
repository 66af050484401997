"""The sound of the sea itself: turbulence, distant shipping, wind and thermal noise."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError


def ambient_level(frequency: Float[np.ndarray, " f"], *, wind_speed: float, shipping: float) -> Float[np.ndarray, " f"]:
    """Spectral density level of deep-water ambient noise, in dB re 1 µPa²/Hz (higher is louder).

    Four uncorrelated sources add as powers. Turbulence rules below about 10 Hz, distant shipping from 10 to 200 Hz,
    breaking waves from there to some tens of kHz (falling by about 17 dB per decade), thermal noise above.

    Parameters
    ----------
    frequency
        Shape ``(f,)``, Hz, positive.
    wind_speed
        Wind 10 m above the sea in m/s, at least 0. 3 m/s is about sea state 1, 8 m/s sea state 3 to 4.
    shipping
        Density of distant traffic, from 0 (none) to 1 (heavy).

    Returns
    -------
    Shape ``(f,)``, dB.

    Raises
    ------
    ValuesError
        If a frequency is not positive, the wind negative, or ``shipping`` outside 0 … 1.

    Notes
    -----
    Wenz gave curves; the closed form is the one by Coates (1990) that underwater communication uses.

    References
    ----------
    Wenz, J. Acoust. Soc. Am. 34, 1936, 1962, doi:10.1121/1.1909155.
    Coates, Underwater Acoustic Systems, Macmillan 1990.
    Stojanovic, ACM SIGMOBILE Mobile Comput. Commun. Rev. 11(4), 34, 2007, doi:10.1145/1347364.1347373.

    Examples
    --------
    >>> ambient_level(np.array([100.0, 1000.0, 10000.0]), wind_speed=5.0, shipping=0.5).round(1)
    array([67.8, 61. , 46.1])
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    if not ((frequency > 0).all() and wind_speed >= 0 and 0 <= shipping <= 1):
        raise ValuesError(
            "frequency > 0, wind_speed ≥ 0 and shipping in 0 … 1", "a value outside", where="ambient_level"
        )
    kilohertz = frequency / 1000
    log = np.log10(kilohertz)
    sources = (
        17 - 30 * log,
        40 + 20 * (shipping - 0.5) + 26 * log - 60 * np.log10(kilohertz + 0.03),
        50 + 7.5 * np.sqrt(wind_speed) + 20 * log - 40 * np.log10(kilohertz + 0.4),
        -15 + 20 * log,
    )
    total: Float[np.ndarray, " f"] = 10 * np.log10(sum(10 ** (level / 10) for level in sources))
    return total


def wave_height(wind_speed: float) -> float:
    """Root mean square height in metres of a fully developed sea under a wind in m/s.

    A quarter of the significant height ``0.21 U² / g`` of a Pierson-Moskowitz sea. Higher seas scatter the surface
    reflection, which then interferes less.

    Examples
    --------
    >>> round(wave_height(10.0), 2)
    0.54
    """
    return float(0.25 * 0.21 * wind_speed**2 / 9.81)
