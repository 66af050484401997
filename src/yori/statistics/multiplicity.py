"""Many tests at once: Holm for a fixed list of secondary metrics, Benjamini-Hochberg for scans over slices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError


def holm(p_values: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Adjust p-values so that *no* false finding is made among them with the chosen probability (Holm).

    Reject where the adjusted value is at most the level: the chance of even one false rejection stays below the level,
    however the tests depend on each other.

    Parameters
    ----------
    p_values
        Shape ``(m,)``, in ``[0, 1]``.

    Returns
    -------
    ``(m,)`` adjusted p-values in the order given, each at least as large as what came in.

    Raises
    ------
    ShapeError, ValuesError
        If there is no p-value, or one is NaN or outside ``[0, 1]``.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 1979.

    Examples
    --------
    >>> import numpy as np
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _check(p_values, "holm")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _back(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p_values: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Adjust p-values so that the expected *share* of false findings stays below the chosen level.

    For scans over many slices, where a few false alarms among many true ones are fine. Holds when the tests are
    independent or positively dependent.

    Parameters
    ----------
    p_values
        Shape ``(m,)``, in ``[0, 1]``.

    Returns
    -------
    ``(m,)`` adjusted p-values (often called q-values) in the order given.

    Raises
    ------
    ShapeError, ValuesError
        If there is no p-value, or one is NaN or outside ``[0, 1]``.

    References
    ----------
    Benjamini, Hochberg, Journal of the Royal Statistical Society B 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> import numpy as np
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = _check(p_values, "benjamini_hochberg")
    order = np.argsort(p, kind="stable")
    shares = p[order] * len(p) / np.arange(1, len(p) + 1)
    steps = np.minimum.accumulate(shares[::-1])[::-1]
    return _back(np.minimum(steps, 1.0), order)


def _check(p_values: Float[np.ndarray, " m"], where: str) -> Float[np.ndarray, " m"]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or len(p) == 0:
        raise ShapeError("p-values of shape (m,) with m ≥ 1", f"shape {p.shape}", where=where)
    check_finite(p, name="p_values", where=where)
    outside = (p < 0) | (p > 1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise ValuesError("p-values in [0, 1]", f"{p[row]:.6g} in row {row}", where=where)
    return p


def _back(values: Float[np.ndarray, " m"], order: np.ndarray) -> Float[np.ndarray, " m"]:
    """Values from sorted order back to the order given."""
    result = np.empty_like(values)
    result[order] = values
    return result
