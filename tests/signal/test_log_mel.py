import numpy as np
import pytest

from yori.errors import ShapeError
from yori.signal.log_mel import BANDS, LOWEST_HZ, log_mel, mel_of_hertz, statistics_of


def centre_hertz(sample_rate):
    mel = np.linspace(mel_of_hertz(LOWEST_HZ), mel_of_hertz(sample_rate / 2), BANDS + 2)[1:-1]
    return 700 * (10 ** (mel / 2595) - 1)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 32_000, 44_100])
@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_tone_lights_the_band_it_lies_in(sample_rate, hertz):
    tone = np.sin(2 * np.pi * hertz * np.arange(sample_rate) / sample_rate)
    frames = log_mel(tone, sample_rate)
    band = np.abs(centre_hertz(sample_rate) - hertz).argmin()
    assert abs(int(frames.mean(axis=0).argmax()) - band) <= 1


def test_equals_a_direct_computation():
    """One frame by the definition: windowed DFT as a matrix, triangles as a function."""
    rate, samples = 8000, np.random.default_rng(0).normal(size=200) * 0.1
    hann = np.sin(np.pi * np.arange(200) / 200) ** 2
    frequency = np.arange(257) * rate / 512
    dft = np.exp(-2j * np.pi * np.outer(frequency / rate, np.arange(200))) @ (samples * hann)
    power = np.abs(dft) ** 2 / (hann**2).sum()
    mel = np.linspace(mel_of_hertz(50), mel_of_hertz(4000), 66)
    edges = 700 * (10 ** (mel / 2595) - 1)
    expected = []
    for low, mid, high in zip(edges, edges[1:], edges[2:], strict=False):
        triangle = np.clip(np.minimum((frequency - low) / (mid - low), (high - frequency) / (high - mid)), 0, None)
        if triangle.sum() == 0:
            triangle[np.abs(frequency - mid).argmin()] = 1
        expected.append(np.log((triangle / triangle.sum()) @ power + 1e-10))
    np.testing.assert_allclose(log_mel(samples, rate)[0], expected, rtol=1e-4)


def test_gain_shifts_by_its_decibels_and_white_noise_is_flat():
    noise = np.random.default_rng(0).normal(size=32_000) * 0.1
    loud, quiet = log_mel(noise, 16_000), log_mel(noise * 0.1, 16_000)
    np.testing.assert_allclose(loud - quiet, np.log(100), atol=1e-3)
    assert np.log(np.exp(loud).mean(axis=0)).std() < 0.1
    assert np.exp(loud).mean() == pytest.approx(0.01, rel=0.05)


def test_floor_is_80_db_under_the_loudest():
    clip = np.zeros(8000)
    clip[:4000] = np.sin(np.arange(4000))
    frames = log_mel(clip, 8000)
    assert frames.max() - frames.min() == pytest.approx(8 * np.log(10), abs=1e-4)
    assert np.isfinite(log_mel(np.zeros(8000), 8000)).all()


def test_short_clips_have_one_frame():
    assert log_mel(np.ones(3), 8000).shape == (1, BANDS)
    assert np.isfinite(statistics_of(log_mel(np.ones(3), 8000))).all()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((2, 10))])
def test_no_samples(samples):
    with pytest.raises(ShapeError, match="mono samples"):
        log_mel(samples, 8000)


def test_statistics_are_the_statistics():
    frames = np.random.default_rng(0).normal(size=(50, BANDS)).astype(np.float32)
    summary = statistics_of(frames).reshape(13, BANDS)
    np.testing.assert_allclose(summary[0], frames.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(summary[5], frames.max(axis=0))
    np.testing.assert_allclose(summary[8], frames[:10].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(summary[12], frames[40:].mean(axis=0), atol=1e-6)
