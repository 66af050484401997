"""Fill the gaps of a column with one value: the median, the most frequent, or one that is given."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from yori.errors import ValuesError

HOW = ("median", "most_frequent")


@dataclass(frozen=True)
class FillMissing:
    """A fitted value for the gaps of a column.

    Parameters
    ----------
    column
        Its name.
    value
        What stands in the gaps.
    how
        ``median``, ``most_frequent``, or ``given``.
    """

    name: ClassVar[str] = "fill_missing"

    column: str
    value: str | float
    how: str

    @classmethod
    def fit(cls, column: str, values: Sequence[str | float | None], how: str) -> FillMissing:
        """Choose the value from training examples.

        Parameters
        ----------
        column
            Its name.
        values
            Of the training examples; None and NaN are gaps.
        how
            ``median`` (numbers only), ``most_frequent``, or ``=VALUE`` for a given one.

        Raises
        ------
        ValuesError
            If there is nothing to learn from, a median is asked of text, or nobody knows the way.

        Examples
        --------
        >>> FillMissing.fit("site", ["near", None, "near", "far"], "most_frequent").apply([None, "far"])
        ['near', 'far']
        """
        if how.startswith("="):
            return cls(column, how[1:], "given")
        if how not in HOW:
            raise ValuesError(f"{', '.join(HOW)} or =VALUE", repr(how), where=f"fill {column}")
        known = [each for each in values if not _gap(each)]
        if not known:
            raise ValuesError("values to learn from", "none", where=f"fill {column}", fix="Give one: =VALUE")
        if how == "median":
            if any(isinstance(each, str) for each in known):
                raise ValuesError("numbers for a median", "text", where=f"fill {column}", fix="Use most_frequent.")
            return cls(column, float(np.median(np.array(known, dtype=np.float64))), how)
        counts = Counter(known)
        best = max(counts.values())
        first = min(
            (each for each in counts if counts[each] == best), key=str
        )  # of equals one, whatever the order of rows
        return cls(column, first if isinstance(first, str) else float(first), how)  # type: ignore[arg-type]

    def apply(self, values: Sequence[str | float | None]) -> list[str | float | None]:
        """Values without gaps."""
        return [self.value if _gap(each) else each for each in values]

    def fields(self) -> dict[str, Any]:
        """What is recorded."""
        return {"column": self.column, "value": self.value, "how": self.how}


def _gap(value: str | float | None) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )
