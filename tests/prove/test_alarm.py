"""Alarm thresholds and the coverage wish, against brute force over every threshold."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.prove.alarm import Outcomes, alarm, coverage_requirement, requirements_of, target_risk
from yori.task import ClassDefinition, CoverageRequirement, Requirements, Task

TASK = Task(name="bells", classes=(ClassDefinition("a"), ClassDefinition("b")))


def arm(rng: np.random.Generator, n: int, *, domains: int, seeds: int, skill: float) -> Outcomes:
    """Random outcomes whose confidence says something about being right; many ties."""
    correct = rng.random(n) < skill
    confidence = np.round(np.clip(0.6 + 0.2 * correct + 0.2 * rng.standard_normal(n), 0, 1), 2)
    domain = np.array([f"site{number % domains}" for number in range(n)]) if domains else None
    return Outcomes(confidence, correct, np.arange(n) // max(domains, 1) % seeds, domain)


def lowest_threshold(confidence: np.ndarray, correct: np.ndarray, risk: float) -> float | None:
    """Try every confidence as a threshold."""
    fits = [t for t in np.unique(confidence) if 1 - correct[confidence >= t].mean() <= risk + 1e-12]
    return float(min(fits)) if fits else None


def rows_of(outcomes: Outcomes, domain: str | None, seed: int) -> np.ndarray:
    inside = np.ones(len(outcomes.seed), dtype=bool) if outcomes.domain is None else outcomes.domain == domain
    return inside & (outcomes.seed == seed)


@given(seed=st.integers(0, 10_000), domains=st.sampled_from([0, 1, 3]), seeds=st.integers(1, 3),
       risk=st.sampled_from([0.0, 0.05, 0.2, 0.5]))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_cell_by_brute_force(seed: int, domains: int, seeds: int, risk: float) -> None:
    rng = np.random.default_rng(seed)
    before, after = (arm(rng, 72, domains=domains, seeds=seeds, skill=skill) for skill in (0.7, 0.8))
    found = alarm(before, after, risk=risk)
    json.dumps(found, allow_nan=False)
    assert len(found["cells"]) == max(domains, 1) * seeds
    moves: dict[str | None, list[float]] = {}
    for cell in found["cells"]:
        rows = rows_of(before, cell["domain"], cell["seed"])
        old = lowest_threshold(before.confidence[rows], before.correct[rows], risk)
        new = lowest_threshold(after.confidence[rows], after.correct[rows], risk)
        assert (cell["before"], cell["after"]) == (old, new)
        assert cell["shift"] == (None if old is None or new is None else pytest.approx(new - old))
        if cell["shift"] is not None:
            moves.setdefault(cell["domain"], []).append(cell["shift"])
        assert cell["coverage_after"] == (None if new is None else (after.confidence[rows] >= new).mean())
        if old is None:
            assert cell["kept_coverage"] is cell["kept_risk"] is cell["coverage_before"] is None
            continue
        answered = after.confidence[rows] >= old
        assert cell["kept_coverage"] == pytest.approx(answered.mean())
        wrong = 1 - after.correct[rows][answered].mean() if answered.any() else None
        assert cell["kept_risk"] == (None if wrong is None else pytest.approx(wrong))
    if moves:
        assert found["mean_shift"] == pytest.approx(np.mean([np.mean(each) for each in moves.values()]))
        assert found["largest_shift"] == pytest.approx(max(abs(move) for each in moves.values() for move in each))
    else:
        assert found["mean_shift"] is found["largest_shift"] is None


def test_the_order_of_rows_does_not_matter_in_either_arm() -> None:
    rng = np.random.default_rng(3)
    before, after = (arm(rng, 90, domains=3, seeds=2, skill=0.8) for _ in range(2))

    def shuffled(outcomes: Outcomes) -> Outcomes:
        order = rng.permutation(90)
        return Outcomes(*(getattr(outcomes, field.name)[order] for field in dataclasses.fields(outcomes)))

    asked = CoverageRequirement(risk=0.1, coverage=0.5)
    one, other = (before, after), (shuffled(before), shuffled(after))
    assert alarm(*one, risk=0.1) == alarm(*other, risk=0.1)
    assert coverage_requirement(*one, asked) == coverage_requirement(*other, asked)


def test_nothing_moves_where_nothing_changed() -> None:
    same = arm(np.random.default_rng(4), 120, domains=2, seeds=3, skill=0.9)
    found = alarm(same, same, risk=0.2)
    assert found["mean_shift"] == found["largest_shift"] == 0
    assert found["seed_spread"]["before"] == found["seed_spread"]["after"] > 0
    assert found["range"]["before"] == found["range"]["after"]
    assert all(cell["kept_coverage"] == cell["coverage_before"] for cell in found["cells"])


def test_no_threshold_is_null_and_not_a_number() -> None:
    """All wrong before, all right after: only the later arm has a threshold."""
    wrong = Outcomes(np.array([0.9, 0.8]), np.array([False, False]), np.array([5, 5]))
    right = dataclasses.replace(wrong, correct=np.array([True, True]))
    found = alarm(wrong, right, risk=0.05)
    assert found["cells"] == [
        {"domain": None, "seed": 5, "before": None, "after": 0.8, "shift": None, "coverage_before": None,
         "coverage_after": 1.0, "kept_coverage": None, "kept_risk": None}
    ]  # fmt: skip
    assert found["range"] == {"before": None, "after": {"low": 0.8, "high": 0.8}}
    assert found["seed_spread"] == {"before": None, "after": None}


def test_an_old_threshold_that_answers_nothing_has_no_risk() -> None:
    old = Outcomes(np.array([0.9, 0.9]), np.array([True, True]), np.array([0, 0]))
    new = dataclasses.replace(old, confidence=np.array([0.5, 0.6]))
    (cell,) = alarm(old, new, risk=0.05)["cells"]
    assert (cell["kept_coverage"], cell["kept_risk"]) == (0.0, None)


def test_a_mean_that_meets_the_wish_does_not_hide_a_domain_that_misses_it() -> None:
    """Coverage at risk 0: 1.0 on shore (four rows), 0.5 at sea (four rows); mean 0.75."""
    correct = np.array([True] * 4 + [True, True, False, False])
    domain = np.array(["shore"] * 4 + ["sea"] * 4)
    good = Outcomes(np.linspace(0.9, 0.2, 8), correct, np.zeros(8, dtype=np.int64), domain)
    none = dataclasses.replace(good, correct=~correct)
    found = coverage_requirement(none, good, CoverageRequirement(risk=0.0, coverage=0.75))
    assert found == {
        "risk": 0.0, "coverage": 0.75,
        "before": {"coverage": 0.0, "met": False, "cells_met": 0, "cells": 2},
        "after": {"coverage": 0.75, "met": True, "cells_met": 1, "cells": 2},
    }  # fmt: skip
    assert coverage_requirement(none, good, None) is None


def test_a_mean_over_seeds_meets_a_wish_it_equals_up_to_rounding() -> None:
    """Three seeds of 10 rows at coverage 0.7 each: their mean is 0.7 less a rounding."""
    correct = np.tile(np.arange(10) < 7, 3)
    every = Outcomes(np.tile(np.linspace(1, 0.1, 10), 3), correct, np.repeat([0, 1, 2], 10))
    found = coverage_requirement(every, every, CoverageRequirement(risk=0.0, coverage=0.7))
    assert found is not None
    assert math.isclose(found["after"]["coverage"], 0.7)
    assert found["after"]["met"]
    assert found["after"]["cells_met"] == 3


def test_the_risk_asked_for_is_the_target() -> None:
    asked = Requirements(latency_ms=20.0, coverage_at_risk=CoverageRequirement(risk=0.02, coverage=0.8))
    task = dataclasses.replace(TASK, requirements=asked)
    assert (target_risk(TASK), target_risk(task)) == (0.05, 0.02)
    assert requirements_of(TASK) is None
    assert requirements_of(task) == {
        "latency_ms": 20.0, "queries_per_second": None, "model_bytes": None, "device": None, "serving": None,
        "coverage_at_risk": {"risk": 0.02, "coverage": 0.8},
    }  # fmt: skip
