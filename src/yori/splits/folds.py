"""Stratified folds of groups: no group is cut, classes are spread as evenly as groups allow.

Groups of several examples are placed one by one, the largest first, each into the fold where the class counts then deviate
least from even; groups of one example (the common case of independent clips) are dealt out class by class, which is the
same rule without the search.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int, Shaped

from yori.errors import SplitError


def cluster_names(ids: Iterable[str], duplicates: Iterable[str | None]) -> Shaped[np.ndarray, " n"]:
    """Cluster of near-duplicates of each example: the id of the first of them, which is its own where there is no other.

    The first one's ``duplicates`` may be null: its copies can have arrived later.

    Examples
    --------
    >>> cluster_names(["a", "b", "c"], [None, None, "a"]).tolist()
    ['a', 'b', 'a']
    """
    return np.array([first or own for own, first in zip(ids, duplicates, strict=True)], dtype=object)


def merge_groups(groups: Shaped[np.ndarray, " n"], also_together: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Connected components of "same group" or "same cluster": near-duplicates of two groups join them.

    Parameters
    ----------
    groups
        ``(n,)`` group of each example.
    also_together
        ``(n,)`` cluster of each example (`cluster_names`); ``None`` or ``""`` where it belongs to none.

    Returns
    -------
    ``(n,)`` component numbers in order of first appearance.

    Examples
    --------
    >>> merge_groups(np.array(["a", "a", "b", "c"]), np.array(["", "x", "x", ""], dtype=object))
    array([0, 0, 0, 1])
    """
    _, group = np.unique(groups.astype(str), return_inverse=True)
    parent = np.arange(int(group.max(initial=-1)) + 1)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    first: dict[str, int] = {}
    for index in range(len(groups)):
        cluster = also_together[index]
        if cluster is None or cluster == "":
            continue
        key = str(cluster)
        if key in first:
            parent[root(int(group[index]))] = root(first[key])
        else:
            first[key] = int(group[index])
    roots = np.array([root(node) for node in range(len(parent))], dtype=np.int64)[group]
    _, order, component = np.unique(roots, return_index=True, return_inverse=True)
    rank = np.empty(len(order), dtype=np.int64)
    rank[np.argsort(order)] = np.arange(len(order))
    return rank[component]


def group_folds(
    labels: Shaped[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"], folds: int, *, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """Deal examples into ``folds`` folds without cutting a group.

    Parameters
    ----------
    labels
        ``(n,)`` class (or any stratum) of each example.
    groups
        ``(n,)`` what must stay together.
    folds
        How many, ≥ 2.
    rng
        Breaks ties.

    Returns
    -------
    ``(n,)`` fold numbers ``0 … folds − 1``.

    Raises
    ------
    SplitError
        If there are fewer groups than folds.

    Notes
    -----
    Depends on the order of the examples only through ``rng``: callers sort by id first.

    Examples
    --------
    >>> fold = group_folds(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]), 2, rng=np.random.default_rng(0))
    >>> sorted(fold[:2]), sorted(fold[2:])
    ([np.int64(0), np.int64(1)], [np.int64(0), np.int64(1)])
    """
    _, label = np.unique(labels, return_inverse=True)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if folds < 2 or len(sizes) < folds:
        raise SplitError(
            f"at least {folds} groups for {folds} folds",
            f"{len(sizes)} groups of {len(labels)} examples",
            where="split",
            fix="Lower the shares of test and validation, or give more groups.",
        )
    classes = int(label.max()) + 1
    per_group = np.zeros((len(sizes), classes))
    np.add.at(per_group, (group, label), 1)
    fold_of_group = np.empty(len(sizes), dtype=np.int64)
    counts = np.zeros((folds, classes))
    total = np.maximum(per_group.sum(axis=0), 1)
    shuffled = rng.permutation(len(sizes))
    large = shuffled[sizes[shuffled] > 1]
    rarity = (per_group / total).sum(axis=1)
    for index in large[np.argsort(-rarity[large], kind="stable")]:
        # Deviation from even, in shares of each class, if the group went to each fold in turn.
        share = counts / total
        gain = per_group[index] / total
        cost = (2 * share * gain + gain * gain).sum(axis=1)
        best = np.flatnonzero(cost <= cost.min() + 1e-12)
        sizes_now = counts[best].sum(axis=1)
        choice = best[int(sizes_now.argmin())]
        fold_of_group[index] = choice
        counts[choice] += per_group[index]
    single = shuffled[sizes[shuffled] == 1]
    stratum = per_group[single].argmax(axis=1) if len(single) else np.empty(0, dtype=np.int64)
    for k in range(classes):
        members = single[stratum == k]
        # The emptiest folds of this class first, so that dealing evens out what the large groups left.
        need = np.repeat(np.arange(folds), len(members))
        height = counts[need, k] + np.tile(np.arange(len(members)), folds)
        turn = rng.permutation(folds)
        deal = need[np.lexsort((turn[need], height))][: len(members)] if len(members) else need[:0]
        fold_of_group[members] = deal
        counts[:, k] += np.bincount(deal, minlength=folds)
    return fold_of_group[group]
