from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic.fleet import FLEET, VESSEL_CLASSES, draw_vessel
from yori.synthetic.source_level import SHIP_TYPES

DRAWS = 300


@pytest.fixture(scope="module")
def fleet():
    rng = np.random.default_rng(0)
    return {label: [draw_vessel(label, rng=rng) for _ in range(DRAWS)] for label in VESSEL_CLASSES}


def test_classes_are_those_of_vtuad_without_background():
    assert VESSEL_CLASSES == ("cargo", "passengership", "tanker", "tug")


def test_kinds_are_known_types_and_their_shares_sum_to_one():
    for kinds in FLEET.values():
        assert set(kinds) <= set(SHIP_TYPES)
        assert sum(kind.share for kind in kinds.values()) == pytest.approx(1)


def test_kinds_appear_in_their_shares(fleet):
    for label, kinds in FLEET.items():
        for name, profile in kinds.items():
            share = np.mean([vessel.ship_type == name for vessel in fleet[label]])
            assert share == pytest.approx(profile.share, abs=0.1)


@pytest.mark.parametrize("label", VESSEL_CLASSES)
def test_every_ship_is_physically_possible(fleet, label):
    for vessel in fleet[label]:
        assert 12 < vessel.length_m < 400
        assert 4 < vessel.speed_knots < 25
        assert 0.7 < vessel.shaft_hz < 7
        assert 3 <= vessel.blades <= 6
        assert 1.5 < vessel.source_depth_m < 9
        assert 0 <= vessel.screw_detuning <= 0.02
        # A sum below 1 keeps the cavitation envelope positive.
        assert 0 < sum(vessel.modulation_depth) < 1
        # Of the modulation orders beyond the shaft's own, the blade rate is the strongest.
        depth = np.asarray(vessel.modulation_depth)
        assert depth[1:].argmax() + 2 == vessel.blades or depth[vessel.blades - 1] == depth.max()


def test_classes_differ_as_they_should(fleet):
    def median(label, name):
        return np.median([getattr(vessel, name) for vessel in fleet[label]])

    assert median("tug", "length_m") < 40 < 100 < median("tanker", "length_m")
    assert median("tug", "speed_knots") < median("tanker", "speed_knots") < median("passengership", "speed_knots")
    assert median("tug", "shaft_hz") > median("passengership", "shaft_hz") > median("tanker", "shaft_hz")


def test_broadband_source_levels_are_those_of_ships(fleet):
    # Measured commercial ships: about 165 to 195 dB re 1 µPa m from 20 Hz to 1 kHz or more.
    frequency = np.arange(20.0, 8000.0, 1.0)
    for label, ships in fleet.items():
        levels = [10 * np.log10((10 ** (ship.level(frequency) / 10)).sum()) for ship in ships[:60]]
        assert np.min(levels) > 155, label
        assert np.max(levels) < 205, label
        assert 165 < np.median(levels) < 195, label


@pytest.mark.usefixtures("unchecked")
def test_background_has_no_ship():
    with pytest.raises(ValuesError, match="cargo, passengership, tanker, tug"):
        draw_vessel("background", rng=np.random.default_rng(0))
