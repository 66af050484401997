"""Two arms become pairs: the same examples, domain by domain and seed by seed, or a refusal that names the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from yori.arrays import check_length
from yori.errors import AlignmentError, ShapeError
from yori.statistics.predictions import Predictions

_WHERE = "compare"
_SHOWN = 3


@dataclass(frozen=True)
class Cell:
    """The rows of one domain and one training seed; row *i* of both arms is the same example.

    ``cluster`` ``(n,)`` numbers what is drawn together: the group of the row, or the example itself. The numbers go
    through all cells, so that the rows of one example in several seeds share one. ``own`` says that row *i* is cluster
    *i*, which spares work.
    """

    domain: int
    seed: int
    before: Predictions
    after: Predictions
    cluster: Int[np.ndarray, " n"]
    own: bool = False


@dataclass(frozen=True)
class Pairing:
    """All cells, ordered by domain and seed, and what they count up to."""

    cells: tuple[Cell, ...]
    domains: tuple[Any, ...]
    seeds: tuple[Any, ...]
    n_rows: int
    n_examples: int
    n_clusters: int
    nested: bool
    """Whether every cluster lies in one domain only."""


def pair(
    before: Predictions,
    after: Predictions,
    *,
    groups: Shaped[np.ndarray, " n"] | None = None,
    domains: Shaped[np.ndarray, " n"] | None = None,
    seeds: Shaped[np.ndarray, " n"] | None = None,
) -> Pairing:
    """Align two arms by domain, seed and id.

    ``groups``, ``domains`` and ``seeds`` describe the rows of ``before``. The rows of ``after`` must be the same ones
    in the same order; where every id occurs once they may come in any order.

    Raises
    ------
    AlignmentError
        If the arms do not hold the same ids, an id occurs twice within one domain and seed (seeds that were pooled, or
        a duplicated row), an example has two groups, or its label differs between the arms.
    ShapeError
        If an array has another length.
    """
    n = len(before)
    columns = {"groups": groups, "domains": domains, "seeds": seeds}
    for name, column in columns.items():
        if column is not None:
            check_length(np.asarray(column), n, name=name, where=_WHERE)
            if np.asarray(column).ndim != 1:
                raise ShapeError(f"{name} of shape (n,)", f"shape {np.asarray(column).shape}", where=_WHERE)
    domain, domain_names = _codes(domains, n, "all")
    seed, seed_names = _codes(seeds, n, 0)
    after = _align(before, after)
    if before.labels is not None and after.labels is not None and not np.array_equal(before.labels, after.labels):
        rows = np.flatnonzero(before.labels != after.labels)
        raise AlignmentError(
            "the same labels in both arms",
            f"{len(rows)} that differ, first of id {_show(before.ids[rows])}",
            where=_WHERE,
            fix="Both arms are judged by one and the same test set.",
        )
    if len(domain_names) == 1 and len(seed_names) == 1:
        _refuse_repeats(before.ids, seeds is None)
        cluster, names = (np.arange(n), ()) if groups is None else _codes(groups, n, 0)
        clusters = n if groups is None else len(names)
        cell = Cell(0, 0, before, after, cluster, own=groups is None)
        return Pairing((cell,), domain_names, seed_names, n, n, clusters, True)
    example, example_names = _codes(before.ids, n, 0)
    cell_code = domain * len(seed_names) + seed
    _refuse_repeats_within(example, cell_code, before.ids, seeds is None)
    cluster, cluster_names = (example, example_names) if groups is None else _codes(groups, n, 0)
    in_domain = domain * len(example_names) + example
    if groups is not None:
        _refuse_two_groups(in_domain, cluster, before.ids)
    cells = []
    order = np.argsort(cell_code, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cell_code[order])) + 1):
        cells.append(Cell(int(domain[rows[0]]), int(seed[rows[0]]), before[rows], after[rows], cluster[rows]))
    domains_of_clusters = np.unique(cluster * len(domain_names) + domain)
    return Pairing(
        tuple(cells),
        domain_names,
        seed_names,
        n,
        len(np.unique(in_domain)),
        len(cluster_names),
        len(domains_of_clusters) == len(cluster_names),
    )


def renumber(clusters: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], int]:
    """Number the clusters that occur 0 … k − 1 without sorting, and count them.

    Examples
    --------
    >>> renumber(np.array([7, 2, 7]))
    (array([1, 0, 1]), 2)
    """
    occurs = np.zeros(int(clusters.max()) + 1, dtype=np.bool_)
    occurs[clusters] = True
    number = np.cumsum(occurs) - 1
    return number[clusters], int(number[-1]) + 1


def _codes(
    column: Shaped[np.ndarray, " n"] | None, n: int, default: Any
) -> tuple[Int[np.ndarray, " n"], tuple[Any, ...]]:
    """Number the different values 0 … k − 1 in sorted order."""
    if column is None:
        return np.zeros(n, dtype=np.int64), (default,)
    values = np.asarray(column)
    if values.dtype.kind == "O" and any(x is None or x != x for x in values.tolist()):
        raise AlignmentError("a value for every row in groups, domains and seeds", "a missing one", where=_WHERE)
    names, code = np.unique(values, return_inverse=True)
    return code.astype(np.int64, copy=False), tuple(names.tolist())


def _align(before: Predictions, after: Predictions) -> Predictions:
    """Rows of ``after`` in the order of ``before``."""
    if before.ids.shape == after.ids.shape and np.array_equal(before.ids, after.ids):
        return after
    lost, extra = np.setdiff1d(before.ids, after.ids), np.setdiff1d(after.ids, before.ids)
    if len(lost) or len(extra):
        raise AlignmentError(
            "the same ids in both arms",
            f"{len(lost)} only in before (first {_show(lost)}), {len(extra)} only in after (first {_show(extra)})",
            where=_WHERE,
            fix="Predict the same test examples with both models.",
        )
    order_before, order_after = np.argsort(before.ids, kind="stable"), np.argsort(after.ids, kind="stable")
    if len(before) != len(after) or (before.ids[order_before][1:] == before.ids[order_before][:-1]).any():
        raise AlignmentError(
            "rows of after in the order of before, where an id occurs more than once",
            "another order or another number of rows",
            where=_WHERE,
            fix="Sort both tables by domain, seed and id.",
        )
    rows = np.empty(len(before), dtype=np.int64)
    rows[order_before] = order_after
    return after[rows]


def _refuse_repeats(ids: Shaped[np.ndarray, " n"], no_seeds: bool) -> None:
    """Cheap check for a single cell: a set for strings, a sort for numbers."""
    if ids.dtype.kind in "iu":
        ordered = ids if bool((ids[1:] >= ids[:-1]).all()) else np.sort(ids)
        repeats = bool((ordered[1:] == ordered[:-1]).any())
    else:
        repeats = len(set(ids.tolist())) < len(ids)
    if repeats:
        names, counts = np.unique(ids, return_counts=True)
        _refuse(names[counts > 1], no_seeds)


def _refuse_repeats_within(
    example: Int[np.ndarray, " n"], cell: Int[np.ndarray, " n"], ids: Shaped[np.ndarray, " n"], no_seeds: bool
) -> None:
    key = cell * (int(example.max()) + 1) + example
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    if (counts > 1).any():
        _refuse(ids[np.sort(first[counts > 1])], no_seeds)


def _refuse(ids: Shaped[np.ndarray, " m"], no_seeds: bool) -> None:
    raise AlignmentError(
        "every id once within one domain and seed",
        f"{len(ids)} ids more than once (first {_show(ids)})",
        where=_WHERE,
        fix="Rows of several training seeds must not be pooled: pass seeds, the seed of each row."
        if no_seeds
        else "Drop the duplicated rows, or pass the domain of each row if one example is tested in several.",
    )


def _refuse_two_groups(
    example: Int[np.ndarray, " n"], cluster: Int[np.ndarray, " n"], ids: Shaped[np.ndarray, " n"]
) -> None:
    order = np.argsort(example, kind="stable")
    same = example[order][1:] == example[order][:-1]
    torn = np.flatnonzero(same & (cluster[order][1:] != cluster[order][:-1]))
    if len(torn):
        raise AlignmentError(
            "one group for every example",
            f"{len(torn)} rows whose group differs between seeds (first id {_show(ids[order[torn]])})",
            where=_WHERE,
            fix="A group is what the example belongs to, whatever the seed.",
        )


def _show(ids: Shaped[np.ndarray, " m"]) -> str:
    return ", ".join(repr(x) for x in ids[:_SHOWN].tolist()) or "none"
