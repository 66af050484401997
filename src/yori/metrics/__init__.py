"""Reliability metrics: arrays in, numbers out.

    selective             risk-coverage curve, AURC, AUGRC, their excess forms, failure AUROC
    selective_variance    each row's influence on AURC and AUGRC: standard errors without resampling
    working_points        risk at a coverage, coverage at a risk, the threshold that gives it
    thresholds            thresholds with a guarantee: selection with guaranteed risk, conformal risk control
    alarm                 how far the threshold for a target risk moves, over seeds and domains
    confidence            what to rank rows by: max softmax, margin, entropy, energy, seeds, label sets
    calibration           ECE: equal mass, equal width, debiased, classwise, sweep
    reliability_bins      the bins behind it, and the reliability diagram
    smooth_calibration    smECE: a calibration error without bins
    temperature           temperature scaling (softmax and sigmoid)
    vector_scaling        a scale and a shift per class
    scores                negative log-likelihood, Brier score and its parts, per-example losses
    classification        accuracy, balanced accuracy, macro F1
    multilabel            average precision, F1 and losses for several labels per row
    probabilities         rows of probabilities to predicted class, confidence, and whether it is right
    outcomes, ranking     the pair (confidence, correct): checked once, sorted once

In all of them rows of equal confidence are treated alike, so row order never changes a value.
"""

from __future__ import annotations

from yori.metrics.alarm import AlarmStability, alarm_stability
from yori.metrics.calibration import (
    Sweep,
    classwise_calibration_error,
    expected_calibration_error,
    sweep_calibration_error,
    top_label_calibration_error,
)
from yori.metrics.classification import accuracy, balanced_accuracy, macro_f1
from yori.metrics.confidence import (
    energy,
    label_set_confidence,
    margin,
    max_softmax,
    mean_over_seeds,
    negative_entropy,
)
from yori.metrics.multilabel import (
    average_precision_per_class,
    f1_per_class,
    label_set_correct,
    mean_average_precision,
    multilabel_f1,
    per_example_multilabel_brier,
    per_example_multilabel_nll,
)
from yori.metrics.probabilities import top_label
from yori.metrics.reliability_bins import ReliabilityBins, reliability_bins
from yori.metrics.scores import (
    BrierParts,
    brier_parts,
    brier_score,
    negative_log_likelihood,
    per_example_brier,
    per_example_error,
    per_example_nll,
)
from yori.metrics.selective import (
    RiskCoverageCurve,
    augrc,
    aurc,
    excess_augrc,
    excess_aurc,
    failure_auroc,
    mean_selective_risk,
    risk_coverage_curve,
)
from yori.metrics.selective_variance import augrc_influence, aurc_influence
from yori.metrics.smooth_calibration import smooth_calibration_error
from yori.metrics.temperature import apply_temperature, fit_sigmoid_temperature, fit_temperature
from yori.metrics.thresholds import SelectiveThreshold, conformal_threshold, guaranteed_threshold
from yori.metrics.vector_scaling import VectorScaling, fit_vector_scaling
from yori.metrics.working_points import (
    WorkingPoint,
    coverage_at_risk,
    risk_at_coverage,
    working_point_at_coverage,
    working_point_at_risk,
)

__all__ = [
    "AlarmStability",
    "BrierParts",
    "ReliabilityBins",
    "RiskCoverageCurve",
    "SelectiveThreshold",
    "Sweep",
    "VectorScaling",
    "WorkingPoint",
    "accuracy",
    "alarm_stability",
    "apply_temperature",
    "augrc",
    "augrc_influence",
    "aurc",
    "aurc_influence",
    "average_precision_per_class",
    "balanced_accuracy",
    "brier_parts",
    "brier_score",
    "classwise_calibration_error",
    "conformal_threshold",
    "coverage_at_risk",
    "energy",
    "excess_augrc",
    "excess_aurc",
    "expected_calibration_error",
    "f1_per_class",
    "failure_auroc",
    "fit_sigmoid_temperature",
    "fit_temperature",
    "fit_vector_scaling",
    "guaranteed_threshold",
    "label_set_confidence",
    "label_set_correct",
    "macro_f1",
    "margin",
    "max_softmax",
    "mean_average_precision",
    "mean_over_seeds",
    "mean_selective_risk",
    "multilabel_f1",
    "negative_entropy",
    "negative_log_likelihood",
    "per_example_brier",
    "per_example_error",
    "per_example_multilabel_brier",
    "per_example_multilabel_nll",
    "per_example_nll",
    "reliability_bins",
    "risk_at_coverage",
    "risk_coverage_curve",
    "smooth_calibration_error",
    "sweep_calibration_error",
    "top_label",
    "top_label_calibration_error",
    "working_point_at_coverage",
    "working_point_at_risk",
]
