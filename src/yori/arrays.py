"""Array aliases, and the checks every public function makes at its boundary.

Shapes are written once, in signatures, with these names; the test run checks them. Checks here raise the errors a user
sees, so that bad input never travels into the mathematics.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from yori.errors import ShapeError, ValuesError

Embeddings: TypeAlias = Float[np.ndarray, "n d"]
Probs: TypeAlias = Float[np.ndarray, "n c"]
Logits: TypeAlias = Float[np.ndarray, "n c"]
Labels: TypeAlias = Int[np.ndarray, " n"]
Confidence: TypeAlias = Float[np.ndarray, " n"]
Correct: TypeAlias = Bool[np.ndarray, " n"]

SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may be from summing to 1 before it is refused; nearer rows are renormalised."""

ROUNDING = 1e-9
"""A row whose sum is this near to 1 is left as it is: dividing it would move equal confidences one bit apart."""


def check_finite(array: NDArray[np.generic], *, name: str, where: str) -> None:
    """Raise `ValuesError` naming the first row that holds NaN or infinity."""
    if array.dtype.kind not in "fiub":
        kind = "an array of Python objects" if array.dtype == object else f"dtype {array.dtype}"
        raise ValuesError(f"a numeric array as {name}", kind, where=where)
    finite = np.isfinite(array)
    if not finite.all():
        first = tuple(np.argwhere(~finite)[0].tolist())
        column = "".join(f"column {each}; " for each in first[1:])
        raise ValuesError(
            f"finite numbers in {name}",
            f"{array[first]} in row {first[0]} ({column}{int((~finite).sum())} values in all)",
            where=where,
            fix="Remove or impute these rows first.",
        )


def check_length(array: NDArray[np.generic], n: int, *, name: str, where: str) -> None:
    """Raise `ShapeError` unless the first axis of ``array`` has length ``n``."""
    if array.ndim == 0 or len(array) != n:
        raise ShapeError(f"{n} rows in {name}", f"shape {array.shape}", where=where)


def check_labels(labels: NDArray[np.generic], classes: int, *, name: str = "labels", where: str) -> Labels:
    """Return ``labels`` as ``(n,)`` int64 in ``0 … classes − 1``, or raise.

    Raises
    ------
    ShapeError
        If ``labels`` is not one-dimensional.
    ValuesError
        If a label is no whole number or lies outside ``0 … classes − 1``. A missing label is never −1.
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ShapeError(f"{name} of shape (n,)", f"shape {array.shape}", where=where)
    if array.dtype.kind not in "iub":
        whole = array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.round(array)).all()
        if not whole:
            raise ValuesError(
                f"{name} as whole numbers", f"dtype {array.dtype}", where=where, fix="Encode the classes."
            )
    array = array.astype(np.int64)
    outside = (array < 0) | (array >= classes)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise ValuesError(
            f"{name} in 0 … {classes - 1}",
            f"{array[row]} in row {row}",
            where=where,
            fix="A missing label is a null, never -1: leave such rows out.",
        )
    return array


def check_probs(probs: NDArray[np.generic], *, where: str) -> Probs:
    """Return ``probs`` as ``(n, c)`` float64 whose rows sum to 1, or raise.

    Published probabilities reach 1.00001; rows within `SUM_TOLERANCE` of 1 are renormalised, rows within `ROUNDING`
    left as they are, others refused.

    Raises
    ------
    ShapeError
        If ``probs`` is not ``(n, c)`` with ``n ≥ 1`` and ``c ≥ 2``.
    ValuesError
        If a value is not finite, negative, or a row is farther than `SUM_TOLERANCE` from 1.
    """
    array = np.asarray(probs)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < 2:
        raise ShapeError("probs of shape (n, c) with n ≥ 1 and c ≥ 2", f"shape {array.shape}", where=where)
    check_finite(array, name="probs", where=where)
    array = array.astype(np.float64)  # always a copy
    if (array < 0).any():
        row = int(np.argwhere(array < 0)[0][0])
        raise ValuesError("probabilities ≥ 0", f"{array[row].min():.6g} in row {row}", where=where)
    total = array.sum(axis=1)
    worst = int(np.abs(total - 1).argmax())
    if abs(total[worst] - 1) > SUM_TOLERANCE:
        raise ValuesError(
            "rows of probs that sum to 1",
            f"a sum of {total[worst]:.6g} in row {worst}",
            where=where,
            fix="Pass probabilities, not logits or scores.",
        )
    off = np.abs(total - 1) > ROUNDING
    if off.any():
        array[off] /= total[off, None]
    return array
