import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.signal.quality import (
    DROPOUT_SECONDS,
    NEAR_SILENCE_DBFS,
    clipped_share,
    level_dbfs,
    longest_dropout,
    signal_quality,
)

RATE = 8000
SECOND = np.arange(RATE) / RATE
TONE = np.sin(2 * np.pi * 440 * SECOND)


def noise(seed=0, n=RATE):
    return np.random.default_rng(seed).normal(size=n)


def test_levels_in_closed_form():
    assert level_dbfs(np.tile([1.0, -1.0], 100)) == 0.0
    assert level_dbfs(TONE) == pytest.approx(20 * math.log10(1 / math.sqrt(2)), abs=1e-6)
    assert level_dbfs(TONE + 0.7) == pytest.approx(level_dbfs(TONE), abs=1e-9)
    assert signal_quality(0.1 * TONE, RATE).peak == pytest.approx(-20, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.3, -1.0, 1 / 3])
def test_equal_samples_are_digital_silence(value):
    quality = signal_quality(np.full(500, value), RATE)
    assert quality.constant
    assert quality.level == -math.inf
    assert not quality.is_near_silent
    assert not quality.is_clipped


def test_near_silence_on_both_sides_of_the_threshold():
    for decibels, expected in ((-1, True), (1, False)):
        samples = noise() * 10 ** ((NEAR_SILENCE_DBFS + decibels) / 20)
        assert signal_quality(samples, RATE).is_near_silent is expected


@pytest.mark.parametrize("gain", [1.0, 0.25, -0.5])
@pytest.mark.parametrize("offset", [0.0, 0.02])
def test_clipping_is_counted_exactly_also_after_a_change_of_gain(gain, offset):
    smooth = np.convolve(noise(n=32_000), np.hanning(40), "same")
    smooth /= smooth.std()
    for limit in (1.0, 1.5, 2.0, 2.5):
        share = float((np.abs(smooth) >= limit).mean())
        assert clipped_share(gain * np.clip(smooth, -limit, limit) + offset) == share


def test_clipping_of_one_side():
    share = clipped_share(np.clip(TONE, -1, 0.9))
    assert share == pytest.approx(2 * math.acos(0.9) / (2 * math.pi), abs=0.01)


@pytest.mark.parametrize("hertz", [1, 5, 20, 50, 440, 3999])
@pytest.mark.parametrize("steps", [32768, 128, 30, 4])
def test_clean_tones_are_not_clipped_however_coarse(hertz, steps):
    tone = np.round(np.sin(2 * np.pi * hertz * SECOND) * (steps - 1)) / steps
    assert clipped_share(tone) == 0


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_clean_noise_is_not_clipped_however_coarse(bits):
    smooth = np.convolve(noise(n=32_000), np.hanning(40), "same")
    coarse = np.round(smooth / np.abs(smooth).max() * 2 ** (bits - 1)) / 2 ** (bits - 1)
    assert not signal_quality(coarse, RATE).is_clipped


def test_offset_is_found_only_where_it_matters():
    assert signal_quality(0.005 * noise() + 0.03, RATE).has_offset
    assert not signal_quality(0.3 * noise() + 0.03, RATE).has_offset
    assert not signal_quality(0.0005 * noise() + 0.001, RATE).has_offset
    assert signal_quality(0.005 * noise() - 0.03, RATE).offset == pytest.approx(-0.03, abs=1e-3)


def test_dropouts_are_gaps_inside():
    samples = noise()
    gap = int(DROPOUT_SECONDS * RATE)
    samples[2000 : 2000 + gap] = 0
    assert longest_dropout(samples) == gap
    assert signal_quality(samples, RATE).has_dropout
    padded = np.concatenate([np.zeros(4000), noise(), np.zeros(4000)])
    assert not signal_quality(padded, RATE).has_dropout


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, -1.0]), min_size=1, max_size=40))
def test_longest_dropout_by_brute_force(values):
    best = 0
    for start in range(len(values)):
        for stop in range(start + 1, len(values) + 1):
            inside = start > 0 and stop < len(values) and any(values[:start]) and any(values[stop:])
            if inside and not any(values[start:stop]):
                best = max(best, stop - start)
    assert longest_dropout(np.array(values)) == best


def test_channels():
    stereo = np.stack([0.1 * noise(1), np.clip(3 * TONE, -1, 1) * 0.2 + 0.4], axis=1)
    quality = signal_quality(stereo, RATE)
    assert quality.is_clipped
    assert quality.offset == pytest.approx(0.4, abs=1e-3)
    assert quality.level == pytest.approx(level_dbfs(stereo.mean(axis=1)))
    assert not signal_quality(np.stack([np.zeros(RATE), noise()], axis=1), RATE).constant
    assert signal_quality(np.zeros((50, 2)), RATE).constant


def test_real_speech_is_clean(real_data):
    import soundfile

    paths = sorted((real_data / "fsdd" / "recordings").glob("*.wav"))[::25]
    for path in paths:
        quality = signal_quality(*soundfile.read(path, dtype="float32"))
        assert not quality.is_clipped, path
        assert not quality.has_dropout, path
        assert not quality.is_near_silent, path
        assert not quality.has_offset, path


def test_real_hydrophone_recordings_have_an_offset(real_data):
    import soundfile

    for path in sorted((real_data / "deepship").glob("*/*.wav"))[::5]:
        quality = signal_quality(*soundfile.read(path, dtype="float32"))
        assert quality.has_offset
        assert quality.offset == pytest.approx(0.03, abs=0.005)


def test_the_input_stays_as_it_is():
    samples = noise()
    before = samples.copy()
    signal_quality(samples, RATE)
    assert np.array_equal(samples, before)


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        signal_quality(np.zeros(0), RATE)
    with pytest.raises(ShapeError):
        signal_quality(np.zeros((3, 3, 3)), RATE)
    with pytest.raises(ValuesError):
        signal_quality(np.array([0.0, np.nan]), RATE)
    with pytest.raises(ValuesError):
        signal_quality(TONE, 0)
