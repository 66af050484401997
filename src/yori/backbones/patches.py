"""k-means features of spectrogram patches: what a single-layer network learns without labels or gradients.

Patches of 6 frames × 6 bands are normalised for contrast, whitened, and coded by how much nearer than average each of 256
centroids is; codes are averaged in 4 parts of the clip × 8 parts of the frequency axis, then the square root is taken. The
parts in time hold equal shares of what is heard: silence before and after a sound does not shift what falls into which
part, and in a steady noise the parts are as long as each other. Clips may have any length. Constants were chosen on spoken
digits (see docs/log.md).

Departures from the paper: pooling grids differ by axis; time is parted by activity; clips keep their length instead of being
cut to one; the square root, which evens out the counts.

References
----------
Coates, Ng, Lee, "An analysis of single-layer networks in unsupervised feature learning", AISTATS 2011.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

VERSION = "patches-3"
SIDE = 6
CENTROIDS = 256
TIME_PARTS = 4
BAND_PARTS = 8
CONTRAST = 1.0
"""Added to a patch's variance (in squared nepers): flat patches stay flat instead of becoming amplified noise."""
QUIET = 0.05
"""What the quietest frame counts for, as a share of the loudest, when time is parted by activity."""
PATCHES_TO_FIT = 100_000
CLIPS_TO_FIT = 4000
ITERATIONS = 15
MOST_FRAMES_PER_PART = 64
"""Longer clips are read with a stride: pooling over more frames than this changes nothing."""

Patches = Float32[np.ndarray, "patches pixels"]


@dataclass(frozen=True)
class PatchFeatures:
    """Learned dictionary: patch mean, whitening, centroids."""

    patch_mean: Float32[np.ndarray, " pixels"]
    patch_whitening: Float32[np.ndarray, "pixels pixels"]
    centroids: Float32[np.ndarray, "k pixels"]

    def arrays(self) -> dict[str, np.ndarray]:
        """Named arrays, as saved."""
        return {
            "patch_mean": self.patch_mean,
            "patch_whitening": self.patch_whitening,
            "centroids": self.centroids,
        }


def _padded(frames: Float32[np.ndarray, "frames bands"]) -> Float32[np.ndarray, "padded bands"]:
    short = SIDE + TIME_PARTS - 1 - len(frames)
    return np.pad(frames, ((0, short), (0, 0)), mode="edge") if short > 0 else frames


def _contrast(patches: Patches) -> Patches:
    centred = patches - patches.mean(axis=1, keepdims=True)
    centred /= np.sqrt((centred * centred).mean(axis=1, keepdims=True) + np.float32(CONTRAST))
    return centred


def _patches(frames: Float32[np.ndarray, "frames bands"], stride: int = 1) -> Float32[np.ndarray, "t f pixels"]:
    view = np.lib.stride_tricks.sliding_window_view(frames, (SIDE, SIDE))[::stride]
    return view.reshape(*view.shape[:2], SIDE * SIDE)


