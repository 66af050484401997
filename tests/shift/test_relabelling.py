from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.shift.relabelling import ENOUGH, check_rows, check_scores, permuted_p_value, pool_sides


def gap_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    def gap(sides: np.ndarray) -> np.ndarray:
        return np.abs((sides @ values) / sides.sum(axis=1) - (~sides @ values) / (~sides).sum(axis=1))

    return gap


def exact_p(values: np.ndarray, m: int) -> float:
    gap = gap_of(values)
    sides = np.zeros((0, len(values)), dtype=np.bool_)
    listed = []
    for chosen in combinations(range(len(values)), m):
        row = np.zeros(len(values), dtype=np.bool_)
        row[list(chosen)] = True
        listed.append(row)
    sides = np.array(listed)
    observed = gap(np.arange(len(values))[None] >= len(values) - m)[0]
    return float((gap(sides) >= observed - 1e-12).mean())


def test_it_agrees_with_all_assignments(rng: np.random.Generator) -> None:
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.5, 1.1, 0.8, 1.3])
    pooled = pool_sides(5, 3, None, None, where="test")
    truth = exact_p(values, 3)
    found = [permuted_p_value(gap_of(values), pooled, permutations=4000, rng=rng).p_value for _ in range(40)]
    assert np.mean(found) == pytest.approx(truth, rel=0.15)


def test_it_stops_early_where_nothing_happened_and_late_where_something_did(rng: np.random.Generator) -> None:
    calm = np.tile([0.0, 1.0], 50)
    pooled = pool_sides(60, 40, None, None, where="test")
    quiet = permuted_p_value(gap_of(calm), pooled, permutations=5000, rng=rng)
    assert quiet.permutations < 100
    assert quiet.p_value == ENOUGH / quiet.permutations
    moved = np.concatenate([np.zeros(60), np.ones(40)])
    loud = permuted_p_value(gap_of(moved), pooled, permutations=500, rng=rng)
    assert (loud.permutations, loud.p_value) == (500, 1 / 501)


def test_p_values_are_uniform_or_larger_when_nothing_changed() -> None:
    rng = np.random.default_rng(5)
    pooled = pool_sides(30, 20, None, None, where="test")
    p = np.array(
        [permuted_p_value(gap_of(rng.normal(size=50)), pooled, permutations=199, rng=rng).p_value for _ in range(600)]
    )
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 600)
    assert (p <= 0.2).mean() > 0.12  # and not by being useless


def test_groups_move_together() -> None:
    rng = np.random.default_rng(7)
    alone, together = 0, 0
    for _ in range(150):
        level = np.repeat(rng.normal(size=20), 10)  # twenty recordings of ten windows that are all alike
        groups = np.repeat(np.arange(20), 10)
        values = level + 0.01 * rng.normal(size=200)
        one = permuted_p_value(gap_of(values), pool_sides(120, 80, None, None, where="t"), permutations=99, rng=rng)
        whole = pool_sides(120, 80, groups[:120], groups[120:], where="t")
        alone += one.p_value <= 0.05
        together += permuted_p_value(gap_of(values), whole, permutations=99, rng=rng).p_value <= 0.05
    assert alone > 60
    assert together <= 16


def test_a_group_of_both_sides_is_two_units() -> None:
    names = np.array(["a", "b"])
    assert pool_sides(2, 2, names, names, where="t").unit.tolist() == [0, 1, 2, 3]


def test_bad_input_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValuesError, match="at least two independent rows or groups in sample"):
        pool_sides(5, 1, None, None, where="t")
    with pytest.raises(ValuesError, match="in reference, got 1"):
        pool_sides(3, 3, np.array(["x", "x", "x"]), None, where="t")
    with pytest.raises(ShapeError):
        pool_sides(3, 3, np.array(["x", "y"]), None, where="t")
    with pytest.raises(ValuesError, match="at least one permutation"):
        permuted_p_value(gap_of(np.zeros(4)), pool_sides(2, 2, None, None, where="t"), permutations=0, rng=rng)
    with pytest.raises(ShapeError):
        check_rows(np.zeros((3, 2)), np.zeros((3, 3)), where="t")
    with pytest.raises(ValuesError, match="finite"):
        check_rows(np.zeros((3, 2)), np.array([[0.0, np.nan]]), where="t")
    with pytest.raises(ShapeError):
        check_scores(np.zeros(0), np.zeros(3), where="t")
