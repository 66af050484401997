"""Bring every dimension to mean 0 and standard deviation 1, as measured on training examples only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError

SMALLEST = 1e-9
"""A dimension whose spread is below this share of the largest is constant: it is centred and not blown up."""


@dataclass(frozen=True)
class Standardise:
    """A fitted standardisation.

    Parameters
    ----------
    mean, scale
        ``d`` numbers each.
    """

    name: ClassVar[str] = "standardise"

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def fit(cls, train: Float[np.ndarray, "n d"]) -> Standardise:
        """Measure training examples.

        Raises
        ------
        ShapeError
            If there are none, or they are no table.
        ValuesError
            If a number is not finite.

        Examples
        --------
        >>> step = Standardise.fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> step.apply(np.array([[2.0, 6.0]]))
        array([[0., 1.]])
        """
        array = np.asarray(train)
        if array.ndim != 2 or len(array) == 0:
            raise ShapeError("training examples of shape (n, d), n ≥ 1", f"shape {array.shape}", where="standardise")
        check_finite(array, name="training examples", where="standardise")
        spread = array.std(axis=0, dtype=np.float64)
        usable = spread > SMALLEST * max(float(spread.max(initial=0.0)), 1e-300)
        return cls(tuple(array.mean(axis=0, dtype=np.float64).tolist()), tuple(np.where(usable, spread, 1.0).tolist()))

    def apply(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Standardise examples; the dtype stays."""
        self._check(x)
        done = (np.asarray(x, dtype=np.float64) - np.array(self.mean)) / np.array(self.scale)
        return done.astype(x.dtype)

    def undo(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """The opposite of `apply`."""
        self._check(x)
        return (np.asarray(x, dtype=np.float64) * np.array(self.scale) + np.array(self.mean)).astype(x.dtype)

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {"mean": list(self.mean), "scale": list(self.scale)}

    def _check(self, x: Float[np.ndarray, "n d"]) -> None:
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ShapeError(f"shape (n, {len(self.mean)})", f"shape {x.shape}", where="standardise")
