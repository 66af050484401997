from __future__ import annotations

import numpy as np
import pytest

from yori.statistics.calibration_variance import noise_of_squares, squared_ece_influence


def test_influence_is_centred_and_zero_for_equal_rows() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(200)
    values = squared_ece_influence(confidence, rng.random(200) < confidence)
    assert values.mean() == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(squared_ece_influence(np.full(3, 0.5), np.ones(3, bool)), 0, atol=1e-15)


def test_noise_is_the_variance_of_squared_gaps_of_calibrated_models() -> None:
    """Both models calibrated: the whole variance of the difference is noise squared."""
    rng = np.random.default_rng(1)
    n, bins, runs = 600, 15, 4000
    member = np.arange(n) // (n // bins)
    before, after = np.linspace(0.5, 0.95, n), np.linspace(0.6, 0.99, n)
    deltas, noises = [], []
    for run in range(runs):
        luck = rng.random(n)
        right = [luck < stated for stated in (before, after)]
        gaps = [np.bincount(member, weights=r - c) / (n // bins) for r, c in zip(right, (before, after), strict=True)]
        deltas.append((gaps[1] ** 2).mean() - (gaps[0] ** 2).mean())
        if run < 200:
            arms = [(before, right[0]), (after, right[1])]
            noises.append(noise_of_squares(arms, [-1.0, 1.0], [np.arange(n)] * 2))
    assert np.mean(noises) == pytest.approx(np.var(deltas), rel=0.1)


def test_rows_of_one_cluster_count_together() -> None:
    rng = np.random.default_rng(2)
    confidence, correct = rng.random(90), rng.random(90) < 0.5
    once = noise_of_squares([(confidence, correct)], [1.0], [np.arange(90)])
    tripled = [np.repeat(x, 3) for x in (confidence, correct, np.arange(90))]
    assert noise_of_squares([(tripled[0], tripled[1])], [1.0], [tripled[2]]) == pytest.approx(once, rel=1e-9)
    alone = noise_of_squares([(tripled[0], tripled[1])], [1.0], [np.arange(270)])
    assert alone == pytest.approx(once / 9, rel=1e-9)


def test_an_arm_minus_itself_has_no_noise() -> None:
    rng = np.random.default_rng(3)
    arm = (rng.random(50), rng.random(50) < 0.5)
    assert noise_of_squares([arm, arm], [-1.0, 1.0], [np.arange(50)] * 2) == pytest.approx(0, abs=1e-12)
