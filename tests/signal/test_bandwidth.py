import numpy as np
import pytest
import soxr

from yori.errors import ShapeError, ValuesError
from yori.signal.bandwidth import bandwidth


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_cliff_is_found_where_it_is(share):
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=16_000))
    spectrum[round(share * len(spectrum)) :] = 0
    assert bandwidth(np.fft.irfft(spectrum), 16_000) == pytest.approx(share, abs=0.03)


def test_a_raised_rate():
    x = np.random.default_rng(1).normal(size=8000)
    assert bandwidth(soxr.resample(x, 8000, 16_000), 16_000) == pytest.approx(0.5, abs=0.05)


def test_a_slope_is_no_cliff():
    x = np.random.default_rng(2).normal(size=16_000)
    spectrum = np.fft.rfft(x) * np.exp(-np.linspace(0, 12, 8001))
    assert bandwidth(np.fft.irfft(spectrum), 16_000) == 1.0


def test_too_short_and_silent():
    assert bandwidth(np.ones(100), 8000) == 1.0
    assert bandwidth(np.zeros(4000), 8000) == 1.0


def test_refusals(unchecked):
    with pytest.raises(ShapeError):
        bandwidth(np.zeros((2, 2)), 8000)
    with pytest.raises(ValuesError):
        bandwidth(np.zeros(4), -1)
