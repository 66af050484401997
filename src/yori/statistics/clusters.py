"""Rows that come in clusters (clips of one recording) say less than their number: how alike they are, what it costs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from yori.arrays import check_finite, check_length
from yori.errors import ShapeError, ValuesError


def intraclass_correlation(values: Float[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"]) -> float:
    """Share of the variance of ``values`` that rows of one cluster have in common (one-way analysis of variance).

    0: rows of a cluster are no more alike than any others; 1: they are copies. The estimate may be slightly negative
    when the truth is near 0; it is not clamped. Pass the per-example *difference* of the loss or of correctness to
    plan a comparison: differences are often far less correlated than the losses themselves.

    Parameters
    ----------
    values
        Shape ``(n,)``.
    groups
        Shape ``(n,)``. Cluster of each row: numbers or strings.

    Returns
    -------
    float, at most 1. 0 when every value is the same.

    Raises
    ------
    ShapeError, ValuesError
        If lengths differ, a value is not finite, there are fewer than two clusters, or no cluster has two rows.

    References
    ----------
    Shrout, Fleiss, Psychological Bulletin 1979, doi:10.1037/0033-2909.86.2.420, ICC(1,1); mean cluster size for unequal
    clusters after Donner, International Statistical Review 1986, doi:10.2307/1403259.

    Examples
    --------
    >>> import numpy as np
    >>> round(intraclass_correlation(np.array([1.0, 1, 5, 5, 9, 9]), np.array([0, 0, 1, 1, 2, 2])), 3)
    1.0
    """
    x = np.asarray(values, dtype=np.float64)
    where = "intraclass_correlation"
    if x.ndim != 1 or len(x) == 0:
        raise ShapeError("values of shape (n,) with n ≥ 1", f"shape {x.shape}", where=where)
    check_finite(x, name="values", where=where)
    check_length(np.asarray(groups), len(x), name="groups", where=where)
    _, code, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    n, k = len(x), len(size)
    if k < 2 or n == k:
        raise ValuesError(
            "at least two clusters, and one of two rows or more",
            f"{k} clusters of {n} rows",
            where=where,
            fix="Without repeated rows in a cluster there is nothing to correlate.",
        )
    if np.ptp(x) == 0:
        return 0.0
    x = x - x.mean()
    mean = np.bincount(code, weights=x, minlength=k) / size
    between = float((size * mean**2).sum()) / (k - 1)
    within = float(((x - mean[code]) ** 2).sum()) / (n - k)
    typical = (n - float((size**2).sum()) / n) / (k - 1)
    return (between - within) / (between + (typical - 1) * within)


def design_effect(cluster_size: float, icc: float) -> float:
    """Factor by which clustering inflates the variance of a mean: ``1 + (m − 1)·ICC``.

    ``n`` rows in clusters of ``m`` are worth ``n / design_effect`` independent ones. For clusters of unequal size pass
    ``Σ m² / Σ m`` (`effective_cluster_size`), which is larger than the plain mean. 1 at least: a negative ICC counts
    as 0.

    Raises
    ------
    ValuesError
        If ``cluster_size < 1`` or ``icc`` lies outside ``[−1, 1]``.

    References
    ----------
    Kish, Survey Sampling, Wiley 1965.

    Examples
    --------
    >>> round(design_effect(10, 0.3), 6)
    3.7
    """
    if not cluster_size >= 1:
        raise ValuesError("a cluster size ≥ 1", f"{cluster_size}", where="design_effect")
    if not -1 <= icc <= 1:
        raise ValuesError("an intraclass correlation in [−1, 1]", f"{icc}", where="design_effect")
    return float(1.0 + (cluster_size - 1.0) * max(icc, 0.0))


def effective_cluster_size(groups: Shaped[np.ndarray, " n"]) -> float:
    """Cluster size that a row meets on average, ``Σ m² / Σ m``: what `design_effect` needs for unequal clusters.

    Raises
    ------
    ShapeError
        If there is no row.

    Examples
    --------
    >>> import numpy as np
    >>> effective_cluster_size(np.array(["a", "a", "a", "b"]))
    2.5
    """
    array = np.asarray(groups)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError("groups of shape (n,) with n ≥ 1", f"shape {array.shape}", where="effective_cluster_size")
    size = np.unique(array, return_counts=True)[1].astype(np.float64)
    return float((size**2).sum() / size.sum())
