from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.metrics import augrc, aurc
from yori.statistics import sorted_outcomes
from yori.statistics.sorted_outcomes import augrc_of_weights, aurc_of_weights, sort_outcomes


def written_out(function: object, confidence: np.ndarray, correct: np.ndarray, rows: np.ndarray) -> float:
    return function(confidence[rows], correct[rows]) if len(rows) else float("nan")  # type: ignore[operator]


def check(confidence: np.ndarray, correct: np.ndarray, unit: np.ndarray, weights: np.ndarray) -> None:
    rows = sort_outcomes(confidence, correct, unit)
    drawn = [np.repeat(np.arange(len(unit)), w[unit]) for w in weights]
    for of_weights, function in ((aurc_of_weights, aurc), (augrc_of_weights, augrc)):
        wanted = [written_out(function, confidence, correct, d) for d in drawn]
        np.testing.assert_allclose(of_weights(rows, weights), wanted, rtol=1e-12, atol=1e-14)


@settings(max_examples=150)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 10_000))
def test_equals_the_metric_of_the_rows_written_out(n: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.integers(-values, values + 1, n) / 3
    units = int(rng.integers(1, n + 1))
    unit = rng.integers(0, units, n)
    weights = rng.integers(0, 4, (5, units)).astype(np.uint8)
    weights[0] = 0  # nothing drawn
    check(confidence, rng.random(n) < 0.5, unit, weights)


@pytest.mark.parametrize("ties", [0, 3, 40])
@pytest.mark.parametrize("replicates", [1, 4])
def test_blocks_join_seamlessly(ties: int, replicates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_outcomes, "_BLOCK", 64)
    rng = np.random.default_rng(ties)
    confidence = rng.random(1000)
    if ties:
        confidence = np.round(confidence * ties) / ties  # groups of ties longer than a block
    weights = rng.poisson(1.0, (replicates, 1000)).astype(np.uint8)
    weights[0, np.argsort(-confidence)[:150]] = 0  # the first blocks carry no weight
    check(confidence, rng.random(1000) < 0.2 + 0.7 * confidence, np.arange(1000), weights)


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(right: bool) -> None:
    rows = sort_outcomes(np.array([0.3, 0.9, 0.3]), np.full(3, right), np.arange(3))
    weights = np.array([[1, 1, 1], [3, 0, 0]], dtype=np.uint8)
    np.testing.assert_allclose(aurc_of_weights(rows, weights), 0.0 if right else 1.0)
    np.testing.assert_allclose(augrc_of_weights(rows, weights), 0.0 if right else 0.5)


def test_rows_already_in_order_are_read_without_an_index() -> None:
    confidence = np.linspace(1, 0, 20)
    assert sort_outcomes(confidence, np.ones(20, bool), np.arange(20)).unit is None
    assert sort_outcomes(confidence[::-1].copy(), np.ones(20, bool), np.arange(20)).unit is not None


def test_weights_and_rows_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    confidence, correct, unit = rng.random(50), rng.random(50) < 0.5, np.arange(50)
    weights = rng.poisson(1.0, (2, 50)).astype(np.uint8)
    copies = [x.copy() for x in (confidence, correct, unit, weights)]
    check(confidence, correct, unit, weights)
    for now, then in zip((confidence, correct, unit, weights), copies, strict=True):
        np.testing.assert_array_equal(now, then)
