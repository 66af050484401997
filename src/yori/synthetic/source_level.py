"""How loud a ship is at each frequency: the JOMOPANS-ECHO reference spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError

REFERENCE_LENGTH_M = 91.44
"""300 ft, the length at which the reference spectrum needs no length correction."""

LOW_FREQUENCY_LIMIT_HZ = 100.0
"""Below this frequency merchant ships follow the second, humped spectrum."""


@dataclass(frozen=True)
class ReferenceSpectrum:
    """The two numbers in which one ship type differs from another in the JOMOPANS-ECHO model.

    Parameters
    ----------
    speed_knots
        Reference speed of the type.
    damping
        ``D``: how flat the top of the spectrum is.
    low_frequency_damping
        ``D`` of the hump below 100 Hz that direct-drive merchant ships have; None for other types.
    """

    speed_knots: float
    damping: float = 3.0
    low_frequency_damping: float | None = None


SHIP_TYPES: dict[str, ReferenceSpectrum] = {
    "bulker": ReferenceSpectrum(13.9, low_frequency_damping=0.8),
    "containership": ReferenceSpectrum(18.0, low_frequency_damping=0.8),
    "vehicle carrier": ReferenceSpectrum(15.8, low_frequency_damping=1.0),
    "tanker": ReferenceSpectrum(12.4, low_frequency_damping=1.0),
    "cruise": ReferenceSpectrum(17.1, damping=4.0),
    "passenger": ReferenceSpectrum(9.7),
    "tug": ReferenceSpectrum(3.7),
}


def source_level(
    frequency: Float[np.ndarray, " f"], *, ship_type: str, speed_knots: float, length_m: float
) -> Float[np.ndarray, " f"]:
    """Spectral density level of a ship's source, in dB re 1 µPa²/Hz at 1 m (higher is louder).

    The level of an equivalent monopole 6 m below the surface: the surface reflection is not in it and belongs to the
    propagation. It grows with the sixth power of speed and the square of length. Measured ships scatter around it
    with a standard deviation of about 6 dB.

    Parameters
    ----------
    frequency
        Shape ``(f,)``, Hz, positive. The model is fitted from 20 Hz to 20 kHz; outside it is an extrapolation.
    ship_type
        A key of `SHIP_TYPES`.
    speed_knots, length_m
        Speed through the water and length over all, positive.

    Returns
    -------
    Shape ``(f,)``, dB.

    Raises
    ------
    ValuesError
        If the type is unknown, or a frequency, the speed or the length is not positive.

    References
    ----------
    MacGillivray & de Jong, J. Mar. Sci. Eng. 9(4), 369, 2021, doi:10.3390/jmse9040369.
    Ross, Mechanics of Underwater Noise, Pergamon 1976 (the power laws of speed and length).

    Examples
    --------
    >>> source_level(np.array([63.0, 1000.0]), ship_type="tanker", speed_knots=12.4, length_m=180.0).round(1)
    array([162.8, 137.2])
    """
    reference = SHIP_TYPES.get(ship_type)
    if reference is None:
        raise ValuesError(f"a ship type of {', '.join(SHIP_TYPES)}", repr(ship_type), where="source_level")
    frequency = np.asarray(frequency, dtype=np.float64)
    if not ((frequency > 0).all() and speed_knots > 0 and length_m > 0):
        raise ValuesError("frequency, speed_knots and length_m above 0", "a value ≤ 0", where="source_level")
    peak = 480.0 / reference.speed_knots
    level = 191.0 - 20 * np.log10(peak) - 10 * np.log10((1 - frequency / peak) ** 2 + reference.damping**2)
    if reference.low_frequency_damping is not None:
        peak = 600.0 / reference.speed_knots
        hump = (
            208.0
            - 40 * np.log10(peak)
            + 10 * np.log10(frequency)
            - 10 * np.log10((1 - (frequency / peak) ** 2) ** 2 + reference.low_frequency_damping**2)
        )
        level = np.where(frequency < LOW_FREQUENCY_LIMIT_HZ, hump, level)
    speed_and_length = 60 * np.log10(speed_knots / reference.speed_knots) + 20 * np.log10(length_m / REFERENCE_LENGTH_M)
    total: Float[np.ndarray, " f"] = level + speed_and_length
    return total
