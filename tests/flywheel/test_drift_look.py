from __future__ import annotations

import numpy as np
import pytest

from yori.flywheel.drift_look import EMBEDDED, TESTS, Side, drift_look, slow_drift


def side(rng: np.random.Generator, n: int, *, shift: float = 0.0, groups: np.ndarray | None = None) -> Side:
    embeddings = rng.normal(shift, 1, (n, 4)).astype(np.float32)
    confidence = rng.beta(5, 1, n)
    own = np.arange(n) if groups is None else groups
    labels = rng.choice(["a", "b"], n).astype(object)
    return Side(embeddings, own, confidence, labels, confidence < 0.6, own)


def test_each_test_has_a_value_and_all_share_the_level() -> None:
    rng = np.random.default_rng(0)
    found = drift_look(side(rng, 100), side(rng, 80, shift=1.0), level=0.05, rng=rng)
    assert set(found.tests) == set(TESTS)
    assert set(found.alarms) == {"mmd", "energy", "classifier"}
    assert found.suspicious
    assert found.newness.shape == (80,)
    for each in found.tests.values():
        assert each["adjusted"] >= each["p_value"]


def test_a_level_of_zero_never_alarms() -> None:
    rng = np.random.default_rng(1)
    found = drift_look(side(rng, 100), side(rng, 80, shift=2.0), level=0.0, rng=rng)
    assert found.alarms == ()
    assert found.suspicious


def test_other_p_values_join_the_family() -> None:
    rng = np.random.default_rng(2)
    calm = side(rng, 60), side(rng, 60)
    found = drift_look(*calm, level=0.05, extra={"labelled_risk": 1e-6}, rng=rng)
    assert found.alarms == ("labelled_risk",)
    # A finding about errors is no sign that the inputs have moved.
    assert not found.suspicious


def test_few_units_are_not_tested() -> None:
    rng = np.random.default_rng(3)
    few = side(rng, 100, groups=np.arange(100) // 10)
    found = drift_look(side(rng, 100), few, level=0.05, rng=rng)
    assert found.tests == {}
    assert set(found.left_out) == set(TESTS)
    assert "10 independent inputs" in found.left_out["mmd"]


def test_of_many_rows_whole_groups_are_taken() -> None:
    rng = np.random.default_rng(4)
    many = side(rng, 2 * EMBEDDED, groups=np.arange(2 * EMBEDDED) // 5)
    found = drift_look(side(rng, 100), many, level=0.05, rng=rng)
    known = np.isfinite(found.newness).reshape(-1, 5)
    assert known.all(axis=1).sum() == pytest.approx(EMBEDDED / 5, abs=1)
    assert (known.all(axis=1) | ~known.any(axis=1)).all()


def test_a_drift_too_slow_for_any_window_adds_up() -> None:
    rng = np.random.default_rng(5)
    reference = rng.beta(5, 1, 500)
    calm = slow_drift(reference, rng.beta(5, 1, 2000), rng=rng)
    moved = slow_drift(reference, rng.beta(2.5, 1, 2000), rng=rng)
    assert calm is not None
    assert moved is not None
    assert calm["p_value"] > 0.01
    assert moved["p_value"] < 1e-3
    assert moved["statistic"] == pytest.approx(-np.log10(moved["p_value"]))
    assert slow_drift(reference, np.zeros(3), rng=rng) is None