def _learn_dictionary(
    spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chosen = np.sort(rng.permutation(len(spectrograms))[:CLIPS_TO_FIT])
    each = max(1, -(-PATCHES_TO_FIT // len(chosen)))
    sample = []
    for index in chosen.tolist():
        frames = _padded(np.asarray(spectrograms[index], dtype=np.float32))
        view = np.lib.stride_tricks.sliding_window_view(frames, (SIDE, SIDE))
        time, band = rng.integers(0, view.shape[0], each), rng.integers(0, view.shape[1], each)
        sample.append(view[time, band].reshape(each, SIDE * SIDE))
    patches = _contrast(np.concatenate(sample))
    mean = patches.mean(axis=0)
    covariance = np.cov(patches, rowvar=False, dtype=np.float64)
    values, vectors = np.linalg.eigh(covariance)
    whitening = ((vectors / np.sqrt(values + 0.01 * values.mean() + 1e-8)) @ vectors.T).astype(np.float32)
    white = (patches - mean) @ whitening
    return mean, whitening, _k_means(white, rng)


def _k_means(points: Patches, rng: np.random.Generator) -> Float32[np.ndarray, "k pixels"]:
    """Lloyd's algorithm; empty clusters start again at a random point."""
    from scipy.sparse import csr_array

    n = len(points)
    centroids = points[np.sort(rng.permutation(n)[: min(CENTROIDS, n)])].copy()
    k = len(centroids)
    for _ in range(ITERATIONS):
        nearest = np.empty(n, dtype=np.int32)
        for start in range(0, n, 16_384):
            block = points[start : start + 16_384]
            distance = (centroids * centroids).sum(axis=1) - 2 * (block @ centroids.T)
            nearest[start : start + 16_384] = distance.argmin(axis=1)
        count = np.bincount(nearest, minlength=k)
        member = csr_array((np.ones(n, dtype=np.float32), (nearest, np.arange(n))), shape=(k, n))
        total = member @ points
        used = count > 0
        centroids[used] = total[used] / count[used, None]
        centroids[~used] = points[rng.integers(0, n, int((~used).sum()))]
    return centroids


def _parts_of_equal_activity(frames: Float32[np.ndarray, "frames bands"], steps: int) -> Int64[np.ndarray, " cuts"]:
    """``TIME_PARTS + 1`` cuts of the ``steps`` patch positions; no part is empty."""
    centre = np.linspace(SIDE // 2, len(frames) - 1 - (SIDE - 1) // 2, steps).round().astype(np.int64)
    loud = frames.mean(axis=1, dtype=np.float64)[centre]
    loud = np.maximum(loud - np.percentile(loud, 5), 0)
    loud += QUIET * max(float(loud.max()), 1e-6)
    share = np.concatenate([[0.0], np.cumsum(loud)])
    cuts = np.searchsorted(share, share[-1] * np.arange(TIME_PARTS + 1) / TIME_PARTS)
    cuts[0], cuts[-1] = 0, steps
    for part in range(1, TIME_PARTS):
        cuts[part] = min(max(cuts[part], cuts[part - 1] + 1), steps - (TIME_PARTS - part))
    return cuts


def _pool(
    frames: Float32[np.ndarray, "frames bands"],
    mean: Float32[np.ndarray, " pixels"],
    whitening: Float32[np.ndarray, "pixels pixels"],
    centroids: Float32[np.ndarray, "k pixels"],
) -> Float32[np.ndarray, " D"]:
    """Pooled codes of one clip, before whitening: ``(TIME_PARTS · BAND_PARTS · k,)``."""
    frames = _padded(np.asarray(frames, dtype=np.float32))
    steps = len(frames) - SIDE + 1
    patches = _patches(frames, max(1, steps // (TIME_PARTS * MOST_FRAMES_PER_PART)))
    steps, bands = patches.shape[:2]
    times = _parts_of_equal_activity(frames, steps)
    rows = np.linspace(0, bands, BAND_PARTS + 1).round().astype(np.int64)
    # One product gives both the whitened patch (for its length) and its inner products with all centroids.
    both = np.concatenate([whitening, -2 * (whitening @ centroids.T)], axis=1)
    length = (centroids * centroids).sum(axis=1)
    pooled = np.empty((TIME_PARTS, BAND_PARTS, len(centroids)), dtype=np.float32)
    for part in range(TIME_PARTS):
        chunk = patches[times[part] : times[part + 1]].reshape(-1, SIDE * SIDE)
        product = (_contrast(chunk) - mean) @ both
        white, inner = product[:, : SIDE * SIDE], product[:, SIDE * SIDE :]
        squared = (white * white).sum(axis=1, keepdims=True)
        inner += squared
        inner += length
        np.maximum(inner, 0, out=inner)
        distance = np.sqrt(inner, out=inner)
        code = np.subtract(distance.mean(axis=1, keepdims=True), distance, out=distance)
        np.maximum(code, 0, out=code)
        over_time = code.reshape(-1, bands, len(centroids)).mean(axis=0)
        pooled[part] = np.add.reduceat(over_time, rows[:-1], axis=0) / np.diff(rows)[:, None]
    return np.sqrt(pooled).ravel()


def learn(spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]], *, rng: np.random.Generator) -> PatchFeatures:
    """Learn the dictionary on unlabelled training clips.

    Parameters
    ----------
    spectrograms
        Log-mel spectrograms of training clips, each ``(frames, bands)``; read by index, need not fit in memory.
    rng
        Draws clips, patches and starting centroids.
    """
    return PatchFeatures(*_learn_dictionary(spectrograms, rng))


def pool(
    features: PatchFeatures, spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]]
) -> Float32[np.ndarray, "n D"]:
    """Pooled codes of clips, ``(n, TIME_PARTS · BAND_PARTS · k)``."""
    parts = [
        _pool(frames, features.patch_mean, features.patch_whitening, features.centroids) for frames in spectrograms
    ]
    return np.stack(parts)


def features_of(arrays: Mapping[str, np.ndarray]) -> PatchFeatures:
    """The dictionary whose `PatchFeatures.arrays` these are."""
    return PatchFeatures(arrays["patch_mean"], arrays["patch_whitening"], arrays["centroids"])


def encode_flops(dimensions: int, frames: int = 98) -> int:
    """Closed formula for one clip of so many frames × 64 bands: patches, distances, pooling, projection."""
    frames = max(frames, SIDE + TIME_PARTS - 1)
    steps = len(range(0, frames - SIDE + 1, max(1, (frames - SIDE + 1) // (TIME_PARTS * MOST_FRAMES_PER_PART))))
    patches = steps * (64 - SIDE + 1)
    pixels = SIDE * SIDE
    per_patch = 5 * pixels + 2 * pixels * (pixels + CENTROIDS) + 2 * pixels + 8 * CENTROIDS
    pooled = TIME_PARTS * BAND_PARTS * CENTROIDS
    return patches * per_patch + pooled + 2 * pooled * dimensions
