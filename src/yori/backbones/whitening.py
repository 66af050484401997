"""Principal components, brought to comparable scale, but not all the way.

Full whitening gives every component the same variance, the noisiest included, and a linear head overfits them; no whitening
lets a few loud components drown the rest. Component *k* of variance ``v_k`` is divided by ``√(v_k / v̄ + s)``, ``v̄`` the mean
variance and ``s`` the shrinkage: 0 is full whitening, ∞ plain principal components. On spoken digits of unseen speakers
s = 10 was 3 points better than s = 1 and 2 points better than s = 100.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from yori.errors import ShapeError

SHRINKAGE = 10.0
MOST_ROWS = 2048
"""Components are estimated on at most this many rows: the cost grows with their cube."""


@dataclass(frozen=True)
class ShrunkWhitening:
    """``(x − mean) @ projection``."""

    mean: Float32[np.ndarray, " D"]
    projection: Float32[np.ndarray, "D k"]

    def apply(self, features: Float32[np.ndarray, "n D"]) -> Float32[np.ndarray, "n k"]:
        """Project features, ``(n, D)`` → ``(n, k)``."""
        result: Float32[np.ndarray, "n k"] = (features - self.mean) @ self.projection
        return result


def fit_whitening(
    features: Float32[np.ndarray, "n D"], dimensions: int, *, shrinkage: float = SHRINKAGE
) -> ShrunkWhitening:
    """Fit on ``(n, D)`` features of training examples.

    Returns a projection to ``min(dimensions, n − 1, D)`` components; the mean variance of the result is near 1.

    Raises
    ------
    ShapeError
        If there are fewer than two rows.
    """
    from scipy.linalg import eigh

    n, width = features.shape
    if n < 2:
        raise ShapeError("at least two training examples", str(n), where="whitening")
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = features - mean
    keep = min(dimensions, n - 1, width)
    if n <= width:
        gram = (centred @ centred.T).astype(np.float64) / n
        variance, basis = eigh(gram, subset_by_index=[n - keep, n - 1])
    else:
        moment = (centred.T @ centred).astype(np.float64) / n
        variance, basis = eigh(moment, subset_by_index=[width - keep, width - 1])
    variance, basis = variance[::-1], basis[:, ::-1]
    real = variance > 1e-6 * max(float(variance[0]), np.finfo(np.float64).tiny)
    if not real.any():  # all rows equal: nothing to tell apart
        return ShrunkWhitening(mean, np.zeros((width, 1), dtype=np.float32))
    variance, basis = variance[real], basis[:, real]
    directions = centred.T @ (basis / np.sqrt(variance * n)).astype(np.float32) if n <= width else basis
    # The sign of an eigenvector is arbitrary and differs between LAPACK builds: fix it.
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(directions.shape[1])])
    average = float(variance.mean())
    scale = np.sqrt((1 + shrinkage) / (variance / average + shrinkage) / average)
    return ShrunkWhitening(mean, np.ascontiguousarray(directions * scale, dtype=np.float32))
