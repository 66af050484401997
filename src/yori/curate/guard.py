"""How many edits a class can bear, so that no rare class is emptied by edits that please the others."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int

LARGEST_SHARE = 0.1
"""No class loses more than this share of its training examples."""

SMALLEST_CLASS = 5
"""No class falls below this many training examples by edits."""


class ClassGuard:
    """Counts what each class has lost and says whether it may lose one more.

    Parameters
    ----------
    labels
        ``(n,)`` class of every training example before any edit.
    classes
        Number of classes.
    largest_share
        Of a class's examples; but always at least one, if the class is large enough.

    Examples
    --------
    >>> guard = ClassGuard(np.repeat([0, 1], [100, 6]), classes=2)
    >>> guard.allows(1), guard.take(1), guard.allows(1)
    (True, None, False)
    """

    def __init__(self, labels: Int[np.ndarray, " n"], *, classes: int, largest_share: float = LARGEST_SHARE) -> None:
        count = np.bincount(labels, minlength=classes)
        self.left = [
            max(0, min(max(1, math.floor(largest_share * each)), each - SMALLEST_CLASS)) for each in count.tolist()
        ]

    def allows(self, label: int) -> bool:
        """Whether one more example of this class may go."""
        return self.left[label] > 0

    def take(self, label: int) -> None:
        """One example of this class goes."""
        self.left[label] -= 1

    def copy(self) -> ClassGuard:
        """An independent guard in the same state."""
        other = object.__new__(ClassGuard)
        other.left = list(self.left)
        return other
