from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import welch

from yori.synthetic.shaped_noise import fast_length, filter_frames, frequencies, shaped_noise

RATE = 8000


@given(st.integers(1, 400_000))
def test_fast_length_is_even_smooth_and_not_much_longer(samples):
    length = fast_length(samples)
    assert length >= samples
    assert length % 2 == 0
    assert length <= max(2, 1.2 * samples + 2)
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


def test_frequencies_are_positive():
    grid = frequencies(fast_length(8000), RATE)
    assert (grid > 0).all()
    assert grid[-1] == RATE / 2


def test_spectral_density_is_the_one_asked_for():
    grid = frequencies(160_000, RATE)
    density = 1e4 / (1 + (grid / 500) ** 2)
    noise = shaped_noise(density, samples=160_000, sample_rate=RATE, rng=np.random.default_rng(0))
    f, measured = welch(noise, RATE, nperseg=1024)
    inside = (f > 50) & (f < 3900)
    ratio = measured[inside] / (1e4 / (1 + (f[inside] / 500) ** 2))
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert ratio.std() < 0.12
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 1e-3 * noise.std()


def test_noise_is_gaussian():
    noise = shaped_noise(np.ones(80_001), samples=160_000, sample_rate=RATE, rng=np.random.default_rng(1))
    standard = noise / noise.std()
    assert np.mean(standard**3) == pytest.approx(0, abs=0.05)
    assert np.mean(standard**4) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("samples", [1000, 2049, 5000])
def test_equal_filters_act_as_one_gain_to_the_very_ends(samples):
    signal = np.random.default_rng(2).standard_normal(samples).astype(np.float32)
    hop = 500
    filtered = filter_frames(signal, np.full((-(-samples // hop) + 1, 626), 9.0), hop=hop)
    np.testing.assert_allclose(filtered, 3 * signal, atol=1e-4)


def test_a_filter_changes_a_tone_by_the_gain_at_its_frequency_and_does_not_delay_it():
    seconds = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 400 * seconds).astype(np.float32)
    hop = RATE // 4
    grid = frequencies(fast_length(3 * hop), RATE)
    filtered = filter_frames(tone, np.tile(1 / (1 + (grid / 400) ** 2), (5, 1)), hop=hop)
    np.testing.assert_allclose(filtered[500:-500], np.sqrt(0.5) * tone[500:-500], atol=5e-3)


def test_filters_are_blended_over_time():
    hop = 1000
    powers = np.stack([np.full(1251, gain**2) for gain in (1.0, 2.0, 3.0, 4.0)])
    ramp = filter_frames(np.ones(3000, dtype=np.float32), powers, hop=hop)
    np.testing.assert_allclose(ramp[[0, 1000, 2000]], [1, 2, 3], atol=1e-4)
    assert (np.diff(ramp) > -1e-5).all()
