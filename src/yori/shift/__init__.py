"""Has the world moved since the model was released?

relabelling             the permutation test behind all two-sample tests; stops early, keeps groups together
mmd, energy_distance    embeddings: kernel mean discrepancy, energy distance
classifier_two_sample   embeddings: can a head tell new from old, and which rows look new
score_drift, class_mix  confidence; predicted classes, abstention
false_alarms            the level each look may spend, so that a quiet month stays quiet
martingale              evidence row by row that may be read at any time
rarity                  how far rows are from what is known; clusters of novel rows, named by what they resemble
estimated_risk          error rates without labels, and when they cannot be known
known_shifts            how far off that is on held-out domains
calibration_drift       confidence against correctness, from new labels
"""

from __future__ import annotations

from yori.shift.calibration_drift import CalibrationDrift, calibration_drift
from yori.shift.class_mix import class_mix_drift
from yori.shift.classifier_two_sample import ClassifierResult, classifier_two_sample
from yori.shift.energy_distance import energy_distance
from yori.shift.estimated_risk import (
    KnownShift,
    RiskEstimate,
    average_confidence,
    average_thresholded_confidence,
    under_shift,
)
from yori.shift.false_alarms import alarms, level_of_look, permutations_for
from yori.shift.known_shifts import known_shifts
from yori.shift.martingale import conformal_ranks, jumper_martingale
from yori.shift.mmd import mmd
from yori.shift.rarity import NovelCluster, Novelty, neighbour_distance, novel_clusters, novelty
from yori.shift.relabelling import TwoSampleResult, permuted_p_value, pool_sides
from yori.shift.score_drift import score_drift

__all__ = [
    "CalibrationDrift",
    "ClassifierResult",
    "KnownShift",
    "NovelCluster",
    "Novelty",
    "RiskEstimate",
    "TwoSampleResult",
    "alarms",
    "average_confidence",
    "average_thresholded_confidence",
    "calibration_drift",
    "class_mix_drift",
    "classifier_two_sample",
    "conformal_ranks",
    "energy_distance",
    "jumper_martingale",
    "known_shifts",
    "level_of_look",
    "mmd",
    "neighbour_distance",
    "novel_clusters",
    "novelty",
    "permutations_for",
    "permuted_p_value",
    "pool_sides",
    "score_drift",
    "under_shift",
]
