import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.preparation import NormaliseLevel, RemoveOffset, Resample
from yori.preparation.audio_steps import PEAK
from yori.signal.quality import level_dbfs

RATE = 8000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100), st.floats(-60, -3), st.floats(1e-4, 10))
def test_the_level_is_reached_or_the_peak(seed, level, loud):
    x = loud * np.random.default_rng(seed).normal(size=2000)
    done, rate = NormaliseLevel(level).apply(x, RATE)
    peak = np.abs(done).max()
    assert rate == RATE
    assert peak <= PEAK * (1 + 1e-9)
    assert level_dbfs(done) == pytest.approx(level, abs=1e-6) or peak == pytest.approx(PEAK)
    assert np.corrcoef(x, done)[0, 1] == pytest.approx(1)


def test_silence_stays_silent():
    np.testing.assert_array_equal(NormaliseLevel(-20).apply(np.zeros(10), RATE)[0], np.zeros(10))


def test_resampling_keeps_length_in_seconds_and_pitch():
    x = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    done, rate = Resample(RATE).apply(x, 16_000)
    assert rate == RATE
    assert len(done) == RATE
    assert np.abs(np.fft.rfft(done)).argmax() == 440
    same, _ = Resample(16_000).apply(x, 16_000)
    assert same is x


def test_the_offset_goes():
    done, _ = RemoveOffset().apply(np.random.default_rng(0).normal(3, 1, 1000).astype(np.float32), RATE)
    assert abs(done.mean()) < 1e-6
    assert done.dtype == np.float32


def test_refusals(unchecked):
    for step in (NormaliseLevel(-20), RemoveOffset(), Resample(RATE)):
        with pytest.raises(ShapeError):
            step.apply(np.zeros(0), RATE)
        with pytest.raises(ValuesError):
            step.apply(np.array([np.nan]), RATE)
    for wrong in (lambda: NormaliseLevel(3.0), lambda: Resample(0)):
        with pytest.raises(ValuesError):
            wrong()
