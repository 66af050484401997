import numpy as np
import pytest

from yori.backbones import patches
from yori.signal.log_mel import log_mel

RATE = 8000


def all_patches(spectrograms: list[np.ndarray]) -> np.ndarray:
    """Every patch of every clip, normalised for contrast, one at a time."""
    side, rows = patches.SIDE, []
    for frames in spectrograms:
        for t in range(len(frames) - side + 1):
            for b in range(frames.shape[1] - side + 1):
                patch = frames[t : t + side, b : b + side].astype(np.float64).ravel()
                patch -= patch.mean()
                rows.append(patch / np.sqrt((patch**2).mean() + patches.CONTRAST))
    return np.array(rows)


def distances(features: patches.PatchFeatures, points: np.ndarray) -> np.ndarray:
    white = (points - features.patch_mean) @ features.patch_whitening.astype(np.float64)
    return np.sqrt(((white[:, None] - features.centroids[None]) ** 2).sum(axis=2))


@pytest.fixture
def clips(make_spectrograms) -> list[np.ndarray]:
    return make_spectrograms(6)


def test_more_iterations_of_k_means_bring_the_centroids_nearer(clips, monkeypatch):
    points = all_patches(clips)
    monkeypatch.setattr(patches, "PATCHES_TO_FIT", 40_000)  # more than one block
    inertia = []
    for iterations in (0, 1, 8):
        monkeypatch.setattr(patches, "ITERATIONS", iterations)
        features = patches.learn(clips, rng=np.random.default_rng(0))
        inertia.append((distances(features, points).min(axis=1) ** 2).mean())
    assert inertia[0] > 1.05 * inertia[1] > 1.05 * inertia[2]


def test_whitened_patches_have_about_unit_variance_where_there_is_any(clips):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    white = (all_patches(clips) - features.patch_mean) @ features.patch_whitening
    values = np.linalg.eigvalsh(np.cov(white, rowvar=False))
    assert values.max() < 1.3
    assert np.median(values) > 0.3


def test_codes_are_how_much_nearer_than_average_each_centroid_is(clips, monkeypatch):
    monkeypatch.setattr(patches, "TIME_PARTS", 1)
    monkeypatch.setattr(patches, "BAND_PARTS", 1)
    features = patches.learn(clips, rng=np.random.default_rng(0))
    pooled = patches.pool(features, clips[:2])
    for row, frames in zip(pooled, clips, strict=False):
        distance = distances(features, all_patches([frames]))
        code = np.maximum(distance.mean(axis=1, keepdims=True) - distance, 0)
        np.testing.assert_allclose(row, np.sqrt(code.mean(axis=0)), atol=2e-3)


def test_shape_and_range(clips):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    pooled = patches.pool(features, clips)
    assert pooled.shape == (6, patches.TIME_PARTS * patches.BAND_PARTS * len(features.centroids))
    assert pooled.dtype == np.float32
    assert np.isfinite(pooled).all()
    assert (pooled >= 0).all()
    assert (pooled.std(axis=0) > 0).any()


def test_same_seed_same_bytes_other_seed_other_dictionary(clips):
    def arrays(seed: int) -> dict[str, np.ndarray]:
        return patches.learn(clips, rng=np.random.default_rng(seed)).arrays()

    one, again, other = arrays(3), arrays(3), arrays(4)
    for name, array in one.items():
        np.testing.assert_array_equal(array, again[name])
    assert not np.array_equal(one["centroids"], other["centroids"])


@pytest.mark.parametrize("length", [1, 2, 5, 6, 9, 10, 300, 2000])
def test_any_length(clips, make_spectrograms, length):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    long = np.concatenate([*clips] * (length // sum(len(clip) for clip in clips) + 1))[:length]
    pooled = patches.pool(features, [long, clips[0]])
    assert np.isfinite(pooled).all()
    np.testing.assert_array_equal(pooled[1], patches.pool(features, clips[:1])[0])


def test_learns_from_clips_of_one_frame(clips):
    features = patches.learn([clip[:1] for clip in clips], rng=np.random.default_rng(0))
    assert np.isfinite(patches.pool(features, clips)).all()


def test_a_clip_that_never_changes_is_the_same_in_all_parts_of_time(clips):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    steady = np.repeat(clips[0][10:11], 50, axis=0)
    parts = patches.pool(features, [steady])[0].reshape(patches.TIME_PARTS, -1)
    np.testing.assert_allclose(parts, np.broadcast_to(parts[0], parts.shape), atol=1e-5)
    np.testing.assert_allclose(patches.pool(features, [steady[:20]])[0], parts.ravel(), atol=1e-5)


def test_a_part_of_the_spectrum_sees_only_its_bands(clips):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    louder = clips[0].copy()
    louder[:, -4:] -= 3 * np.arange(4)  # a slope in the highest bands; the frames' order of loudness stays
    before, after = (
        patches.pool(features, [frames])[0].reshape(patches.TIME_PARTS, patches.BAND_PARTS, -1)
        for frames in (clips[0], louder)
    )
    assert not np.allclose(before[:, -1], after[:, -1])
    np.testing.assert_allclose(before[:, 0].mean(axis=0), after[:, 0].mean(axis=0), atol=0.05)


def test_digital_silence(clips):
    silent = [log_mel(np.zeros(round(RATE * seconds)), RATE) for seconds in (0.01, 0.2, 0.5)]
    features = patches.learn(clips, rng=np.random.default_rng(0))
    assert np.isfinite(patches.pool(features, silent)).all()
    only = patches.learn(silent, rng=np.random.default_rng(0))
    pooled = patches.pool(only, silent)
    np.testing.assert_array_equal(pooled, pooled[:1].repeat(3, axis=0))


def test_arrays_round_trip(clips):
    features = patches.learn(clips, rng=np.random.default_rng(0))
    again = patches.features_of(features.arrays())
    np.testing.assert_array_equal(patches.pool(again, clips), patches.pool(features, clips))


def test_clips_are_not_modified(clips):
    before = [clip.copy() for clip in clips]
    patches.pool(patches.learn(clips, rng=np.random.default_rng(0)), clips)
    for clip, copy in zip(clips, before, strict=True):
        np.testing.assert_array_equal(clip, copy)


def test_projection_is_counted_by_the_width_of_the_pooled_codes(clips):
    width = patches.pool(patches.learn(clips, rng=np.random.default_rng(0)), clips).shape[1]
    assert patches.encode_flops(10) - patches.encode_flops(0) == 2 * width * 10
    per_patch = (95 * 59) * 2 * 36 * (36 + patches.CENTROIDS)  # the product with whitening and centroids alone
    assert per_patch < patches.encode_flops(0) < 1.3 * per_patch
