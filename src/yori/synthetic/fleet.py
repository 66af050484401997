"""What sails past: distributions of ships for each VTUAD class, and how one is drawn.

The four classes overlap on purpose. Cargo ships and tankers are both large, single-screw ships with a slow two-stroke
engine on the shaft; they differ in speed, in length and in the reference spectrum of their type. Passenger ships are fast,
mostly twin-screw, with medium-speed engines or electric drives. Tugs are short and slow with fast propellers and geared
high-speed engines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yori.errors import ValuesError
from yori.synthetic.vessel import OCTAVES_HZ, Lines, Vessel

LEVEL_DEVIATION_DB = 3.5
"""Standard deviation of a ship's whole spectrum around that of its kind. With `SHAPE_DEVIATION_DB` it makes 4 dB;
MacGillivray & de Jong report 6 dB. A softmax head on log-mel statistics then tells the five classes apart in eight to nine
clips of ten, which leaves room both for errors and for improvement."""

SHAPE_DEVIATION_DB = 2.0
"""Standard deviation of its shape, octave by octave, neighbouring octaves correlated by 0.6."""


@dataclass(frozen=True)
class Profile:
    """Distribution of one kind of ship. Pairs are (mean, standard deviation) of a normal, cut at two deviations.

    Parameters
    ----------
    share
        Fraction of the class that is of this kind.
    length_m, speed_knots, shaft_rpm, source_depth_m
        Pairs.
    blades
        Numbers of blades, equally likely.
    twin_screw
        Probability of two screws.
    engine_rpm
        Pair for a geared or electric-drive engine; None if the engine turns with the shaft (two-stroke).
    cylinders
        Numbers of cylinders, equally likely.
    gear_teeth
        Teeth of the pinion on the engine shaft; their meshing is a line at teeth × engine rate. 0 for no gear.
    hotel_db
        Mean prominence of the lines of generators and mains.
    tilt_db
        Decibels per octave above 250 Hz by which the kind deviates from the reference spectrum. Fast ships drive their
        propellers far beyond the inception of cavitation and are richer in high frequencies than slow, full ones. The
        size of this difference is an assumption: it is what lets cargo ships and tankers be told apart.
    """

    share: float
    length_m: tuple[float, float]
    speed_knots: tuple[float, float]
    shaft_rpm: tuple[float, float]
    source_depth_m: tuple[float, float]
    blades: tuple[int, ...]
    twin_screw: float
    engine_rpm: tuple[float, float] | None
    cylinders: tuple[int, ...]
    gear_teeth: int
    hotel_db: float
    tilt_db: float


FLEET: dict[str, dict[str, Profile]] = {
    "cargo": {
        "bulker": Profile(
            0.25, (200, 30), (13.4, 1.2), (104, 13), (6.0, 0.8), (4, 4, 5), 0.0, None, (5, 6, 7), 0, 10.0, 0.4
        ),
        "containership": Profile(
            0.45, (270, 45), (18.0, 1.8), (92, 11), (6.5, 0.8), (5, 6), 0.0, None, (7, 8, 9, 10), 0, 10.0, 1.1
        ),
        "vehicle carrier": Profile(
            0.30, (195, 15), (16.5, 1.3), (102, 9), (6.0, 0.7), (5, 6), 0.0, None, (7, 8), 0, 10.0, 0.9
        ),
    },
    "passengership": {
        "passenger": Profile(
            0.65, (130, 28), (17.5, 2.2), (165, 25), (4.0, 0.6), (4, 5), 0.75, (540, 50), (8, 9, 12), 0, 11.0, 0.3
        ),
        "cruise": Profile(
            0.35, (275, 35), (18.0, 2.0), (128, 14), (5.5, 0.6), (5, 6), 0.95, (514, 15), (9, 12), 0, 14.0, -0.4
        ),
    },
    "tanker": {
        "tanker": Profile(
            1.0, (180, 35), (12.4, 1.0), (95, 11), (6.2, 0.9), (4, 4, 5), 0.0, None, (5, 6, 7), 0, 11.0, -1.2
        ),
    },
    "tug": {
        "tug": Profile(
            1.0, (30, 6), (8.5, 1.6), (225, 35), (2.8, 0.4), (3, 4, 5), 0.8, (1500, 180), (8, 12, 16), 23, 9.0, 0.0
        ),
    },
}

VESSEL_CLASSES = tuple(FLEET)


def _cut_normal(pair: tuple[float, float], rng: np.random.Generator) -> float:
    mean, deviation = pair
    return float(mean + deviation * np.clip(rng.standard_normal(), -2, 2))


def _decaying_lines(first_db: float, fall_db: float, count: int, rng: np.random.Generator) -> list[float]:
    return [float(first_db - fall_db * k + 2.5 * rng.standard_normal()) for k in range(count)]


def _draw_lines(profile: Profile, shaft_hz: float, blades: int, rng: np.random.Generator) -> tuple[Lines, ...]:
    """Line families: propeller orders, main engine, generator, mains, gear."""
    orders = 12 * blades
    propeller = np.full(orders, -np.inf)
    propeller[blades - 1 :: blades] = _decaying_lines(rng.normal(17, 3), rng.uniform(1.2, 2.0), 12, rng)
    propeller[:blades] = np.maximum(propeller[:blades], _decaying_lines(rng.normal(6, 3), 1.0, blades, rng))
    families = [Lines(shaft_hz, tuple(propeller.tolist()), propulsion=True)]

    cylinders = int(rng.choice(profile.cylinders))
    if profile.engine_rpm is None:
        # A two-stroke engine fires every cylinder once in each turn of the shaft.
        firing = shaft_hz * cylinders
        families.append(Lines(firing, tuple(_decaying_lines(rng.normal(12, 3), 1.5, 10, rng)), propulsion=True))
    else:
        # A four-stroke engine fires every second turn.
        engine_hz = _cut_normal(profile.engine_rpm, rng) / 60
        firing = engine_hz * cylinders / 2
        families.append(Lines(firing, tuple(_decaying_lines(rng.normal(14, 3), 1.5, 8, rng)), propulsion=True))
        if profile.gear_teeth:
            mesh = engine_hz * (profile.gear_teeth + int(rng.integers(-4, 5)))
            families.append(Lines(mesh, tuple(_decaying_lines(rng.normal(17, 4), 4.0, 3, rng)), propulsion=True))
    generator = float(rng.choice([720, 900, 1200])) / 60 * int(rng.choice([6, 8, 9])) / 2
    families.append(
        Lines(generator, tuple(_decaying_lines(rng.normal(profile.hotel_db, 3), 1.2, 10, rng)), propulsion=False)
    )
    families.append(Lines(60.0, tuple(_decaying_lines(rng.normal(profile.hotel_db, 4), 1.2, 8, rng)), propulsion=False))
    return tuple(families)


def _draw_modulation(blades: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Depth of the cavitation envelope at shaft orders; the blade rate and its multiples stand out."""
    depth = np.zeros(3 * blades)
    depth[:blades] = rng.uniform(0.01, 0.06, blades)
    depth[0] = rng.uniform(0.03, 0.15)
    depth[blades - 1 :: blades] = rng.uniform(0.2, 0.55) * np.array([1.0, 0.45, 0.2])
    depth *= min(1.0, 0.95 / depth.sum())
    return tuple(depth.tolist())


