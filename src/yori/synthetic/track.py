"""Where a ship is while it passes, and in which distance scenario that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Scenario:
    """One distance scenario, named as VTUAD names it by its inclusion and exclusion radius.

    A passage belongs to it if its closest point of approach lies between ``nearest_m`` and ``farthest_m``, and is recorded
    only while the ship is within ``inclusion_m`` of the hydrophone and no other ship is within ``exclusion_m``.

    In VTUAD the scenarios overlap: a ship within 2 km is also within 4 km. Here the bands of the closest approach are
    disjoint, so that a passage belongs to exactly one domain, a larger radius means farther away, and holding out a
    domain holds out its passages.
    """

    domain: str
    inclusion_m: float
    exclusion_m: float
    nearest_m: float
    farthest_m: float

    @property
    def name(self) -> str:
        """The folder name of VTUAD.

        Examples
        --------
        >>> SCENARIOS[0].name
        'inclusion_2000_exclusion_4000'
        """
        return f"inclusion_{self.inclusion_m:.0f}_exclusion_{self.exclusion_m:.0f}"


# The closest approach stays within 90 % of the radius, so that the shortest stay inside it lasts over two minutes.
SCENARIOS = (
    Scenario("2km", 2000.0, 4000.0, 300.0, 1600.0),
    Scenario("3km", 3000.0, 5000.0, 2000.0, 2700.0),
    Scenario("4km", 4000.0, 6000.0, 3000.0, 3600.0),
)


@dataclass(frozen=True)
class Track:
    """A straight course at constant speed; time 0 is the closest point of approach (CPA)."""

    cpa_m: float
    speed: float

    def horizontal(self, seconds: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        """Horizontal distance in metres at given times.

        Examples
        --------
        >>> Track(cpa_m=300.0, speed=8.0).horizontal(np.array([0.0, 50.0]))
        array([300., 500.])
        """
        distance: Float[np.ndarray, " t"] = np.hypot(self.cpa_m, self.speed * np.asarray(seconds, dtype=np.float64))
        return distance

    def half_stay(self, inclusion_m: float, *, longest: float = 300.0) -> float:
        """Seconds from entering a circle to the CPA, at most ``longest``.

        Examples
        --------
        >>> Track(cpa_m=1200.0, speed=8.0).half_stay(2000.0)
        200.0
        """
        half_chord = np.sqrt(max(inclusion_m**2 - self.cpa_m**2, 0.0))
        return float(min(half_chord / self.speed, longest))


def clip_starts(count: int, *, stay: float, clip_seconds: float, rotation: float) -> Float[np.ndarray, " count"]:
    """Start times of clips spread over a stay of ``stay`` seconds, centred on 0, in a fixed order.

    The first ``k`` starts do not depend on ``count`` (van der Corput's sequence, rotated by a fraction of the stay), and
    clips do not overlap while ``(2 · count + 1) · clip_seconds ≤ stay``.

    References
    ----------
    van der Corput, Proc. Akad. Wet. Amsterdam 38, 1935.

    Examples
    --------
    >>> clip_starts(4, stay=121.0, clip_seconds=1.0, rotation=0.0)
    array([-60.5,  -0.5, -30.5,  29.5])
    """
    sequence = np.zeros(count)
    for k in range(count):
        remaining, weight = k, 0.5
        while remaining:
            sequence[k] += weight * (remaining % 2)
            remaining, weight = remaining // 2, weight / 2
    starts: Float[np.ndarray, " count"] = ((sequence + rotation) % 1.0) * (stay - clip_seconds) - stay / 2
    return starts
