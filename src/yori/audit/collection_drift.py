"""Batches of the collection that differ from the rest: another device, another season, another way of choosing.

A batch is an import, a value of a column, or a tenth of the time. Two questions, each with a permutation test in which
whole groups are relabelled: can a linear rule on the embedding tell the batch from the rest out of fold (area under its ROC
curve; .5 = no), and are its classes in other proportions (total variation distance; 0 = no)?

Severity: medium from an area of `AREA` or a distance of `DISTANCE` on, low from `LOW_AREA` or `LOW_DISTANCE`; both only if
the test, corrected for the number of batches, stays below `SIGNIFICANT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_finite, check_length
from yori.audit.findings import Finding, Severity

LOW_AREA, AREA = 0.7, 0.85
LOW_DISTANCE, DISTANCE = 0.15, 0.35
SIGNIFICANT = 0.02
PERMUTATIONS = 499
MOST_ROWS = 2000
MOST_DIMENSIONS = 24
MOST_BATCHES = 10
FOLDS = 4
FEWEST = 20


@dataclass(frozen=True)
class BatchDrift:
    """One batch of ``n`` examples against the rest: ``area`` and ``distance`` of class proportions, each with its p-value."""

    batch: str
    n: int
    area: float
    area_p: float
    distance: float
    distance_p: float


def batch_drift(
    batches: Shaped[np.ndarray, " n"],
    embeddings: Float[np.ndarray, "n d"] | None,
    strata: Int[np.ndarray, " n"],
    groups: Int[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
) -> tuple[BatchDrift, ...]:
    """Compare every batch of at least `FEWEST` examples and two groups with the rest.

    Parameters
    ----------
    batches
        ``(n,)`` name of the batch; ``""`` = none.
    embeddings
        ``(n, d)``; None = only classes are compared.
    strata
        ``(n,)`` class of each example.
    groups
        ``(n,)`` what is not independent.
    rng
        Sampling, folds and permutations.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 6))
    >>> x[:100] += 1.5
    >>> batch = np.array(["monday"] * 100 + ["later"] * 200)
    >>> found = batch_drift(batch, x, np.zeros(300, dtype=int), np.arange(300), rng=rng)
    >>> found[0].batch, found[0].area > 0.9, found[0].area_p
    ('monday', True, 0.002)
    """
    where = "batch_drift"
    check_length(np.asarray(strata), len(batches), name="strata", where=where)
    used = np.flatnonzero(batches.astype(str) != "")
    if len(used) > MOST_ROWS:
        used = np.sort(rng.permutation(used)[:MOST_ROWS])
    names, code, sizes = np.unique(batches[used].astype(str), return_inverse=True, return_counts=True)
    _, group = np.unique(groups[used], return_inverse=True)
    if len(names) < 2:
        return ()
    features = None
    if embeddings is not None:
        check_finite(np.asarray(embeddings[used]), name="embeddings", where=where)
        features = _leading(np.asarray(embeddings[used], dtype=np.float64))
    found = []
    for number in np.argsort(-sizes, kind="stable")[:MOST_BATCHES].tolist():
        inside = code == number
        if (
            inside.sum() < FEWEST
            or (~inside).sum() < FEWEST
            or min(len(np.unique(group[inside])), len(np.unique(group[~inside]))) < 2
        ):
            continue
        found.append(_one(str(names[number]), inside, features, strata[used], group, rng))
    if len(found) == 2 and len(names) == 2:  # two batches differ from each other: say it once, of the smaller
        found = [min(found, key=lambda each: each.n)]
    return tuple(found)


def _one(
    name: str,
    inside: Bool[np.ndarray, " n"],
    features: Float[np.ndarray, "n k"] | None,
    strata: Int[np.ndarray, " n"],
    group: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> BatchDrift:
    groups = int(group.max()) + 1
    fold = rng.permutation(groups) % FOLDS
    # A group counts as inside if most of it is: permuting whole groups keeps what is alike together.
    share = np.bincount(group, weights=inside, minlength=groups) / np.bincount(group, minlength=groups)
    labels = [inside] + [(rng.permutation(share) > 0.5)[group] for _ in range(PERMUTATIONS)]
    distances = np.array([_distance(each, strata) for each in labels])
    areas = np.full(len(labels), 0.5)
    if features is not None:
        areas = _areas(features, np.stack(labels, axis=1).astype(np.float64), fold[group])
    p = [(1 + int((null[1:] >= null[0] - 1e-12).sum())) / (PERMUTATIONS + 1) for null in (areas, distances)]
    return BatchDrift(name, int(inside.sum()), float(areas[0]), p[0] if features is not None else 1.0,
                      float(distances[0]), p[1])  # fmt: skip


def _leading(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """Leading principal components at unit scale, at most as many as the rows can carry."""
    centred = x - x.mean(axis=0)
    keep = max(1, min(MOST_DIMENSIONS, centred.shape[1], len(x) // 10))
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    there = values[:keep] > 1e-9 * max(float(values[0]), 1e-300)
    scores = centred @ directions[:keep][there].T
    return scores / np.maximum(scores.std(axis=0), 1e-300) if scores.shape[1] else np.zeros((len(x), 1))


def _areas(
    x: Float[np.ndarray, "n k"], inside: Float[np.ndarray, "n m"], fold: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " m"]:
    """Area under the ROC curve of a ridge discriminant out of fold, for many ways to call rows inside at once."""
    from scipy.stats import rankdata

    score = np.zeros(inside.shape)
    full = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    for number in range(FOLDS):
        held = fold == number
        rows = full[~held]
        gram = rows.T @ rows + 1e-2 * len(rows) * np.diag(np.r_[np.ones(x.shape[1]), 0.0])
        score[held] = full[held] @ np.linalg.solve(gram, rows.T @ inside[~held])
    area = np.full(inside.shape[1], 0.5)
    for column in range(inside.shape[1]):
        own = inside[:, column] > 0
        n, m = int(own.sum()), int((~own).sum())
        if n and m:
            area[column] = (rankdata(score[:, column])[own].sum() - n * (n + 1) / 2) / (n * m)
    return area


def _distance(inside: Bool[np.ndarray, " n"], strata: Int[np.ndarray, " n"]) -> float:
    classes = int(strata.max(initial=0)) + 1
    counts = [np.bincount(strata[part], minlength=classes) for part in (inside, ~inside)]
    if not all(each.sum() for each in counts):
        return 0.0
    return float(0.5 * np.abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum()).sum())


def drift_findings(column: str, drifts: Sequence[BatchDrift]) -> list[Finding]:
    """Findings about batches; ``column`` says what a batch is.

    Examples
    --------
    >>> drifts = [BatchDrift("may", 90, 0.92, 0.005, 0.1, 0.3), BatchDrift("june", 90, 0.6, 0.005, 0.4, 0.6)]
    >>> found = drift_findings("month", drifts)
    >>> [(each.values["batch"], each.code, each.severity) for each in found]
    [('may', 'drift_sound', 'medium')]
    """
    found = []
    for each in drifts:
        common = {"column": column, "batch": each.batch, "n": each.n}
        if each.area_p * len(drifts) <= SIGNIFICANT and each.area >= LOW_AREA:
            severity: Severity = "medium" if each.area >= AREA else "low"
            values = {**common, "area": round(each.area, 3), "p": round(each.area_p * len(drifts), 4)}
            found.append(Finding("drift", "drift_sound", severity, each.area, None, (), values))
        if each.distance_p * len(drifts) <= SIGNIFICANT and each.distance >= LOW_DISTANCE:
            severity = "medium" if each.distance >= DISTANCE else "low"
            values = {**common, "distance": round(each.distance, 3), "p": round(each.distance_p * len(drifts), 4)}
            found.append(Finding("drift", "drift_classes", severity, each.distance, None, (), values))
    return found
