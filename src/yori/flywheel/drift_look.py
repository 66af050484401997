"""The tests of one look: recent predictions against the reference, with the same level for all of them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped

from yori.flywheel.logged import Logged
from yori.flywheel.reference import Reference
from yori.shift import (
    alarms,
    class_mix_drift,
    classifier_two_sample,
    conformal_ranks,
    energy_distance,
    jumper_martingale,
    mmd,
    permutations_for,
    score_drift,
)
from yori.statistics import holm
from yori.workers import Progress, silent

FEWEST = 20
"""Independent rows on a side below which nothing is tested."""

EMBEDDED = 1000
"""At most so many rows of each side enter the tests of the embedding."""

EMBEDDING_TESTS = ("mmd", "energy", "classifier")
TESTS = (*EMBEDDING_TESTS, "confidence", "classes", "abstention")
SLOW = "slow_drift"
"""Name of the test over all rows since the release, see `slow_drift`."""


@dataclass(frozen=True)
class Side:
    """One side of the comparison; ``embeddings`` may be those of some of the rows, with their own groups."""

    embeddings: Float32[np.ndarray, "k d"]
    embedding_groups: Int[np.ndarray, " k"]
    confidence: Float[np.ndarray, " n"]
    labels: Shaped[np.ndarray, " n"]
    abstained: Bool[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def units(self) -> int:
        """Independent rows or groups."""
        return len(np.unique(self.groups))


@dataclass(frozen=True)
class DriftLook:
    """What the tests say.

    Attributes
    ----------
    tests
        Name → ``statistic``, ``p_value``, ``adjusted`` (Holm over the tests of this look), ``permutations``.
    alarms
        Names of those at or below the level of the look.
    suspicious
        Whether any adjusted p-value is at most 0.05: too weak for an alarm that is raised every day, enough not to trust
        an estimate that needs "nothing has changed".
    newness
        ``(k,)`` how new each embedded row looks to a head that has not seen it; empty where it was not tested.
    left_out
        Tests that could not be made, and why.
    """

    tests: dict[str, dict[str, float]]
    alarms: tuple[str, ...]
    suspicious: bool
    newness: Float[np.ndarray, " k"]
    left_out: dict[str, str]


def reference_side(reference: Reference) -> Side:
    """The validation examples of a release."""
    found = reference.decisions
    return Side(
        reference.validation, reference.validation_groups, found.confidence, found.labels.astype(object),
        found.abstained, reference.validation_groups,
    )  # fmt: skip


def logged_side(rows: Logged, *, block_seconds: float = 0.0) -> Side:
    """Logged predictions; what arrived within one block of time in one domain is one unit, and what is of one group."""
    groups = rows.groups if block_seconds <= 0 else _blocks(rows, block_seconds)
    return Side(
        rows.embeddings, groups[rows.embedded], rows["confidence"], rows["label"], rows["abstained"], groups
    )  # fmt: skip


def drift_look(
    reference: Side,
    recent: Side,
    *,
    level: float,
    extra: dict[str, float] | None = None,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> DriftLook:
    """Run every test that the rows allow.

    Parameters
    ----------
    reference, recent
        What is compared.
    level
        Of this look, for all tests together; 0 = figures only.
    extra
        Further p-values that share the level, such as one from labels.
    """
    draws = permutations_for(level, len(TESTS) + len(extra or {}))
    left_out: dict[str, str] = {}
    tests: dict[str, dict[str, float]] = {}
    newness: Float[np.ndarray, " k"] = np.zeros(0)
    work: dict[str, Callable[[], tuple[float, float, float]]] = {}
    if min(reference.units, recent.units) < FEWEST:
        why = f"{min(reference.units, recent.units)} independent inputs; {FEWEST} are needed"
        left_out = dict.fromkeys(TESTS, why)
    else:
        work |= _score_tests(reference, recent, draws, rng)
        first, second = _some(reference, rng), _some(recent, rng)
        if min(len(np.unique(first[1])), len(np.unique(second[1]))) < FEWEST:
            left_out = dict.fromkeys(EMBEDDING_TESTS, "too few embeddings in the log")
        else:
            groups: dict[str, Any] = {"reference_groups": first[1], "sample_groups": second[1]}

            def classify() -> tuple[float, float, float]:
                nonlocal newness
                found = classifier_two_sample(first[0], second[0], **groups, permutations=draws, rng=rng)
                newness = np.full(len(recent.embeddings), np.nan)
                newness[second[2]] = found.newness
                return found.auc, found.p_value, draws

            work["mmd"] = lambda: _triple(mmd(first[0], second[0], **groups, permutations=draws, rng=rng))
            work["energy"] = lambda: _triple(
                energy_distance(first[0], second[0], **groups, permutations=draws, rng=rng)
            )
            work["classifier"] = classify
    names = [name for name in TESTS if name in work]
    for number, name in enumerate(names):
        progress("test for drift", number, len(names))
        statistic, p, drawn = work[name]()
        tests[name] = {"statistic": statistic, "p_value": p, "permutations": drawn}
    progress("test for drift", len(names), len(names))
    for name, p in (extra or {}).items():
        tests[name] = {"p_value": p}
    p_values = {name: each["p_value"] for name, each in tests.items()}
    adjusted = holm(np.array(list(p_values.values()))) if p_values else np.zeros(0)
    for each, value in zip(tests.values(), adjusted.tolist(), strict=True):
        each["adjusted"] = value
    moved = [each["adjusted"] <= 0.05 for name, each in tests.items() if name in (*TESTS, SLOW)]
    return DriftLook(tests, tuple(alarms(p_values, level)), any(moved), newness, left_out)


def slow_drift(
    reference: Float[np.ndarray, " n"], stream: Float[np.ndarray, " m"], *, rng: np.random.Generator
) -> dict[str, float] | None:
    """Evidence of all rows since the release that the confidence is not that of the reference; None below `FEWEST` rows.

    ``statistic``: largest capital of a bet against "nothing has changed", in powers of ten. ``p_value``: one over it, which
    holds at every look however often one looks (Ville), so a drift too slow for any one window adds up.
    """
    if min(len(reference), len(stream)) < FEWEST:
        return None
    best = max(0.0, float(jumper_martingale(conformal_ranks(reference, stream, rng=rng)).max()))
    return {"statistic": best / float(np.log(10)), "p_value": float(np.exp(-best))}


def _score_tests(
    reference: Side, recent: Side, draws: int, rng: np.random.Generator
) -> dict[str, Callable[[], tuple[float, float, float]]]:
    groups: dict[str, Any] = {"reference_groups": reference.groups, "sample_groups": recent.groups}
    options: dict[str, Any] = {**groups, "permutations": draws, "rng": rng}
    work = {
        "confidence": lambda: _triple(score_drift(reference.confidence, recent.confidence, **options)),
        "classes": lambda: _triple(class_mix_drift(reference.labels, recent.labels, **options)),
    }
    if reference.abstained.any() or recent.abstained.any():
        work["abstention"] = lambda: _triple(class_mix_drift(reference.abstained, recent.abstained, **options))
    return work


def _triple(found: Any) -> tuple[float, float, float]:
    return found.statistic, found.p_value, found.permutations


def _some(side: Side, rng: np.random.Generator) -> tuple[Float32[np.ndarray, "k d"], Int[np.ndarray, " k"], Any]:
    """At most `EMBEDDED` rows, whole groups of them, and their positions among the embedded rows."""
    rows = np.arange(len(side.embeddings))
    if len(rows) > EMBEDDED:
        names, code, sizes = np.unique(side.embedding_groups, return_inverse=True, return_counts=True)
        order = rng.permutation(len(names))
        keep = order[: max(FEWEST, int(np.searchsorted(np.cumsum(sizes[order]), EMBEDDED, side="right")))]
        rows = np.flatnonzero(np.isin(code, keep))
    return side.embeddings[rows], side.embedding_groups[rows], rows


def _blocks(rows: Logged, seconds: float) -> Int[np.ndarray, " n"]:
    """Units of rows of one domain that arrived in one block of time, or belong to one group."""
    times = np.floor(rows["at"] / seconds).astype(np.int64)
    names = np.array([f"{domain}\x00{time}" for domain, time in zip(rows["domain"], times, strict=True)], dtype=object)
    # A group (an input with its windows, a passage) that was logged across the border of two blocks goes with its first.
    first = np.unique(rows.groups, return_index=True)[1]
    return np.unique(names[first][rows.groups].astype(str), return_inverse=True)[1]
