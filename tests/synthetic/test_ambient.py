from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic.ambient import ambient_level, wave_height


def test_wind_noise_at_one_kilohertz_follows_the_knudsen_curves():
    # Knudsen: sea state 1 (3 m/s) 55 dB, sea state 3 (8 m/s) 63 dB, sea state 6 (18 m/s) 70 dB, each within a few dB.
    levels = [ambient_level(np.array([1000.0]), wind_speed=w, shipping=0.0)[0] for w in (3.0, 8.0, 18.0)]
    np.testing.assert_allclose(levels, [55, 63, 70], atol=7)
    assert levels == sorted(levels)


def test_wenz_slope_above_one_kilohertz():
    # Wenz: about −17 dB a decade (−5 to −6 dB an octave) where wind rules.
    level = ambient_level(np.array([2000.0, 20000.0]), wind_speed=8.0, shipping=0.5)
    assert -20 < level[1] - level[0] < -15


def test_thermal_noise_rises_by_twenty_decibels_a_decade_at_the_top():
    level = ambient_level(np.array([1e6, 1e7]), wind_speed=0.0, shipping=0.0)
    assert level[1] - level[0] == pytest.approx(20, abs=0.5)


def test_turbulence_falls_by_thirty_decibels_a_decade_at_the_bottom():
    level = ambient_level(np.array([0.1, 1.0]), wind_speed=0.0, shipping=0.0)
    assert level[0] - level[1] == pytest.approx(30, abs=0.5)


def test_shipping_is_heard_at_sixty_hertz_and_not_at_ten_kilohertz():
    quiet, busy = (ambient_level(np.array([60.0, 1e4]), wind_speed=5.0, shipping=s) for s in (0.0, 1.0))
    assert busy[0] - quiet[0] > 15
    assert busy[1] - quiet[1] < 0.1


def test_powers_add():
    frequency = np.array([1000.0])
    total = ambient_level(frequency, wind_speed=5.0, shipping=0.5)[0]
    parts = [17.0, 40 - 60 * np.log10(1.03), 50 + 7.5 * np.sqrt(5) - 40 * np.log10(1.4), -15.0]
    assert total == pytest.approx(10 * np.log10(sum(10 ** (p / 10) for p in parts)))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("frequency", "wind", "shipping"), [(0.0, 5, 0.5), (10.0, -1, 0.5), (10.0, 5, 1.5)])
def test_refuses(frequency, wind, shipping):
    with pytest.raises(ValuesError, match="ambient_level"):
        ambient_level(np.array([frequency]), wind_speed=wind, shipping=shipping)


def test_significant_wave_height_of_a_ten_metre_wind():
    # Pierson & Moskowitz: significant height 0.21 U²/g = 2.14 m, four times the root mean square.
    assert 4 * wave_height(10.0) == pytest.approx(2.14, abs=0.01)
    assert wave_height(0.0) == 0
