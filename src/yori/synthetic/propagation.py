"""What the water does to a sound between a ship and a hydrophone.

The received power of a source of unit power is

    10^(−(spreading + absorption · range) / 10) · surface

where *surface* is the effect of the reflection at the surface (a phase-reversing mirror). In the part of the energy
that travels straight it interferes as a Lloyd mirror; in the part trapped between surface and bottom, the angles are
many and only its mean over them is left.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError

SOUND_SPEED = 1485.0
"""m/s; sea water of about 9 °C and 30 ‰ at 100 m."""


def spreading_loss(range_m: float, *, transition_m: float) -> float:
    """Loss by geometric spreading in dB re 1 m (higher is fainter).

    Spherical, ``20 log r``, up to the transition range; beyond it the water column is filled and spreading is
    cylindrical, ``10 log r``. Both agree at the transition.

    Raises
    ------
    ValuesError
        If the range is below 1 m or the transition range not positive.

    References
    ----------
    Urick, Principles of Underwater Sound, 3rd ed., McGraw-Hill 1983, chapter 5.

    Examples
    --------
    >>> spreading_loss(100.0, transition_m=1000.0), spreading_loss(10000.0, transition_m=1000.0)
    (40.0, 70.0)
    """
    if range_m < 1 or transition_m <= 0:
        raise ValuesError("range_m ≥ 1 and transition_m > 0", f"{range_m} and {transition_m}", where="spreading_loss")
    spherical = 20 * np.log10(min(range_m, transition_m))
    return float(spherical + 10 * np.log10(max(range_m / transition_m, 1.0)))


def absorption(
    frequency: Float[np.ndarray, " f"],
    *,
    temperature: float = 9.0,
    salinity: float = 30.0,
    depth_m: float = 75.0,
    ph: float = 7.8,
) -> Float[np.ndarray, " f"]:
    """Absorption of sound by sea water in dB/km (higher is fainter), after Francois and Garrison.

    Boric acid absorbs below about 1 kHz, magnesium sulphate up to about 100 kHz, water itself above.

    Parameters
    ----------
    frequency
        Shape ``(f,)``, Hz.
    temperature, salinity, depth_m, ph
        °C, ‰, m, pH. The defaults are those of a cold coastal strait.

    Returns
    -------
    Shape ``(f,)``, dB/km.

    References
    ----------
    Francois & Garrison, J. Acoust. Soc. Am. 72, 896 and 1879, 1982, doi:10.1121/1.388170 and 10.1121/1.388673.

    Examples
    --------
    >>> absorption(np.array([1000.0, 10000.0]), temperature=10.0, salinity=35.0, depth_m=0.0, ph=8.0).round(3)
    array([0.06 , 0.963])
    """
    squared = (np.asarray(frequency, dtype=np.float64) / 1000) ** 2
    kelvin = 273 + temperature
    sound_speed = 1412 + 3.21 * temperature + 1.19 * salinity + 0.0167 * depth_m
    boric_relaxation = 2.8 * np.sqrt(salinity / 35) * 10 ** (4 - 1245 / kelvin)
    boric = 8.86 / sound_speed * 10 ** (0.78 * ph - 5)
    magnesium_relaxation = 8.17 * 10 ** (8 - 1990 / kelvin) / (1 + 0.0018 * (salinity - 35))
    magnesium = 21.44 * salinity / sound_speed * (1 + 0.025 * temperature)
    magnesium *= 1 - 1.37e-4 * depth_m + 6.2e-9 * depth_m**2
    polynomial = (
        (4.937e-4, -2.59e-5, 9.11e-7, -1.5e-8) if temperature <= 20 else (3.964e-4, -1.146e-5, 1.45e-7, -6.5e-10)
    )
    water = sum(c * temperature**power for power, c in enumerate(polynomial))
    water *= 1 - 3.83e-5 * depth_m + 4.9e-10 * depth_m**2
    total: Float[np.ndarray, " f"] = (
        boric * boric_relaxation * squared / (boric_relaxation**2 + squared)
        + magnesium * magnesium_relaxation * squared / (magnesium_relaxation**2 + squared)
        + water * squared
    )
    return total


def lloyd_mirror(
    frequency: Float[np.ndarray, " f"],
    *,
    horizontal_m: float,
    source_depth_m: float,
    receiver_depth_m: float,
    wave_height_m: float = 0.0,
    source_extent_m: float = 0.0,
) -> Float[np.ndarray, " f"]:
    """Power of direct and surface-reflected sound together, relative to the direct sound alone (0 … 4).

    The mirror image of the source is in antiphase, so the sum vanishes where the path difference is a whole number of
    wavelengths and quadruples at the odd halves. Waves and the size of the source blur the interference towards the
    plain sum of powers, which is why it is seen at low frequencies only.

    Parameters
    ----------
    frequency
        Shape ``(f,)``, Hz.
    horizontal_m, source_depth_m, receiver_depth_m
        Geometry in metres.
    wave_height_m
        Root mean square height of the waves: coherence ``exp(−2 (k h sin θ)²)`` (Rayleigh). What is scattered is not
        lost, it arrives incoherently.
    source_extent_m
        Standard deviation of the depth over which the source is spread.

    Returns
    -------
    Shape ``(f,)``, a factor of power.

    References
    ----------
    Urick, Principles of Underwater Sound, 3rd ed., McGraw-Hill 1983, chapter 5.

    Examples
    --------
    The first null lies at the frequency whose wavelength is the path difference:

    >>> geometry = dict(horizontal_m=1000.0, source_depth_m=6.0, receiver_depth_m=150.0)
    >>> lloyd_mirror(np.array([419.0, 838.0]), **geometry).round(2)
    array([3.99, 0.  ])
    """
    wavenumber = 2 * np.pi * np.asarray(frequency, dtype=np.float64) / SOUND_SPEED
    direct = np.hypot(horizontal_m, receiver_depth_m - source_depth_m)
    reflected = np.hypot(horizontal_m, receiver_depth_m + source_depth_m)
    grazing = (receiver_depth_m + source_depth_m) / reflected
    coherence = np.exp(-2 * (wavenumber * grazing) ** 2 * (wave_height_m**2 + source_extent_m**2))
    ratio = direct / reflected
    interference = coherence * np.cos(wavenumber * (reflected - direct))
    factor: Float[np.ndarray, " f"] = 1 + ratio**2 - 2 * ratio * interference
    return factor


def trapped_surface_factor(
    frequency: Float[np.ndarray, " f"], *, source_depth_m: float, critical_angle: float = 0.4
) -> Float[np.ndarray, " f"]:
    """Mean of the surface effect ``4 sin²(k d sin θ)`` over the angles that the bottom reflects (0 … about 2.4).

    A shallow source is a dipole with its surface image and puts little low-frequency sound into the water. The mean is
    uniform in ``sin θ`` from 0 to ``critical_angle`` (radians), which gives ``2 (1 − sin x / x)`` with
    ``x = 2 k d sin θ_critical``.

    Examples
    --------
    >>> trapped_surface_factor(np.array([20.0, 2000.0]), source_depth_m=6.0).round(2)
    array([0.05, 1.95])
    """
    phase = 4 * np.pi * np.asarray(frequency, dtype=np.float64) / SOUND_SPEED * source_depth_m * np.sin(critical_angle)
    factor: Float[np.ndarray, " f"] = 2 * (1 - np.sinc(phase / np.pi))
    return factor


def boundary_loss(frequency: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    """Loss of trapped sound at one bounce off the bottom and the surface, in dB (higher is fainter).

    A smooth ``1 + 1.3 log10(1 + f / 100 Hz)``: 1.4 dB at 100 Hz, 3.6 dB at 10 kHz, the order of the measured losses over
    sand in a low sea.

    References
    ----------
    Marsh & Schulkin, J. Acoust. Soc. Am. 34, 863, 1962 (tables in Urick 1983, chapter 6).

    Examples
    --------
    >>> boundary_loss(np.array([100.0, 10000.0])).round(1)
    array([1.4, 3.6])
    """
    loss: Float[np.ndarray, " f"] = 1 + 1.3 * np.log10(1 + np.asarray(frequency, dtype=np.float64) / 100)
    return loss


def received_power(
    frequency: Float[np.ndarray, " f"],
    absorption_db_per_km: Float[np.ndarray, " f"],
    *,
    horizontal_m: float,
    source_depth_m: float,
    receiver_depth_m: float,
    transition_m: float,
    bounces_per_km: float = 0.0,
    wave_height_m: float = 0.0,
    source_extent_m: float = 0.0,
) -> Float[np.ndarray, " f"]:
    """Received power of a source that has unit power at 1 m, per frequency; see the top of this file.

    Within the transition range all energy travels straight. Beyond it, the straight part is what spherical spreading
    leaves of the total, ``transition / range``, and the rest is trapped.

    Parameters
    ----------
    frequency, absorption_db_per_km
        Shape ``(f,)``: Hz, and `absorption` at these frequencies (handed over because it does not change with range).
    horizontal_m, source_depth_m, receiver_depth_m, wave_height_m, source_extent_m
        As in `lloyd_mirror`.
    transition_m
        As in `spreading_loss`.
    bounces_per_km
        How often trapped sound meets the bottom; each time costs `boundary_loss`. A ray of grazing angle θ in water of depth
        H bounces ``tan θ / 2H`` times a metre.

    Returns
    -------
    Shape ``(f,)``, a factor of power.

    Examples
    --------
    >>> gain = received_power(np.array([400.0]), np.zeros(1), horizontal_m=1000.0, source_depth_m=6.0,
    ...                       receiver_depth_m=150.0, transition_m=5000.0)
    >>> (10 * np.log10(gain)).round(1)          # spreading −60 dB, mirror +6 dB
    array([-54.1])
    """
    slant = float(np.hypot(horizontal_m, receiver_depth_m - source_depth_m))
    straight = min(1.0, transition_m / slant)
    surface = straight * lloyd_mirror(
        frequency,
        horizontal_m=horizontal_m,
        source_depth_m=source_depth_m,
        receiver_depth_m=receiver_depth_m,
        wave_height_m=wave_height_m,
        source_extent_m=source_extent_m,
    )
    if straight < 1:
        bounced = 10 ** (-boundary_loss(frequency) * (bounces_per_km * slant / 1000) / 10)
        surface = surface + (1 - straight) * bounced * trapped_surface_factor(frequency, source_depth_m=source_depth_m)
    loss = spreading_loss(slant, transition_m=transition_m) + np.asarray(absorption_db_per_km) * (slant / 1000)
    power: Float[np.ndarray, " f"] = surface * 10 ** (-loss / 10)
    return power
