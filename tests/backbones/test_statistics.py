import numpy as np
import pytest

from yori.backbones import statistics
from yori.signal.log_mel import log_mel


@pytest.fixture
def clips(make_spectrograms) -> list[np.ndarray]:
    return make_spectrograms(12)


def test_each_statistic_is_divided_by_its_spread_over_the_training_clips(clips):
    features = statistics.learn(clips[:8], rng=np.random.default_rng(0))
    pooled = statistics.pool(features, clips)
    bands = clips[0].shape[1]
    assert pooled.shape == (12, 13 * bands)
    assert pooled.dtype == np.float32
    spread = pooled[:8].std(axis=0)
    assert (spread < 1.001).all()  # a thousandth is added to the spread, so that none is divided by zero
    assert np.median(spread) > 0.99
    mean = np.array([clip.mean(axis=0) for clip in clips])
    np.testing.assert_allclose(pooled[:, :bands], mean / (mean[:8].std(axis=0) + 1e-3), rtol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 500])
def test_any_length(clips, length):
    features = statistics.learn(clips, rng=np.random.default_rng(0))
    long = np.concatenate([*clips] * (length // sum(len(clip) for clip in clips) + 1))[:length]
    pooled = statistics.pool(features, [long, clips[0]])
    assert np.isfinite(pooled).all()
    np.testing.assert_array_equal(pooled[1], statistics.pool(features, clips[:1])[0])


def test_silence_and_equal_clips_stay_finite():
    silent = [log_mel(np.zeros(2000), 8000)] * 3
    features = statistics.learn(silent, rng=np.random.default_rng(0))
    pooled = statistics.pool(features, silent)
    assert np.isfinite(pooled).all()
    np.testing.assert_array_equal(pooled[0], pooled[2])


@pytest.mark.usefixtures("unchecked")  # which reads elements at random
def test_only_so_many_clips_are_read(clips, monkeypatch):
    class Counting(list):
        read = 0

        def __getitem__(self, index):
            self.read += 1
            return super().__getitem__(index)

    monkeypatch.setattr(statistics, "CLIPS_TO_FIT", 5)
    counting = Counting(clips)
    one, two = (statistics.learn(counting, rng=np.random.default_rng(7)) for _ in range(2))
    assert counting.read == 10
    np.testing.assert_array_equal(one.scale, two.scale)


def test_arrays_round_trip_and_clips_are_not_modified(clips):
    before = [clip.copy() for clip in clips]
    features = statistics.learn(clips, rng=np.random.default_rng(0))
    again = statistics.features_of(features.arrays())
    np.testing.assert_array_equal(statistics.pool(again, clips), statistics.pool(features, clips))
    for clip, copy in zip(clips, before, strict=True):
        np.testing.assert_array_equal(clip, copy)


def test_projection_is_counted_by_the_width_of_the_statistics(clips):
    width = statistics.pool(statistics.learn(clips, rng=np.random.default_rng(0)), clips).shape[1]
    assert statistics.encode_flops(10) - statistics.encode_flops(0) == 2 * width * 10
