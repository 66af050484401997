"""Statistics of each band, standardised and whitened: the backbone that costs almost nothing.

With few labels it is as good as anything we measured; with many, patches.py is better on unseen speakers and ships.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from yori.signal.log_mel import statistics_of

VERSION = "statistics-1"
CLIPS_TO_FIT = 4000


@dataclass(frozen=True)
class StatisticsFeatures:
    """Spread of each statistic over the training clips."""

    scale: Float32[np.ndarray, " D"]

    def arrays(self) -> dict[str, np.ndarray]:
        """Named arrays, as saved."""
        return {"scale": self.scale}


def _summaries(spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]]) -> Float32[np.ndarray, "n D"]:
    return np.stack([statistics_of(np.asarray(frames, dtype=np.float32)) for frames in spectrograms])


def learn(
    spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]], *, rng: np.random.Generator
) -> StatisticsFeatures:
    """Learn the scales on unlabelled training clips; see patches.py for the parameters."""
    chosen = np.sort(rng.permutation(len(spectrograms))[:CLIPS_TO_FIT])
    summaries = _summaries([spectrograms[index] for index in chosen.tolist()])
    return StatisticsFeatures((summaries.std(axis=0) + 1e-3).astype(np.float32))


def pool(
    features: StatisticsFeatures, spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]]
) -> Float32[np.ndarray, "n D"]:
    """Scaled statistics of clips, ``(n, D)``."""
    result: Float32[np.ndarray, "n D"] = _summaries(spectrograms) / features.scale
    return result


def features_of(arrays: Mapping[str, np.ndarray]) -> StatisticsFeatures:
    """The scales whose `StatisticsFeatures.arrays` these are."""
    return StatisticsFeatures(arrays["scale"])


def encode_flops(dimensions: int, frames: int = 98) -> int:
    """Closed formula for one clip of so many frames × 64 bands: statistics of 64 bands, projection."""
    return 40 * frames * 64 + 2 * 13 * 64 * dimensions
