"""Examples unlike all others, by their distance to their nearest neighbours in the embedding.

The distance is the mean over `NEIGHBOURS` neighbours, in logarithms, and compared with its median over all examples in
units of a robust standard deviation (1.4826 times the median absolute deviation). Severity: medium from `MEDIUM` such units
on, low from `LOW` on: an outlier may be the rarest and best example of its class, so nobody should drop it unseen. Test
examples of a fixed split that are as far from the *training* examples are out of distribution, and said so.

Of more than `EXACT_ROWS` examples the neighbours are sought among `REFERENCE` of them, evenly spaced: every example is still
judged, and what it is far from is the bulk. A few odd examples that are like each other then count as outliers, which they
would not as each other's neighbours. Measured: 9 s of one processor for 100 000 × 256; a million took 250 MB beside the 1 GB
of embeddings.

References
----------
Sugiyama & Borgwardt, "Rapid distance-based outlier detection via sampling", NeurIPS 2013.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_finite
from yori.audit.findings import Finding, Severity
from yori.workers import Progress, silent

NEIGHBOURS = 10
LOW, MEDIUM = 5.0, 7.0
EXACT_ROWS, REFERENCE = 50_000, 10_000
_ROWS = 512
_COLUMNS = 16_384


def neighbour_distance(
    embeddings: Float[np.ndarray, "n d"],
    reference: Float[np.ndarray, "m d"],
    *,
    neighbours: int = NEIGHBOURS,
    own: Int[np.ndarray, " n"] | None = None,
    progress: Progress = silent,
) -> Float[np.ndarray, " n"]:
    """Mean Euclidean distance to the nearest rows of a reference.

    Parameters
    ----------
    embeddings, reference
        ``(n, d)`` and ``(m, d)``.
    neighbours
        How many; fewer where the reference is smaller.
    own
        ``(n,)`` place of each row in the reference, -1 where it is not there: a row is not its own neighbour.
    progress
        Told about blocks of rows.

    Raises
    ------
    ValuesError
        If a number is not finite.

    Notes
    -----
    O(n m d) in blocks of 512 rows; beside the input it needs the reference once more and about 100 MB.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [10.0]])
    >>> neighbour_distance(x, x, neighbours=1, own=np.arange(3))
    array([1., 1., 9.])
    """
    y = np.asarray(reference)
    check_finite(y, name="embeddings", where="outliers")
    take = min(neighbours, len(y) - int(own is not None))
    found = np.zeros(len(embeddings))
    if take < 1:
        return found
    centre = y.mean(axis=0, dtype=np.float64)
    y = (y - centre).astype(np.float32)
    size_y = np.einsum("ij,ij->i", y, y)
    for begin in range(0, len(found), _ROWS):
        rows = np.asarray(embeddings[begin : begin + _ROWS])
        check_finite(rows, name="embeddings", where="outliers")
        block = (rows - centre).astype(np.float32)
        nearest = np.full((len(block), 0), np.inf, dtype=np.float32)
        which = np.zeros((len(block), 0), dtype=np.int64)
        for left in range(0, len(y), _COLUMNS):
            square = size_y[left : left + _COLUMNS] - 2 * (block @ y[left : left + _COLUMNS].T)
            if own is not None:
                place = own[begin : begin + len(block)] - left
                inside = (place >= 0) & (place < square.shape[1])
                square[np.flatnonzero(inside), place[inside]] = np.inf
            few = _smallest(square, take)
            nearest = np.concatenate([nearest, np.take_along_axis(square, few, axis=1)], axis=1)
            which = np.concatenate([which, few + left], axis=1)
            few = _smallest(nearest, take)
            nearest, which = np.take_along_axis(nearest, few, axis=1), np.take_along_axis(which, few, axis=1)
        # Squares by subtraction lose what small distances consist of, so the few that are left are computed anew.
        away = block[:, None, :] - y[which]
        found[begin : begin + len(block)] = np.sqrt(np.einsum("nkd,nkd->nk", away, away)).mean(axis=1)
        progress("measure distances", min(begin + _ROWS, len(found)), len(found))
    return found


def _smallest(values: Float[np.ndarray, "b m"], take: int) -> Int[np.ndarray, "b k"]:
    """Columns of the smallest numbers of each row, in any order."""
    if values.shape[1] <= take:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.argpartition(values, take - 1, axis=1)[:, :take]


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
    progress: Progress = silent,
) -> list[Finding]:
    """Findings for examples far from all others.

    Parameters
    ----------
    test
        ``(n,)`` True for test examples of a fixed split: they are compared with the others only.
    progress
        Told about blocks of rows.

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
    among = known
    if len(known) > EXACT_ROWS:
        among = known[np.linspace(0, len(known) - 1, REFERENCE).astype(np.int64)]
    reference = embeddings[among]
    place = np.full(len(ids), -1, dtype=np.int64)
    place[among] = np.arange(len(among))
    # All at once, so that no copy of a million rows is made for the sake of a few test examples.
    away = neighbour_distance(embeddings, reference, own=place, progress=progress)
    found = _findings("outlier", ids, known, robust_units(away[known]), labels)
    if len(new) and len(known) > NEIGHBOURS:
        found += _findings("out_of_distribution", ids, new, robust_units(away[new], of=away[known]), labels)
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