def draw_vessel(label: str, *, rng: np.random.Generator) -> Vessel:
    """Draw one ship of a class.

    Parameters
    ----------
    label
        ``"cargo"``, ``"passengership"``, ``"tanker"`` or ``"tug"``.
    rng
        Randomness.

    Raises
    ------
    ValuesError
        If the class has no ships.

    References
    ----------
    Ross, Mechanics of Underwater Noise, Pergamon 1976 (cavitation, blade-rate lines).
    Arveson & Vendittis, J. Acoust. Soc. Am. 107, 118, 2000, doi:10.1121/1.428344 (lines of a bulk carrier: blade rate below
    100 Hz, firing rate of the engine, generators; modulation of cavitation by blade and shaft rate).
    McKenna et al., J. Acoust. Soc. Am. 131, 92, 2012, doi:10.1121/1.3664100 (container ships, bulkers, vehicle
    carriers, tankers).
    Veirs et al., PeerJ 4:e1657, 2016 (speeds and levels of the classes in a coastal strait).
    MacGillivray & de Jong 2021 (spectra of the types and their scatter). Numbers of `FLEET` are rounded to what such
    ships are built like, not fitted to a data set.

    Examples
    --------
    >>> tug = draw_vessel("tug", rng=np.random.default_rng(0))
    >>> tug.ship_type, tug.length_m < 50, 2 < tug.shaft_hz < 6
    ('tug', True, True)
    """
    if label not in FLEET:
        raise ValuesError(f"a class of {', '.join(FLEET)}", repr(label), where="draw_vessel")
    kinds = FLEET[label]
    ship_type = str(rng.choice(list(kinds), p=[kind.share for kind in kinds.values()]))
    profile = kinds[ship_type]
    speed_knots = _cut_normal(profile.speed_knots, rng)
    # Speed and shaft rate go together, as the advance of a propeller per turn hardly changes.
    shaft_hz = _cut_normal(profile.shaft_rpm, rng) / 60 * speed_knots / profile.speed_knots[0]
    blades = int(rng.choice(profile.blades))
    shape = np.empty(len(OCTAVES_HZ))
    shape[0] = rng.standard_normal()
    for octave in range(1, len(shape)):
        shape[octave] = 0.6 * shape[octave - 1] + 0.8 * rng.standard_normal()
    deviation = LEVEL_DEVIATION_DB * rng.standard_normal() + SHAPE_DEVIATION_DB * shape
    deviation += profile.tilt_db * np.maximum(np.log2(OCTAVES_HZ / 256.0), 0.0)
    return Vessel(
        label=label,
        ship_type=ship_type,
        length_m=_cut_normal(profile.length_m, rng),
        speed_knots=speed_knots,
        source_depth_m=_cut_normal(profile.source_depth_m, rng),
        shaft_hz=shaft_hz,
        blades=blades,
        modulation_depth=_draw_modulation(blades, rng),
        screw_detuning=float(rng.uniform(0.003, 0.02)) if rng.random() < profile.twin_screw else 0.0,
        lines=_draw_lines(profile, shaft_hz, blades, rng),
        cavitation_corner_hz=float(np.exp(rng.normal(np.log(200), 0.3))),
        deviation_db=tuple(deviation.tolist()),
        steadiness=float(rng.uniform(0.0005, 0.002)),
    )
