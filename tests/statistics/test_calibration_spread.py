import math

import numpy as np
import pytest
from scipy import special

from yori.metrics import top_label_calibration_error
from yori.statistics import Predictions, compare
from yori.statistics.calibration_spread import (
    _GRID,
    _MASS,
    _debiased_absolute,
    _hermite_coefficients,
    spread_of_calibration_error,
)


def drawn(rng, n, slope=1.0):
    """Confidence and correctness; ``slope`` 1 is calibrated."""
    score = rng.normal(1.0, 1.0, n)
    return special.expit(score), rng.random(n) < special.expit(slope * score)


def test_hermite_coefficients_give_the_variance_of_a_fold():
    """Var |z| = 1 − 2/π, and Cov(|z|, |z'|) of correlated normals has a closed form."""
    coefficients = _hermite_coefficients(np.abs(_GRID)[None])[0]
    assert (coefficients**2).sum() == pytest.approx(1 - 2 / math.pi, rel=0.01)
    for rho in (0.3, 0.8):
        exact = 2 / math.pi * (math.sqrt(1 - rho**2) + rho * math.asin(rho)) - 2 / math.pi
        powers = rho ** np.arange(1, len(coefficients) + 1)
        assert (powers * coefficients**2).sum() == pytest.approx(exact, rel=1e-4)
    assert _hermite_coefficients(_GRID[None])[0] == pytest.approx(np.eye(len(coefficients))[0], abs=1e-6)
    assert _MASS.sum() == pytest.approx(1)


def test_the_function_of_a_bin_is_that_of_the_metric():
    confidence, correct = np.array([0.6, 0.6, 0.6, 0.6]), np.array([True, True, True, False])
    gap, noise = np.array([[0.15]]), np.array([[math.sqrt(0.75 * 0.25 / 4)]])
    expected = top_label_calibration_error(confidence, correct, bins=1)
    assert _debiased_absolute(gap, noise)[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_is_the_spread_over_test_sets(slope):
    rng, n = np.random.default_rng(0), 600
    values, errors = [], []
    for _ in range(400):
        confidence, correct = drawn(rng, n, slope)
        values.append(top_label_calibration_error(confidence, correct))
        errors.append(spread_of_calibration_error([(confidence, correct)], [1.0], [np.arange(n)]))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_clusters_that_are_copies_count_once():
    rng, n = np.random.default_rng(1), 3000
    confidence, correct = drawn(rng, n, 0.5)
    one = spread_of_calibration_error([(confidence, correct)], [1.0], [np.arange(n)])
    # Ties of copies are cut by bin borders; 15 divides 3000, so that no group of copies is cut here.
    copies = [(np.repeat(confidence, 4), np.repeat(correct, 4))]
    four = spread_of_calibration_error(copies, [1.0], [np.repeat(np.arange(n), 4)])
    assert four == pytest.approx(one, rel=0.1)  # copies also make less noise to be taken off
    assert spread_of_calibration_error(copies, [1.0], [np.arange(4 * n)]) < 0.6 * one


def test_equal_arms_cancel_and_order_and_sign_do_not_matter():
    rng, n = np.random.default_rng(2), 500
    first, second = drawn(rng, n), drawn(rng, n, 0.7)
    code = np.arange(n)
    assert spread_of_calibration_error([first, first], [-1.0, 1.0], [code, code]) == 0
    forth = spread_of_calibration_error([first, second], [-1.0, 1.0], [code, code])
    assert spread_of_calibration_error([second, first], [-1.0, 1.0], [code, code]) == pytest.approx(forth)
    order = rng.permutation(n)
    moved = [(confidence[order], correct[order]) for confidence, correct in (first, second)]
    assert spread_of_calibration_error(moved, [-1.0, 1.0], [code, code]) == pytest.approx(forth)
    alone = [spread_of_calibration_error([arm], [1.0], [code]) for arm in (first, second)]
    assert forth == pytest.approx(math.hypot(*alone), rel=0.1)  # independent here


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (np.full(30, 0.7), np.arange(30) % 3 > 0),
        (np.linspace(0.5, 1, 30), np.ones(30, dtype=bool)),
        (np.array([0.6, 0.9]), np.array([False, True])),
        (np.ones(20), np.ones(20, dtype=bool)),
    ],
)
def test_ties_certainty_and_two_rows(confidence, correct):
    found = spread_of_calibration_error([(confidence, correct)], [1.0], [np.arange(len(correct))])
    assert np.isfinite(found)
    assert found >= 0


def test_compare_reads_no_random_number_for_it():
    rng, n = np.random.default_rng(3), 400
    arms = [Predictions(np.arange(n), confidence=c, correct=k) for c, k in (drawn(rng, n), drawn(rng, n, 0.6))]
    found = [compare(*arms, metric="ece", rng=np.random.default_rng(seed)) for seed in (0, 1)]
    assert found[0] == found[1]
    assert found[0].method == "closed form"
    assert found[0].low < found[0].delta < found[0].high
