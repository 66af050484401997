"""What is rare, what is new, and what it resembles: distances to what is known, and clusters of what is far from it.

A row is *novel* when it is farther from the known examples than nearly all calibration rows are: rows of the same kind that
the known examples do not contain, such as the validation set when the training set is what is known. Its p-value is the share
of calibration rows at least as far, so 5 % of ordinary rows fall below 0.05 whatever the embedding looks like. Novel rows that
lie as near to each other as known rows do to theirs form a cluster, and a cluster is described by the labels of the known
examples nearest to it: "like *tanker*, but far" is where a person starts to listen.

References
----------
Sun et al., "Out-of-distribution detection with deep nearest neighbors", ICML 2022, arXiv:2204.06507 (distance to neighbours).
Bates et al., "Testing for outliers with conformal p-values", Annals of Statistics 2023, arXiv:2104.08279.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import check_finite, check_labels, check_length
from yori.errors import ShapeError, ValuesError
from yori.shift.mmd import squared_distances

NEIGHBOURS = 10
LEVEL = 0.05
"""Rows with a p-value up to this are novel."""

MOST_NOVEL = 2000
"""So many novel rows at most are clustered, the farthest: every pair of them is compared."""

_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Novelty:
    """How far rows are from what is known.

    Attributes
    ----------
    distance
        Shape ``(m,)``. Mean distance to the nearest known examples, in units of the embedding.
    p_value
        Shape ``(m,)``. Share of calibration rows at least as far.
    radius
        Distance that only `LEVEL` of the calibration rows exceed.
    """

    distance: Float[np.ndarray, " m"]
    p_value: Float[np.ndarray, " m"]
    radius: float

    @property
    def novel(self) -> Bool[np.ndarray, " m"]:
        """``(m,)`` True where the p-value is at most `LEVEL`."""
        return self.p_value <= LEVEL

    @property
    def share(self) -> float:
        """Part of the rows that is novel; `LEVEL` is expected where nothing is new."""
        return float(self.novel.mean()) if len(self.p_value) else 0.0


def neighbour_distance(
    known: Float[np.ndarray, "n d"], rows: Float[np.ndarray, "m d"], *, neighbours: int = NEIGHBOURS
) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, "m k"]]:
    """Mean Euclidean distance to the nearest known rows, and which they are, the nearest first.

    Returns
    -------
    ``(m,)`` distances and ``(m, k)`` positions; ``k = min(neighbours, n)``.

    Raises
    ------
    ShapeError, ValuesError
        On tables that do not fit together, NaN, or ``neighbours < 1``.

    Examples
    --------
    >>> distance, nearest = neighbour_distance(np.array([[0.0], [2.0], [9.0]]), np.array([[1.5]]), neighbours=2)
    >>> distance, nearest
    (array([1.]), array([[1, 0]]))
    """
    where = "neighbour_distance"
    first, second = np.asarray(known), np.asarray(rows)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or 0 in first.shape:
        raise ShapeError("tables of one width", f"shapes {first.shape} and {second.shape}", where=where)
    if neighbours < 1:
        raise ValuesError("at least one neighbour", str(neighbours), where=where)
    check_finite(first, name="known", where=where)
    check_finite(second, name="rows", where=where)
    k = min(neighbours, len(first))
    distance = np.empty(len(second))
    nearest = np.empty((len(second), k), dtype=np.int64)
    step = max(1, _BLOCK_BYTES // (8 * len(first)))
    for begin in range(0, len(second), step):
        squares = squared_distances(second[begin : begin + step], first)
        found = np.argpartition(squares, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(squares, found, axis=1)
        order = np.argsort(near, axis=1, kind="stable")
        nearest[begin : begin + step] = np.take_along_axis(found, order, axis=1)
        distance[begin : begin + step] = np.sqrt(near).mean(axis=1)
    return distance, nearest


def novelty(
    known: Float[np.ndarray, "n d"],
    calibration: Float[np.ndarray, "c d"],
    rows: Float[np.ndarray, "m d"],
    *,
    neighbours: int = NEIGHBOURS,
) -> Novelty:
    """How new rows are, against what is known.

    Parameters
    ----------
    known
        ``(n, d)`` examples the model knows, such as the training set.
    calibration
        ``(c, d)`` ordinary rows that are not among them, such as the validation set.
    rows
        ``(m, d)``.
    neighbours
        Distance is the mean to so many.

    Raises
    ------
    ShapeError, ValuesError
        As `neighbour_distance`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = novelty(rng.normal(size=(500, 2)), rng.normal(size=(200, 2)), np.array([[0.0, 0.0], [9.0, 9.0]]))
    >>> found.novel.tolist()
    [False, True]
    """
    ordinary, _ = neighbour_distance(known, calibration, neighbours=neighbours)
    distance, _ = neighbour_distance(known, rows, neighbours=neighbours)
    ordered = np.sort(ordinary)
    at_least = len(ordered) - np.searchsorted(ordered, distance, side="left")
    p_value = (1 + at_least) / (1 + len(ordered))
    return Novelty(distance, p_value, float(np.quantile(ordered, 1 - LEVEL)))


@dataclass(frozen=True)
class NovelCluster:
    """Novel rows that belong together.

    Attributes
    ----------
    rows
        Positions among the rows handed over, the most central first.
    resembles
        Classes of the nearest known examples and their shares, the largest first.
    farness
        Mean distance in units of the radius: 1 = at the edge of what is known.
    """

    rows: Int[np.ndarray, " k"]
    resembles: tuple[tuple[int, float], ...]
    farness: float


def novel_clusters(
    rows: Float[np.ndarray, "m d"],
    found: Novelty,
    known: Float[np.ndarray, "n d"],
    known_labels: Int[np.ndarray, " n"],
    *,
    classes: int,
    neighbours: int = NEIGHBOURS,
) -> tuple[NovelCluster, ...]:
    """Join novel rows that are nearer to each other than the radius, and say what each cluster resembles.

    Parameters
    ----------
    rows, found
        ``(m, d)`` and what `novelty` says about them.
    known, known_labels
        ``(n, d)`` and ``(n,)``.
    classes
        Number of classes.
    neighbours
        So many known examples around each row vote.

    Returns
    -------
    Clusters, the largest first. A row that joins no other is a cluster of its own.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> known, labels = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (200, 2))]), np.repeat([0, 1], 200)
    >>> rows = np.concatenate([rng.normal(0, 1, (50, 2)), rng.normal(14, 0.2, (8, 2))])
    >>> found = novelty(known, known[::2] + 0.1, rows)
    >>> cluster = novel_clusters(rows, found, known, labels, classes=2)[0]
    >>> len(cluster.rows), cluster.resembles, cluster.farness > 3
    (8, ((1, 1.0),), True)
    """
    where = "novel_clusters"
    table = np.asarray(rows)
    check_length(table, len(found.distance), name="rows", where=where)
    labels = check_labels(known_labels, classes, name="known_labels", where=where)
    check_length(labels, len(known), name="known_labels", where=where)
    novel = np.flatnonzero(found.novel)
    if not len(novel):
        return ()
    if len(novel) > MOST_NOVEL:
        novel = np.sort(novel[np.argsort(-found.distance[novel], kind="stable")[:MOST_NOVEL]])
    chosen = table[novel]
    _, nearest = neighbour_distance(known, chosen, neighbours=neighbours)
    between = np.sqrt(squared_distances(chosen, chosen))
    component = _components(between <= found.radius)
    clusters = []
    for number in range(int(component.max()) + 1):
        inside = np.flatnonzero(component == number)
        votes = np.bincount(labels[nearest[inside]].ravel(), minlength=classes) / nearest[inside].size
        order = np.argsort(-votes, kind="stable")
        resembles = tuple((int(each), float(votes[each])) for each in order if votes[each] > 0)
        central = np.argsort(between[np.ix_(inside, inside)].sum(axis=1), kind="stable")
        far = float(found.distance[novel[inside]].mean() / found.radius) if found.radius > 0 else float("inf")
        clusters.append(NovelCluster(novel[inside[central]], resembles, far))
    return tuple(sorted(clusters, key=lambda each: (-len(each.rows), int(each.rows.min()))))


def _components(linked: Bool[np.ndarray, "k k"]) -> Int[np.ndarray, " k"]:
    """Connected components, numbered in the order of their first row."""
    component = np.full(len(linked), -1, dtype=np.int64)
    number = 0
    for start in range(len(linked)):
        if component[start] >= 0:
            continue
        front = np.zeros(len(linked), dtype=np.bool_)
        front[start] = True
        while front.any():
            component[front] = number
            front = linked[front].any(axis=0) & (component < 0)
        number += 1
    return component
