from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic.source_level import SHIP_TYPES, source_level


def ensemble_spectrum(frequency):
    """Mean of merchant ships after Wales & Heitmeyer 2002, 30 Hz to 1.2 kHz: an independent measurement."""
    return 230 - 35.94 * np.log10(frequency) + 9.17 * np.log10(1 + (frequency / 340) ** 2)


@pytest.mark.parametrize(
    ("ship_type", "speed", "length"),
    [("bulker", 14, 200), ("containership", 18, 270), ("vehicle carrier", 16, 195), ("tanker", 13, 185)],
)
def test_merchant_ships_lie_within_ten_decibels_of_the_measured_ensemble(ship_type, speed, length):
    frequency = np.geomspace(40, 1200, 40)
    level = source_level(frequency, ship_type=ship_type, speed_knots=speed, length_m=length)
    assert np.abs(level - ensemble_spectrum(frequency)).max() < 10
    assert abs(np.mean(level - ensemble_spectrum(frequency))) < 6


def test_value_worked_out_by_hand():
    # tug at its reference speed and length: peak 480/3.7 Hz, at which the resonance term is −20 log D.
    peak = 480 / 3.7
    expected = 191 - 20 * np.log10(peak) - 20 * np.log10(3)
    level = source_level(np.array([peak]), ship_type="tug", speed_knots=3.7, length_m=91.44)
    assert level[0] == pytest.approx(expected)


@pytest.mark.parametrize("ship_type", SHIP_TYPES)
def test_power_laws_of_speed_and_length(ship_type):
    frequency = np.array([50.0, 500.0, 5000.0])
    slow = source_level(frequency, ship_type=ship_type, speed_knots=8, length_m=100)
    np.testing.assert_allclose(
        source_level(frequency, ship_type=ship_type, speed_knots=16, length_m=100) - slow, 60 * np.log10(2)
    )
    np.testing.assert_allclose(
        source_level(frequency, ship_type=ship_type, speed_knots=8, length_m=200) - slow, 20 * np.log10(2)
    )


def test_falls_by_twenty_decibels_a_decade_far_above_the_peak():
    level = source_level(np.array([2e3, 2e4]), ship_type="passenger", speed_knots=10, length_m=100)
    assert level[0] - level[1] == pytest.approx(20, abs=0.5)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("frequency", "ship_type", "speed"), [(100.0, "canoe", 10), (0.0, "tug", 10), (100.0, "tug", 0)]
)
def test_refuses(frequency, ship_type, speed):
    with pytest.raises(ValuesError, match="source_level"):
        source_level(np.array([frequency]), ship_type=ship_type, speed_knots=speed, length_m=100)
