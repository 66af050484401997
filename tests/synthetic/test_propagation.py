from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic.propagation import (
    SOUND_SPEED,
    absorption,
    boundary_loss,
    lloyd_mirror,
    received_power,
    spreading_loss,
    trapped_surface_factor,
)

GEOMETRY = {"horizontal_m": 1000.0, "source_depth_m": 6.0, "receiver_depth_m": 150.0}


def loss(range_m):
    return spreading_loss(range_m, transition_m=1000.0)


def test_spreading_is_spherical_then_cylindrical():
    assert loss(200.0) - loss(100.0) == pytest.approx(20 * np.log10(2))
    assert loss(4000.0) - loss(2000.0) == pytest.approx(10 * np.log10(2))
    assert loss(1.0) == 0
    assert loss(1000.0) == pytest.approx(60)
    assert loss(1000.01) == pytest.approx(loss(999.99), abs=1e-3)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("range_m", "transition_m"), [(0.5, 1000), (100, 0)])
def test_spreading_refuses(range_m, transition_m):
    with pytest.raises(ValuesError, match="spreading_loss"):
        spreading_loss(range_m, transition_m=transition_m)


# Francois & Garrison computed by another program (arlpy 1.9, absorption over 1 km).
@pytest.mark.parametrize(
    ("hertz", "temperature", "depth", "ph", "expected"),
    [
        (1e3, 10.0, 0.0, 8.0, 0.0601261),
        (1e4, 10.0, 0.0, 8.0, 0.9626373),
        (1e4, 4.0, 1000.0, 8.1, 1.0234578),
        (5e4, 27.0, 10.0, 8.1, 10.7103330),
    ],
)
def test_absorption_agrees_with_an_independent_program(hertz, temperature, depth, ph, expected):
    value = absorption(np.array([hertz]), temperature=temperature, salinity=35.0, depth_m=depth, ph=ph)[0]
    assert value == pytest.approx(expected, rel=2e-3)


def ainslie_mccolm(f, temperature, salinity, depth_km, ph):
    """Simplified absorption of Ainslie & McColm 1998, which they give as within 10 % of Francois & Garrison."""
    boric = 0.78 * np.sqrt(salinity / 35) * np.exp(temperature / 26)
    magnesium = 42 * np.exp(temperature / 17)
    return (
        0.106 * boric * f**2 / (boric**2 + f**2) * np.exp((ph - 8) / 0.56)
        + 0.52
        * (1 + temperature / 43)
        * salinity
        / 35
        * magnesium
        * f**2
        / (magnesium**2 + f**2)
        * np.exp(-depth_km / 6)
        + 0.00049 * f**2 * np.exp(-(temperature / 27 + depth_km / 17))
    )


@pytest.mark.parametrize("temperature", [2.0, 9.0, 18.0])
def test_absorption_agrees_with_the_simplified_formula(temperature):
    frequency = np.geomspace(300, 3e5, 60)
    exact = absorption(frequency, temperature=temperature, salinity=35.0, depth_m=100.0, ph=8.0)
    np.testing.assert_allclose(exact, ainslie_mccolm(frequency / 1000, temperature, 35.0, 0.1, 8.0), rtol=0.12)


def test_absorption_is_continuous_at_twenty_degrees():
    below, above = (absorption(np.array([5e5]), temperature=t)[0] for t in (20.0, 20.001))
    assert below == pytest.approx(above, rel=0.01)


def test_lloyd_mirror_against_complex_paths():
    frequency = np.linspace(1, 5000, 997)
    direct, reflected = np.hypot(1000, 144), np.hypot(1000, 156)
    wavenumber = 2 * np.pi * frequency / SOUND_SPEED
    field = np.exp(1j * wavenumber * direct) / direct - np.exp(1j * wavenumber * reflected) / reflected
    np.testing.assert_allclose(lloyd_mirror(frequency, **GEOMETRY), np.abs(field * direct) ** 2, atol=1e-9)


