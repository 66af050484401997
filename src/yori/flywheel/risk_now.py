"""How often the released model is wrong now: estimated without labels, and counted where people have answered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.flywheel.reference import Reference, reference_key, tuned_penalty
from yori.metrics.thresholds import binomial_upper_bound
from yori.shift import (
    CalibrationDrift,
    KnownShift,
    RiskEstimate,
    average_confidence,
    average_thresholded_confidence,
    calibration_drift,
    known_shifts,
    under_shift,
)
from yori.store import Project

FEWEST = 20
"""Rows, or labelled rows, below which nothing is estimated."""


@dataclass(frozen=True)
class LabelledRisk:
    """Errors among rows picked by chance that people have labelled.

    ``low``, ``high``: exact binomial 95 % interval. ``p_value``: of "the risk is at most the target", one-sided.
    """

    rows: int
    risk: float
    low: float
    high: float
    p_value: float


def estimate(
    reference: Reference,
    confidence: Float[np.ndarray, " n"],
    *,
    moved: bool,
    novelty: float,
    shifts: Callable[[], tuple[KnownShift, ...]],
    answered: bool,
) -> dict[str, RiskEstimate]:
    """Both estimates for recent rows, of all of them or of those that were answered.

    ``moved``: whether there is any sign of drift; then only what held-out domains show (``shifts``) can widen the interval of
    average confidence to one that holds, and ATC is left without one.
    """
    kept, seen = np.ones(len(reference.correct), dtype=np.bool_), confidence
    if answered:
        kept = reference.decisions.confidence >= reference.release.threshold
        seen = confidence[confidence >= reference.release.threshold]
    if len(seen) < FEWEST or kept.sum() < FEWEST:
        return {}
    old, right = np.clip(reference.decisions.confidence[kept], 0, 1), reference.correct[kept]
    groups = reference.validation_groups[kept]
    new = np.clip(seen, 0, 1)
    first = average_confidence(new, old, right, reference_groups=groups if len(np.unique(groups)) > 1 else None)
    found = {"average_confidence": first, "atc": average_thresholded_confidence(new, old, right)}
    if moved:
        found["average_confidence"] = under_shift(first.risk, shifts(), novelty, rows=len(seen))
        reason = "the rows have moved; see average confidence"
        found["atc"] = RiskEstimate(found["atc"].risk, 0.0, 1.0, "cannot know", reason)
    return found


def stored_shifts(project: Project, reference: Reference, *, answered: bool) -> tuple[KnownShift, ...]:
    """`yori.shift.known_shifts` of a release, computed once; empty without domains or with several labels per example."""
    if reference.domains is None or not reference.single:
        return ()
    threshold = reference.release.threshold if answered and math.isfinite(reference.release.threshold) else None
    key = reference_key(reference, stage="known shifts", version=1, threshold=threshold)
    if not project.has_stage("cache", key):
        validation = np.arange(len(reference.ids)) >= reference.trained
        found = known_shifts(
            reference.embeddings, reference.targets, reference.domains.astype(str), validation,
            classes=len(reference.release.classes), l2=tuned_penalty(project, reference), threshold=threshold,
        )  # fmt: skip
        with project.stage_folder("cache", key) as folder:
            (folder / "shifts.json").write_text(json.dumps([asdict(each) for each in found]), encoding="utf-8")
    text = (project.stage_path("cache", key) / "shifts.json").read_text(encoding="utf-8")
    return tuple(KnownShift(**each) for each in json.loads(text))


def labelled_risk(agreed: Float[np.ndarray, " n"], *, target: float) -> LabelledRisk | None:
    """Risk from labels of rows picked by chance; None below `FEWEST`. Where people disagree the majority counts."""
    if len(agreed) < FEWEST:
        return None
    from scipy.special import betainc, betaincinv

    wrong, n = int((agreed < 0.5).sum()), len(agreed)
    low = 0.0 if wrong == 0 else float(betaincinv(wrong, n - wrong + 1, 0.025))
    high = binomial_upper_bound(wrong, n, 0.025)
    p = 1.0 if wrong == 0 else float(betainc(wrong, n - wrong + 1, target))
    return LabelledRisk(n, wrong / n, low, high, p)


def calibration_now(
    reference: Reference,
    confidence: Float[np.ndarray, " n"],
    rows: Int[np.ndarray, " k"],
    agreed: Float[np.ndarray, " k"],
) -> CalibrationDrift | None:
    """Calibration of labelled rows against that of the validation examples; None below `FEWEST`."""
    if len(rows) < FEWEST:
        return None
    groups = reference.validation_groups
    right: Bool[np.ndarray, " k"] = agreed >= 0.5
    return calibration_drift(
        np.clip(confidence[rows], 0, 1), right, np.clip(reference.decisions.confidence, 0, 1), reference.correct,
        reference_groups=groups if len(np.unique(groups)) > 1 else None,
    )  # fmt: skip


def shown(found: RiskEstimate | LabelledRisk | CalibrationDrift | None) -> dict[str, Any] | None:
    """As JSON."""
    return None if found is None else asdict(found)
