from __future__ import annotations

import numpy as np
import pytest

from yori.synthetic.ambient import ambient_level
from yori.synthetic.sea import Hydrophone, draw_sea
from yori.synthetic.vessel import OCTAVES_HZ


def test_conditions_stay_in_range_and_vary():
    seas = [draw_sea(np.random.default_rng(seed)) for seed in range(300)]
    wind = np.array([sea.wind_speed for sea in seas])
    assert (wind >= 0).all()
    assert wind.max() <= 16
    assert wind.mean() == pytest.approx(4.5, abs=0.4)
    assert all(500 < sea.transition_m < 5000 for sea in seas)
    assert len({sea.shipping for sea in seas}) == 300


def test_noise_is_the_standard_curve_plus_the_deviation():
    sea = draw_sea(np.random.default_rng(0))
    standard = ambient_level(OCTAVES_HZ, wind_speed=sea.wind_speed, shipping=sea.shipping)
    np.testing.assert_allclose(sea.noise_level(OCTAVES_HZ) - standard, sea.ambient_deviation_db)


def test_response_passes_the_middle_and_stops_the_ends():
    response = Hydrophone(sample_rate=16000).response(np.array([1.0, 10.0, 1000.0, 8000.0]))
    assert response[0] < 1e-3
    assert response[1] == pytest.approx(0.5)
    assert response[2] == pytest.approx(1, abs=1e-3)
    assert response[3] < 0.1


def test_recording_scales_rounds_and_clips():
    hydrophone = Hydrophone(sample_rate=16000, full_scale_db=120.0, bits=4)
    samples = hydrophone.record(np.array([0.0, 1e6 / 16, 1e6 / 15, 5e5, 1e6, -1e6, -9e9]))
    np.testing.assert_array_equal(samples, [0, 0, 0.125, 0.5, 0.875, -1, -1])


def test_self_noise_is_pink_below_one_kilohertz():
    level = Hydrophone(sample_rate=16000).noise_level(np.array([10.0, 100.0, 1000.0, 8000.0]))
    np.testing.assert_allclose(level - level[-1], [20, 10, 0, 0])
