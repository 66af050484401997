"""Statistics of each band, standardised and whitened: the backbone that costs almost nothing.

With few labels it is as good as anything we measured; with many, patches.py is better on unseen speakers and ships.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from yori.backbones.whitening import MOST_ROWS, ShrunkWhitening, fit_whitening
from yori.signal.log_mel import statistics_of

VERSION = "statistics-1"


@dataclass(frozen=True)
class StatisticsModel:
    """Fitted backbone: scale of each statistic, and the projection."""

    scale: Float32[np.ndarray, " D"]
    whitening: ShrunkWhitening

    def arrays(self) -> dict[str, np.ndarray]:
        """Named arrays, as saved."""
        return {"scale": self.scale, "mean": self.whitening.mean, "projection": self.whitening.projection}


def _summaries(spectrograms: Sequence[Float32[np.ndarray, "frames bands"]]) -> Float32[np.ndarray, "n D"]:
    return np.stack([statistics_of(np.asarray(frames, dtype=np.float32)) for frames in spectrograms])


def fit(
    spectrograms: Sequence[Float32[np.ndarray, "frames bands"]], dimensions: int, *, rng: np.random.Generator
) -> StatisticsModel:
    """Fit scale and projection on unlabelled training clips; see patches.py for the parameters."""
    chosen = np.sort(rng.permutation(len(spectrograms))[:MOST_ROWS])
    summaries = _summaries([spectrograms[index] for index in chosen])
    scale = (summaries.std(axis=0) + 1e-3).astype(np.float32)
    return StatisticsModel(scale, fit_whitening(summaries / scale, dimensions))


def encode(
    model: StatisticsModel, spectrograms: Sequence[Float32[np.ndarray, "frames bands"]]
) -> Float32[np.ndarray, "n d"]:
    """Embeddings of clips, ``(n, d)``."""
    return model.whitening.apply(_summaries(spectrograms) / model.scale)


def model_of(arrays: dict[str, np.ndarray]) -> StatisticsModel:
    """The model whose `StatisticsModel.arrays` these are."""
    return StatisticsModel(arrays["scale"], ShrunkWhitening(arrays["mean"], arrays["projection"]))


def encode_flops(dimensions: int) -> int:
    """Closed formula for one clip of 100 frames × 64 bands (about a second): statistics of 64 bands, projection."""
    return 40 * 100 * 64 + 2 * 13 * 64 * dimensions
