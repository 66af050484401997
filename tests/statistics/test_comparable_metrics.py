from __future__ import annotations

import numpy as np
import pytest

from yori import metrics
from yori.errors import ShapeError, ValuesError
from yori.statistics import METRICS, Predictions
from yori.statistics.comparable_metrics import find_metric

RNG = np.random.default_rng(0)
PROBS = RNG.dirichlet(np.full(4, 0.5), 200)
LABELS = np.where(RNG.random(200) < 0.7, PROBS.argmax(axis=1), RNG.integers(0, 4, 200))
ROWS = Predictions(np.arange(200), probs=PROBS, labels=LABELS, loss=RNG.random(200))
CONFIDENCE, CORRECT = metrics.top_label(PROBS, LABELS)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("aurc", metrics.aurc(CONFIDENCE, CORRECT)),
        ("augrc", metrics.augrc(CONFIDENCE, CORRECT)),
        ("risk@0.8", metrics.risk_at_coverage(CONFIDENCE, CORRECT, 0.8)),
        ("risk@0.55", metrics.risk_at_coverage(CONFIDENCE, CORRECT, 0.55)),
        ("coverage@0.1", metrics.coverage_at_risk(CONFIDENCE, CORRECT, 0.1)),
        ("accuracy", CORRECT.mean()),
        ("error", 1 - CORRECT.mean()),
        ("nll", metrics.negative_log_likelihood(PROBS, LABELS)),
        ("brier", metrics.brier_score(PROBS, LABELS)),
        ("ece", metrics.expected_calibration_error(PROBS, LABELS)),
        ("squared_ece", metrics.expected_calibration_error(PROBS, LABELS, norm="l2_squared")),
        ("macro_f1", metrics.macro_f1(PROBS.argmax(axis=1), LABELS)),
        ("balanced_accuracy", metrics.balanced_accuracy(PROBS.argmax(axis=1), LABELS)),
        ("loss", ROWS.loss.mean()),  # type: ignore[union-attr]
    ],
)
def test_values_are_those_of_the_metrics(name: str, wanted: float) -> None:
    assert find_metric(name).value(ROWS) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.influence])
def test_influence_values_are_the_rate_of_change_of_the_metric(name: str) -> None:
    """A row written out once more moves the metric by its influence over the number of rows, to first order."""
    metric = METRICS[name]
    if metric.squares:
        return  # bins are held fixed there
    assert metric.influence is not None
    influence = metric.influence(*metric.columns(ROWS))
    copies = 400
    for row in (0, 57, 123):
        doubled = ROWS[np.append(np.repeat(np.arange(200), copies), row)]
        moved = (metric.value(doubled) - metric.value(ROWS[np.repeat(np.arange(200), copies)])) * 200 * copies
        assert moved == pytest.approx(influence[row], rel=0.02, abs=2e-3)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_calibration_reads_the_probability_even_where_another_score_ranks() -> None:
    rows = Predictions(np.arange(200), confidence=-PROBS.max(axis=1), probs=PROBS, labels=LABELS)
    assert find_metric("ece").value(rows) == find_metric("ece").value(ROWS)
    assert find_metric("aurc").value(rows) != find_metric("aurc").value(ROWS)


def test_directions_and_best_values() -> None:
    higher = {name for name, metric in METRICS.items() if metric.direction == "higher"}
    assert higher == {"accuracy", "macro_f1", "balanced_accuracy"}
    assert all(METRICS[name].best == (1.0 if name in higher else 0.0) for name in METRICS)
    assert find_metric("coverage@0.1").best == 1.0


def test_a_function_of_ones_own() -> None:
    def largest(rows: Predictions) -> float:
        assert rows.loss is not None
        return float(rows.loss.max())

    metric = find_metric(largest, "lower")
    assert metric.name == "largest"
    assert metric.value(ROWS) == ROWS.loss.max()  # type: ignore[union-attr]
    with pytest.raises(ValuesError, match="direction"):
        find_metric(largest)


@pytest.mark.parametrize("name", ["auroc", "risk@", "risk@x", "risk@0", "risk@1.5", "coverage@nan", "aurc@0.5", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValuesError, match="compare"):
        find_metric(name)


def test_missing_columns_are_named() -> None:
    with pytest.raises(ShapeError, match="no probs, no labels"):
        find_metric("nll").value(Predictions(np.arange(2), correct=np.array([True, False])))
    with pytest.raises(ShapeError, match="no confidence"):
        find_metric("aurc").value(Predictions(np.arange(2), correct=np.array([True, False])))
