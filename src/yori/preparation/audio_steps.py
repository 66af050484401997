"""What can be done to a clip: resample, take the offset out, bring to one level. Nothing is learnt from other clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError
from yori.signal.quality import level_dbfs

PEAK = 10 ** (-1 / 20)
"""No sample exceeds −1 dBFS afterwards: the level is then missed rather than the clip clipped."""


@dataclass(frozen=True)
class Resample:
    """Bring clips to ``rate`` samples in a second."""

    name: ClassVar[str] = "resample"

    rate: int

    def __post_init__(self) -> None:
        if not 1000 <= self.rate <= 384_000:
            raise ValuesError("a rate from 1 000 to 384 000 Hz", str(self.rate), where="resample")

    def apply(self, samples: Float[np.ndarray, " n"], rate: int) -> tuple[Float[np.ndarray, " m"], int]:
        """Samples at the new rate."""
        _check(samples, "resample")
        if rate == self.rate:
            return samples, rate
        import soxr

        return soxr.resample(samples, rate, self.rate, quality="HQ").astype(samples.dtype), self.rate

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {"rate": self.rate}


@dataclass(frozen=True)
class RemoveOffset:
    """Take the mean of the samples out."""

    name: ClassVar[str] = "remove_offset"

    def apply(self, samples: Float[np.ndarray, " n"], rate: int) -> tuple[Float[np.ndarray, " m"], int]:
        """Samples with mean 0.

        Examples
        --------
        >>> RemoveOffset().apply(np.array([1.0, 2.0, 3.0]), 8000)
        (array([-1.,  0.,  1.]), 8000)
        """
        _check(samples, "remove_offset")
        return (samples - samples.mean(dtype=np.float64)).astype(samples.dtype), rate

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {}


@dataclass(frozen=True)
class NormaliseLevel:
    """Bring clips to a level, in dBFS around the mean; a full-scale sine has −3. Clips of equal samples stay as they are."""

    name: ClassVar[str] = "normalise_level"

    level: float

    def __post_init__(self) -> None:
        if not -80 <= self.level <= -3:
            raise ValuesError("a level from −80 to −3 dBFS", f"{self.level:g}", where="normalise_level")

    def apply(self, samples: Float[np.ndarray, " n"], rate: int) -> tuple[Float[np.ndarray, " m"], int]:
        """Samples times one gain, which keeps every sample below −1 dBFS.

        Examples
        --------
        >>> wave = np.sin(np.arange(8000) * 2 * np.pi / 80)
        >>> quiet, _ = NormaliseLevel(-20.0).apply(wave, 8000)
        >>> round(level_dbfs(quiet), 6)
        -20.0
        """
        _check(samples, "normalise_level")
        own = level_dbfs(samples)
        if own == -np.inf:
            return samples, rate
        gain = min(10 ** ((self.level - own) / 20), PEAK / float(np.abs(samples).max()))
        return (samples * gain).astype(samples.dtype), rate

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {"level": self.level}


AudioStep = Resample | RemoveOffset | NormaliseLevel


def _check(samples: Float[np.ndarray, " n"], where: str) -> None:
    if samples.ndim != 1 or len(samples) == 0:
        raise ShapeError("samples (n,), n ≥ 1", f"shape {samples.shape}", where=where)
    check_finite(samples, name="samples", where=where)