def test_lloyd_mirror_nulls_and_peaks_lie_where_the_path_difference_says():
    difference = np.hypot(1000, 156) - np.hypot(1000, 144)
    null = SOUND_SPEED / difference
    np.testing.assert_allclose(lloyd_mirror(null * np.arange(1, 6), **GEOMETRY), 0, atol=1e-4)
    np.testing.assert_allclose(lloyd_mirror(null * (np.arange(5) + 0.5), **GEOMETRY), 4, atol=0.02)


def test_low_frequency_source_is_a_dipole():
    low = lloyd_mirror(np.array([5.0, 10.0]), **GEOMETRY)
    assert low[1] / low[0] == pytest.approx(4, rel=1e-2)


@pytest.mark.parametrize("blur", ["wave_height_m", "source_extent_m"])
def test_rough_sea_or_large_source_blurs_high_frequencies_to_the_sum_of_powers(blur):
    factor = lloyd_mirror(np.array([20.0, 50e3]), **GEOMETRY, **{blur: 1.0})
    np.testing.assert_allclose(factor[1], 1 + (np.hypot(1000, 144) / np.hypot(1000, 156)) ** 2, rtol=1e-6)
    np.testing.assert_allclose(factor[0], lloyd_mirror(np.array([20.0]), **GEOMETRY)[0], atol=0.01)


def test_trapped_surface_factor_is_the_mean_over_angles():
    frequency = np.array([10.0, 63.0, 200.0, 3000.0])
    sines = (np.arange(100_000) + 0.5) / 100_000 * np.sin(0.4)
    wavenumber = 2 * np.pi * frequency / SOUND_SPEED
    brute = [(4 * np.sin(k * 6.0 * sines) ** 2).mean() for k in wavenumber]
    np.testing.assert_allclose(trapped_surface_factor(frequency, source_depth_m=6.0), brute, rtol=1e-5)


def test_received_power_is_the_product_of_its_parts_within_the_transition_range():
    frequency = np.array([100.0, 1000.0, 10000.0])
    absorbed = absorption(frequency)
    slant = np.hypot(1000, 144)
    power = received_power(frequency, absorbed, transition_m=5000.0, bounces_per_km=3.0, **GEOMETRY)
    expected = lloyd_mirror(frequency, **GEOMETRY) / slant**2 * 10 ** (-absorbed * slant / 1e4)
    np.testing.assert_allclose(power, expected)


def test_received_power_is_continuous_at_the_transition_and_splits_beyond():
    frequency = np.geomspace(20, 10000, 30)
    slant = np.hypot(1000, 144)
    nothing = np.zeros(30)
    at, just_beyond = (
        received_power(frequency, nothing, transition_m=slant * shift, **GEOMETRY) for shift in (1.0, 1 - 1e-9)
    )
    np.testing.assert_allclose(at, just_beyond, rtol=1e-5, atol=1e-12)
    half = received_power(frequency, nothing, transition_m=slant / 2, bounces_per_km=1.0, **GEOMETRY)
    bounced = 10 ** (-boundary_loss(frequency) * slant / 1e4)
    mixed = 0.5 * lloyd_mirror(frequency, **GEOMETRY) + 0.5 * bounced * trapped_surface_factor(
        frequency, source_depth_m=6.0
    )
    np.testing.assert_allclose(half, mixed / (slant * slant / 2))


def test_sound_fades_with_distance_and_high_frequencies_fade_faster():
    frequency = np.array([2000.0, 12000.0])
    levels = np.array(
        [
            10
            * np.log10(
                received_power(
                    frequency,
                    absorption(frequency),
                    horizontal_m=r,
                    source_depth_m=6.0,
                    receiver_depth_m=144.0,
                    transition_m=1500.0,
                    bounces_per_km=1.0,
                    wave_height_m=5.0,  # no interference left
                )
            )
            for r in (1500.0, 2500.0, 3500.0, 6000.0)
        ]
    )
    assert (np.diff(levels, axis=0) < 0).all()
    assert (np.diff(levels[:, 1] - levels[:, 0]) < 0).all()
