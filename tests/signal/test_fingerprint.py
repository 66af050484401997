import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.signal.fingerprint import BANDS, DIMENSIONS, FRAMES, fingerprint
from yori.signal.near_duplicates import CORRELATION, SIMILARITY, aligned_correlation

RATE = 8000


def noise(seed, seconds=1.0, rate=RATE):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))


def recoded(samples, rate, container, subtype):
    import soundfile

    sink = io.BytesIO()
    soundfile.write(sink, samples, rate, format=container, subtype=subtype)
    sink.seek(0)
    return soundfile.read(sink)[0]


def planted(samples, rate, rng):
    """Copies of a clip that must be found."""
    import soxr

    lag = rate // 100
    up = soxr.resample(samples, rate, 2 * rate)
    return {
        "gain": 0.5 * samples,
        "sign": -samples,
        "pcm16": recoded(samples, rate, "WAV", "PCM_16"),
        "vorbis": recoded(samples, rate, "OGG", "VORBIS"),
        "resampled": soxr.resample(up, 2 * rate, rate),
        "noise at 30 dB": samples + rng.normal(0, samples.std() * 10**-1.5, len(samples)),
        "shifted by 10 ms": np.concatenate([np.zeros(lag), samples])[: len(samples)],
        "cut by 10 ms": samples[lag:],
    }


@pytest.fixture(scope="module")
def spoken(real_data):
    import soundfile

    paths = sorted((real_data / "fsdd" / "recordings").glob("*.wav"))[::75]
    return [soundfile.read(path)[0] for path in paths]


@pytest.fixture(scope="module")
def at_sea(real_data):
    """Consecutive windows of one second out of each recording, centred; and the recording each comes from."""
    import soundfile

    windows = []
    for number, path in enumerate(sorted((real_data / "deepship").glob("*/*.wav"))):
        samples, rate = soundfile.read(path, frames=6 * 32_000)
        samples = samples - samples.mean()
        windows += [(number, samples[k * rate : (k + 1) * rate]) for k in range(6)]
    return windows


def test_every_planted_copy_of_speech_is_found(spoken):
    rng = np.random.default_rng(0)
    for samples in spoken:
        own = fingerprint(samples, RATE)
        for name, copy in planted(samples, RATE, rng).items():
            assert fingerprint(copy, RATE) @ own >= SIMILARITY, name
            assert aligned_correlation(copy, samples, RATE) >= CORRELATION, name


def test_every_planted_copy_of_ship_noise_is_found(at_sea):
    import soxr

    rng = np.random.default_rng(0)
    for _, samples in at_sea[::9]:
        own = fingerprint(samples, 32_000)
        assert fingerprint(soxr.resample(samples, 32_000, 8000), 8000) @ own >= SIMILARITY
        for name, copy in planted(samples, 32_000, rng).items():
            assert fingerprint(copy, 32_000) @ own >= SIMILARITY, name


def test_a_window_cut_ten_milliseconds_off_is_alike(at_sea):
    joined = {}
    for number, samples in at_sea:
        joined.setdefault(number, []).append(samples)
    for parts in joined.values():
        whole = np.concatenate(parts)
        assert fingerprint(whole[8000:40_000], 32_000) @ fingerprint(whole[8320:40_320], 32_000) >= SIMILARITY


def test_seconds_of_the_same_ship_are_not_copies(at_sea):
    prints = np.stack([fingerprint(samples, 32_000) for _, samples in at_sea])
    similarity = prints @ prints.T
    np.fill_diagonal(similarity, 0)
    assert similarity.max() < 0.7


def test_stationary_noise_of_one_spectrum_is_not_alike():
    kernel = np.hanning(30)
    prints = np.stack([fingerprint(np.convolve(noise(seed), kernel, "same"), RATE) for seed in range(60)])
    similarity = prints @ prints.T
    np.fill_diagonal(similarity, 0)
    assert np.abs(similarity).max() < 0.5
    assert abs(similarity.mean()) < 0.05


def test_shape_norm_and_centring():
    vector = fingerprint(noise(0), RATE)
    assert vector.shape == (DIMENSIONS,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    table = vector.reshape(FRAMES, BANDS).astype(float)
    assert np.abs(table.mean(axis=0)).max() < 1e-6
    assert np.abs(table.mean(axis=1)).max() < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-0.5, 0.5), st.sampled_from([0.05, 0.3, 1.0, 4.0]))
def test_gain_and_offset_drop_out(gain, offset, seconds):
    samples = noise(1, seconds)
    assert fingerprint(gain * samples + offset, RATE) @ fingerprint(samples, RATE) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("rate", [4000, 8000, 11_025, 22_050, 44_100, 96_000])
def test_any_rate_and_any_length(rate):
    for seconds in (0.02, 0.5, 12.0):
        vector = fingerprint(noise(0, seconds, rate), rate)
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


def test_one_sample_is_a_clip():
    assert np.isfinite(fingerprint(np.array([0.5]), RATE)).all()


def test_steady_sounds_have_no_fingerprint():
    assert not fingerprint(np.zeros(RATE), RATE).any()
    assert not fingerprint(np.full(RATE, 0.25), RATE).any()


def test_channels_are_averaged():
    one, other = noise(0), noise(1)
    stereo = np.stack([one, other], axis=1)
    assert np.allclose(fingerprint(stereo, RATE), fingerprint((one + other) / 2, RATE), atol=1e-6)


def test_long_clips_are_cut_into_blocks_without_a_seam():
    long = noise(0, 60.0)
    assert fingerprint(long, RATE) @ fingerprint(long[80:], RATE) > 0.99


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        fingerprint(np.zeros(0), RATE)
    with pytest.raises(ValuesError):
        fingerprint(np.array([np.inf, 0.0]), RATE)
    with pytest.raises(ValuesError):
        fingerprint(np.ones(10), -1)
