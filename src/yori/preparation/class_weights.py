"""Weights that let small classes count for more in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from yori.errors import ShapeError, ValuesError

LARGEST = 20.0
"""No class weighs more than this: a class of three examples would otherwise be fitted by heart."""


@dataclass(frozen=True)
class ClassWeights:
    """A fitted weight for each class; their mean over the training examples is 1.

    Parameters
    ----------
    weights
        ``(class, weight)``.
    power
        0 = every example counts the same, 1 = every class counts the same.
    """

    name: ClassVar[str] = "class_weights"

    weights: tuple[tuple[str, float], ...]
    power: float

    @classmethod
    def fit(cls, labels: Sequence[str], *, power: float = 1.0) -> ClassWeights:
        """Count training labels. The weight of a class of ``n`` examples is ``n`` to the power ``−power``, at most `LARGEST`
        times that of the largest class, and rescaled.

        Raises
        ------
        ShapeError
            If there are no labels.
        ValuesError
            If the power is not between 0 and 1, or there is only one class.

        Examples
        --------
        >>> ClassWeights.fit(["ship"] * 3 + ["whale"]).weights
        (('ship', 0.6666666666666666), ('whale', 2.0))
        """
        if not labels:
            raise ShapeError("training labels", "none", where="class_weights")
        if not 0 <= power <= 1:
            raise ValuesError("a power from 0 to 1", f"{power:g}", where="class_weights")
        counts = Counter(labels)
        if len(counts) < 2:
            raise ValuesError("labels of two classes", f"only {labels[0]!r}", where="class_weights")
        most = max(counts.values())
        raw = {name: min((most / count) ** power, LARGEST) for name, count in sorted(counts.items())}
        scale = sum(counts.values()) / sum(raw[name] * count for name, count in counts.items())
        return cls(tuple((name, raw[name] * scale) for name in raw), power)

    def apply(self, labels: Sequence[str]) -> list[float]:
        """Weight of each example; 1 for a class that was not there."""
        known = dict(self.weights)
        return [known.get(label, 1.0) for label in labels]

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {"weights": dict(self.weights), "power": self.power}
