"""Examples unlike all others, by their distance to their nearest neighbours in the embedding.

The distance is the mean over `NEIGHBOURS` neighbours, in logarithms, and compared with its median over all examples in
units of a robust standard deviation (1.4826 times the median absolute deviation). Severity: medium from `MEDIUM` such units
on, low from `LOW` on: an outlier may be the rarest and best example of its class, so nobody should drop it unseen. Test
examples of a fixed split that are as far from the *training* examples are out of distribution, and said so.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_finite
from yori.audit.findings import Finding, Severity

NEIGHBOURS = 10
LOW, MEDIUM = 5.0, 7.0
_ROWS = 1024
_COLUMNS = 16_384


def neighbour_distance(
    embeddings: Float[np.ndarray, "n d"],
    reference: Float[np.ndarray, "m d"],
    *,
    neighbours: int = NEIGHBOURS,
    same: bool = False,
) -> Float[np.ndarray, " n"]:
    """Mean Euclidean distance to the nearest rows of a reference.

    Parameters
    ----------
    embeddings, reference
        ``(n, d)`` and ``(m, d)``.
    neighbours
        How many; fewer where the reference is smaller.
    same
        Whether the reference is the same array: a row is then not its own neighbour.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [10.0]])
    >>> neighbour_distance(x, x, neighbours=1, same=True)
    array([1., 1., 9.])
    """
    check_finite(np.asarray(embeddings), name="embeddings", where="outliers")
    x, y = np.asarray(embeddings, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    take = min(neighbours, len(y) - int(same))
    found = np.zeros(len(x))
    if take < 1:
        return found
    centre = y.mean(axis=0)
    x, y = (x - centre).astype(np.float32), (y - centre).astype(np.float32)
    size_y = np.einsum("ij,ij->i", y, y)
    for begin in range(0, len(x), _ROWS):
        block = x[begin : begin + _ROWS]
        nearest = np.full((len(block), 0), np.inf, dtype=np.float32)
        which = np.zeros((len(block), 0), dtype=np.int64)
        for left in range(0, len(y), _COLUMNS):
            square = size_y[left : left + _COLUMNS] - 2 * (block @ y[left : left + _COLUMNS].T)
            if same:
                own = np.arange(begin, begin + len(block)) - left
                inside = (own >= 0) & (own < square.shape[1])
                square[np.flatnonzero(inside), own[inside]] = np.inf
            both = np.concatenate([nearest, square], axis=1)
            place = np.concatenate([which, np.broadcast_to(np.arange(left, left + square.shape[1]), square.shape)], 1)
            keep = np.argpartition(both, take - 1, axis=1)[:, :take] if both.shape[1] > take else None
            nearest = both if keep is None else np.take_along_axis(both, keep, axis=1)
            which = place if keep is None else np.take_along_axis(place, keep, axis=1)
        # Squares by subtraction lose what small distances consist of, so the few that are left are computed anew.
        away = block[:, None, :] - y[which]
        found[begin : begin + len(block)] = np.sqrt(np.einsum("nkd,nkd->nk", away, away)).mean(axis=1)
    return found


def robust_units(
    values: Float[np.ndarray, " n"], *, of: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, " n"]:
    """How many robust standard deviations the logarithm of each value lies above the median; 0 where there is no spread.

    Examples
    --------
    >>> robust_units(np.array([1.0, 1.1, 0.9, 1.05, 0.95, 100.0])).round()[-1] > 20
    np.True_
    """
    scale = values if of is None else of
    positive = scale[scale > 0]
    if len(positive) < 3:
        return np.zeros(len(values))
    log = np.log(np.maximum(values, positive.min()))
    reference = np.log(positive)
    middle = np.median(reference)
    spread = 1.4826 * np.median(np.abs(reference - middle))
    return (log - middle) / spread if spread > 1e-9 else np.zeros(len(values))


def outlier_findings(
    ids: Shaped[np.ndarray, " n"],
    embeddings: Float[np.ndarray, "n d"],
    labels: list[str | None],
    *,
    test: Bool[np.ndarray, " n"] | None = None,
) -> list[Finding]:
    """Findings for examples far from all others.

    Parameters
    ----------
    test
        ``(n,)`` True for test examples of a fixed split: they are compared with the others only.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 8))
    >>> x[17] += 50
    >>> [each.example_id for each in outlier_findings(np.arange(200).astype(str), x, ["a"] * 200)]
    ['17']
    """
    known = np.arange(len(ids)) if test is None else np.flatnonzero(~test)
    new: Int[np.ndarray, " k"] = np.zeros(0, dtype=np.int64) if test is None else np.flatnonzero(test)
    own = neighbour_distance(embeddings[known], embeddings[known], same=True)
    found = _findings("outlier", ids, known, robust_units(own), labels)
    if len(new) and len(known) > NEIGHBOURS:
        away = neighbour_distance(embeddings[new], embeddings[known])
        found += _findings("out_of_distribution", ids, new, robust_units(away, of=own), labels)
    return found


def _findings(
    code: str,
    ids: Shaped[np.ndarray, " n"],
    rows: Int[np.ndarray, " k"],
    units: Float[np.ndarray, " k"],
    labels: list[str | None],
) -> list[Finding]:
    found = []
    for at in np.argsort(-units, kind="stable").tolist():
        if units[at] < LOW:
            break
        severity: Severity = "medium" if units[at] >= MEDIUM else "low"
        row = int(rows[at])
        values = {"units": round(float(units[at]), 1), "label": labels[row] or "–"}
        found.append(Finding("outlier", code, severity, float(units[at]), str(ids[row]), (), values))
    return found
