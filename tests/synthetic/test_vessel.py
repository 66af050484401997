from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt, welch

from yori.synthetic.source_level import source_level
from yori.synthetic.vessel import OCTAVES_HZ, Lines, Vessel, harmonic_sum, radiated_sound, wander

RATE = 16000
PLAIN = Vessel(
    label="tanker",
    ship_type="tanker",
    length_m=180.0,
    speed_knots=12.4,
    source_depth_m=6.0,
    shaft_hz=1.7,
    blades=4,
    modulation_depth=(0.0,) * 4,
    screw_detuning=0.0,
    lines=(),
    cavitation_corner_hz=200.0,
    deviation_db=(0.0,) * len(OCTAVES_HZ),
    steadiness=0.0,
)


def sound(vessel, seconds=20.0, seed=0, stretch=1.0):
    emitted = np.arange(round(seconds * RATE)) / RATE * stretch
    return radiated_sound(vessel, emitted, sample_rate=RATE, rng=np.random.default_rng(seed))


def spectrum(signal, resolution=0.1):
    f, density = welch(signal, RATE, nperseg=round(RATE / resolution), window="hann")
    return f, 10 * np.log10(density)


def envelope_spectrum(signal):
    """DEMON: band-pass, square, and look at the slow part; each line relative to the mean."""
    band = sosfiltfilt(butter(4, [1500, 6000], "bandpass", fs=RATE, output="sos"), signal.astype(float))
    power = (band**2).reshape(-1, 160).mean(axis=1)
    lines = np.abs(np.fft.rfft(power * np.hanning(len(power))))
    return np.fft.rfftfreq(len(power), 0.01), lines / lines[0]


def test_harmonic_sum_against_cosines():
    rng = np.random.default_rng(0)
    cycles = np.sort(rng.uniform(0, 500, 300))
    amplitudes, offsets = rng.uniform(0, 1, 40), rng.uniform(0, 6, 40)
    orders = np.arange(1, 41)
    brute = (amplitudes * np.cos(2 * np.pi * orders * cycles[:, None] + offsets)).sum(axis=1)
    np.testing.assert_allclose(harmonic_sum(cycles, amplitudes, offsets), brute, atol=2e-4)


def test_broadband_spectrum_is_the_source_level():
    f, level = spectrum(sound(replace(PLAIN, modulation_depth=(0.3, 0.0, 0.0, 0.5))), resolution=20)
    inside = (f > 150) & (f < 7800)
    expected = source_level(f[inside], ship_type="tanker", speed_knots=12.4, length_m=180.0)
    assert np.abs(np.mean(level[inside] - expected)) < 0.3
    assert np.std(level[inside] - expected) < 1


def test_deviation_is_added_in_decibels():
    shifted = replace(PLAIN, deviation_db=tuple(np.linspace(-5, 5, len(OCTAVES_HZ)).tolist()))
    np.testing.assert_allclose(shifted.level(OCTAVES_HZ) - PLAIN.level(OCTAVES_HZ), np.linspace(-5, 5, len(OCTAVES_HZ)))


def test_blade_rate_lines_stand_at_multiples_of_the_blade_rate():
    propeller = (-np.inf, -np.inf, -np.inf, 25.0, -np.inf, -np.inf, -np.inf, 22.0)
    vessel = replace(PLAIN, lines=(Lines(PLAIN.shaft_hz, propeller, propulsion=True),))
    assert vessel.blade_hz == pytest.approx(6.8)
    f, level = spectrum(sound(vessel, seconds=60))
    for order in (1, 2):
        near = np.abs(f - order * 6.8) < 2
        assert f[near][level[near].argmax()] == pytest.approx(order * 6.8, abs=0.1)
        # Away from the line, the same band has no peak.
        assert level[near].max() - np.median(level[near]) > 15


def test_level_of_a_line_is_its_prominence_above_the_broadband_level():
    vessel = replace(PLAIN, lines=(Lines(1000.0, (40.0,), propulsion=False),))
    signal = sound(vessel)
    phasor = np.exp(-2j * np.pi * 1000 * np.arange(len(signal)) / RATE)
    root_mean_square = np.sqrt(2) * np.abs(np.mean(signal * phasor))
    assert 20 * np.log10(root_mean_square) == pytest.approx(PLAIN.level(np.array([1000.0]))[0] + 40, abs=0.3)


def test_lines_above_the_nyquist_frequency_are_not_folded_back():
    aliasing = replace(PLAIN, lines=(Lines(9000.0, (60.0,), propulsion=False),))
    np.testing.assert_array_equal(sound(aliasing, seconds=2), sound(PLAIN, seconds=2))


@pytest.mark.parametrize(("depth", "rate"), [((0.5, 0.0, 0.0, 0.0), 1.7), ((0.0, 0.0, 0.0, 0.5), 6.8)])
def test_cavitation_is_modulated_at_shaft_or_blade_rate(depth, rate):
    f, lines = envelope_spectrum(sound(replace(PLAIN, modulation_depth=depth), seconds=60))
    audible = f > 0.5
    assert f[audible][lines[audible].argmax()] == pytest.approx(rate, abs=0.05)
    # (1 + m cos φ)² has the mean 1 + m²/2 and the line 2m cos φ, half of which lies on each side of zero.
    assert lines[audible].max() == pytest.approx(0.5 / (1 + 0.125), abs=0.08)


def test_without_modulation_the_envelope_is_flat():
    f, lines = envelope_spectrum(sound(PLAIN, seconds=60))
    assert lines[f > 0.5].max() < 0.06


def test_two_screws_modulate_at_two_rates():
    twin = replace(PLAIN, modulation_depth=(0.0, 0.0, 0.0, 0.9), screw_detuning=0.1)
    f, lines = envelope_spectrum(sound(twin, seconds=60))
    for rate in (6.8, 6.8 * 1.1):
        near = np.abs(f - rate) < 0.3
        assert f[near][lines[near].argmax()] == pytest.approx(rate, abs=0.05)


def test_doppler_shifts_lines():
    vessel = replace(PLAIN, lines=(Lines(1000.0, (50.0,), propulsion=False),))
    f, level = spectrum(sound(vessel, stretch=1.005))
    window = (f > 900) & (f < 1100)
    assert f[window][level[window].argmax()] == pytest.approx(1005, abs=0.2)


def test_wander_keeps_the_mean_rate_and_is_as_large_as_asked():
    seconds = np.arange(0, 2000, 0.01)
    clock = wander(seconds, steadiness=0.01, rng=np.random.default_rng(0))
    rate = np.diff(clock) / 0.01
    assert rate.mean() == pytest.approx(1, abs=1e-3)
    assert 0.005 < rate.std() < 0.011
    np.testing.assert_array_equal(wander(seconds, steadiness=0.0, rng=np.random.default_rng(0)), seconds)


def test_same_seed_same_sound_other_seed_other_sound():
    np.testing.assert_array_equal(sound(PLAIN, seconds=1), sound(PLAIN, seconds=1))
    assert not np.array_equal(sound(PLAIN, seconds=1), sound(PLAIN, seconds=1, seed=1))
