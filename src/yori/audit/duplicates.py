"""Copies: within a part of the split, and across it.

Severity: high where copies lie on both sides of a split that the table fixes (what is tested was trained on); medium where
they are in different groups that a drawn split would separate and the import did not join them; low otherwise: they are
together wherever they go, and only count twice.

Among embeddings two rows are near copies when they are far nearer to each other than rows usually are to their nearest
neighbour: a cosine of at least `COSINE`, and a distance of at most `NEARNESS` of the median distance to the nearest neighbour.
The second is needed because in few dimensions a high cosine is nothing special.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Shaped

from yori.audit.findings import Finding, Severity
from yori.signal.near_duplicates import cluster_pairs
from yori.signal.similar_pairs import SimilarPairs, checked_unit_rows, similar_pairs
from yori.signal.similar_pairs_hashed import similar_pairs_hashed
from yori.workers import Progress, silent

COSINE = 0.99
NEARNESS = 0.2
EXACT_ROWS = 60_000
"""Up to so many rows the search is exact; beyond, by hashing, and its recall is measured."""

_SAMPLE = 2_000
_MOST = 200_000


def duplicate_rows(
    embeddings: Float[np.ndarray, "n d"], *, rng: np.random.Generator, progress: Progress = silent
) -> tuple[SimilarPairs, float]:
    """Near copies among embeddings, and the measured recall of the search (1 where it is exact).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 24))
    >>> x[7] = 2 * x[3]
    >>> pairs, recall = duplicate_rows(x, rng=rng)
    >>> pairs.first.tolist(), pairs.second.tolist(), recall
    ([3], [7], 1.0)
    """
    unit, _ = checked_unit_rows(embeddings, COSINE, where="duplicate_rows")
    if len(unit) < 3:
        return similar_pairs(embeddings, 1.0), 1.0
    usual = _usual_distance(unit, rng)
    cosine = min(1.0, max(COSINE, 1 - (NEARNESS * usual) ** 2 / 2))
    if len(embeddings) <= EXACT_ROWS:
        return similar_pairs(embeddings, cosine, most=_MOST, progress=progress), 1.0
    found = similar_pairs_hashed(embeddings, cosine, most=_MOST, rng=rng, progress=progress)
    return found.pairs, found.recall


def _usual_distance(unit: Float[np.ndarray, "n d"], rng: np.random.Generator) -> float:
    """Median distance of rows to their nearest row that is not equal."""
    rows = rng.permutation(len(unit))[:_SAMPLE]
    best = np.full(len(rows), -1.0, dtype=np.float32)
    for begin in range(0, len(unit), 16_384):
        cosine = unit[rows] @ unit[begin : begin + 16_384].T
        cosine[cosine > 1 - 1e-6] = -1
        best = np.maximum(best, cosine.max(axis=1))
    return float(np.sqrt(2 * (1 - np.median(best))))


def duplicate_findings(
    ids: Shaped[np.ndarray, " n"],
    first: Int[np.ndarray, " k"],
    second: Int[np.ndarray, " k"],
    similarity: Float[np.ndarray, " k"],
    *,
    splits: Shaped[np.ndarray, " n"] | None,
    groups: Shaped[np.ndarray, " n"],
) -> list[Finding]:
    """One finding for each example that repeats another, and one for each pair across a split.

    Parameters
    ----------
    first, second, similarity
        ``(k,)`` pairs; a similarity of 1 means equal.
    splits
        ``(n,)`` of the table, ``""`` where it has none; None if no example has one.
    groups
        ``(n,)`` what no split cuts, copies that the import joined included.

    Examples
    --------
    >>> found = duplicate_findings(
    ...     np.array(["a", "b", "c"]), np.array([0]), np.array([2]), np.array([1.0]),
    ...     splits=np.array(["train", "train", "test"]), groups=np.arange(3))
    >>> [(each.code, each.example_id, each.severity) for each in found]
    [('duplicate_across', 'c', 'high')]
    """
    cluster = cluster_pairs(len(ids), first, second)
    size = np.bincount(cluster, minlength=len(ids))
    found = []
    for a, b, alike in zip(first.tolist(), second.tolist(), similarity.tolist(), strict=True):
        equal = alike >= 1 - 1e-6
        values = {"other": str(ids[a]), "similarity": round(alike, 4), "copies": int(size[cluster[b]]),
                  "equal": "1" if equal else ""}  # fmt: skip
        severity: Severity = "low"
        code = "duplicate_equal" if equal else "duplicate_near"
        if splits is not None and splits[a] and splits[b] and splits[a] != splits[b]:
            severity, code = "high", "duplicate_across"
            values |= {"split": str(splits[b]), "other_split": str(splits[a])}
        elif groups[a] != groups[b]:
            severity, code = "medium", "duplicate_apart"
        found.append(Finding("duplicate", code, severity, alike, str(ids[b]), (str(ids[a]),), values))
    return found
