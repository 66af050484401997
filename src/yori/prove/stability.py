"""Would other seeds, an earlier checkpoint, another validation sample have chosen the same examples?

Compared are the ``k`` most hurtful training examples by first-order influence, ``k`` the edit budget: Jaccard of the sets
beside what two random sets would reach, Spearman of all scores. Seeds (and held-out domains) train on different
examples; they are compared on those both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from yori.prove.predictions import CellResult
from yori.statistics import jaccard, jaccard_by_chance, spearman

MOST_NAMES = 12


def stability_of(results: Sequence[CellResult]) -> dict[str, Any] | None:
    """The ``stability`` part of a certificate, for the cells of one protocol; None when there is nothing to compare.

    Each entry of ``over`` holds ``names``, the ``jaccard`` matrix (mean over cells where there are several), its mean off
    the diagonal, the chance level, and the mean Spearman correlation.
    """
    over = [
        found
        for found in (
            _between_cells(results),
            _within_cells(results, "checkpoint:", "checkpoints"),
            _within_cells(results, "resample:", "validation resamples"),
        )
        if found is not None
    ]
    return {"over": over} if over else None


def _lowest(scores: Float[np.ndarray, " n"], k: int) -> Int[np.ndarray, " k"]:
    return np.sort(np.argsort(scores, kind="stable")[:k])


def _pairwise(
    scores: Mapping[str, Float[np.ndarray, " n"]], k: int
) -> tuple[Float[np.ndarray, "s s"], list[float], float] | None:
    names = list(scores)
    n = len(scores[names[0]]) if names else 0
    if len(names) < 2 or not 1 <= k <= n or n < 3:
        return None
    matrix, ranks = np.eye(len(names)), []
    for (a, first), (b, second) in combinations(enumerate(names), 2):
        matrix[a, b] = matrix[b, a] = jaccard(_lowest(scores[first], k), _lowest(scores[second], k))
        ranks.append(_spearman(scores[first], scores[second]))
    return matrix, ranks, jaccard_by_chance(k, k, n)


def _spearman(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0  # all scores alike: no order to agree on
    return spearman(first, second)


def _entry(
    kind: str, names: list[str], matrix: Float[np.ndarray, "s s"], chance: float, ranks: list[float]
) -> dict[str, Any]:
    off = matrix[~np.eye(len(names), dtype=np.bool_)]
    return {
        "kind": kind,
        "names": names,
        "jaccard": matrix.tolist(),
        "mean_jaccard": float(off.mean()),
        "chance_jaccard": chance,
        "spearman": float(np.mean(ranks)),
    }


def _within_cells(results: Sequence[CellResult], prefix: str, kind: str) -> dict[str, Any] | None:
    found, names = [], []
    for result in results:
        order = sorted(
            (name for name in result.arms.arrays if name.startswith(prefix)), key=lambda x: int(x.split(":")[1])
        )
        pairs = _pairwise({name: result.arms.arrays[name] for name in order}, result.arms.facts["budget"])
        if pairs is not None:
            found.append(pairs)
            steps = result.baseline.facts["steps"]
            numbers = [int(name.split(":")[1]) for name in order]
            names = [f"{100 * x / steps:.0f} %" if prefix == "checkpoint:" else f"{x + 1}" for x in numbers]
    same = [pairs for pairs in found if len(pairs[0]) == len(names)]
    if not same:
        return None
    matrix = np.mean([pairs[0] for pairs in same], axis=0)
    ranks = [rank for pairs in same for rank in pairs[1]]
    return _entry(kind, names, matrix, float(np.mean([pairs[2] for pairs in same])), ranks)


def _between_cells(results: Sequence[CellResult]) -> dict[str, Any] | None:
    """Cells of the ``id`` protocol by seed; of leave-one-domain-out by domain, first seed."""
    held_out = any(result.cell.protocol.startswith("lodo") for result in results)
    chosen = [result for result in results if not held_out or result.cell.seed == 0][:MOST_NAMES]
    if len(chosen) < 2:
        return None
    matrix, ranks, chances = np.eye(len(chosen)), [], []
    for (a, first), (b, second) in combinations(enumerate(chosen), 2):
        _, left, right = np.intersect1d(first.editable, second.editable, return_indices=True)
        k = round(len(left) * first.arms.facts["budget"] / max(1, len(first.editable)))
        pairs = _pairwise({"a": first.arms.arrays["scores"][left], "b": second.arms.arrays["scores"][right]}, k)
        if pairs is None:
            return None
        matrix[a, b] = matrix[b, a] = pairs[0][0, 1]
        ranks += pairs[1]
        chances.append(pairs[2])
    names = [result.cell.protocol[5:] if held_out else f"{result.cell.seed}" for result in chosen]
    kind = "held-out domains" if held_out else "seeds"
    return _entry(kind, names, matrix, float(np.mean(chances)), ranks)
