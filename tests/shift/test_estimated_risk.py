from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.shift import KnownShift, average_confidence, average_thresholded_confidence, under_shift


def draw(rng: np.random.Generator, n: int, a: float = 6.0, honesty: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidence, and whether it is right; ``honesty`` is added to the chance."""
    confidence = rng.beta(a, 1, n)
    return confidence, rng.random(n) < np.clip(confidence + honesty, 0, 1)


@pytest.mark.parametrize("honesty", [0.0, -0.1])
def test_average_confidence_covers_on_the_same_distribution(honesty: float) -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(400):
        old, right = draw(rng, 400, honesty=honesty)
        new, truth = draw(rng, 150, honesty=honesty)
        found = average_confidence(new, old, right)
        inside.append(found.low <= (~truth).mean() <= found.high)
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)


def test_it_follows_harder_input_that_the_confidence_sees() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(200):
        old, right = draw(rng, 800)
        new, truth = draw(rng, 300, a=2.0)
        found = average_confidence(new, old, right)
        inside.append(found.low <= (~truth).mean() <= found.high)
        assert found.risk > 0.2 > 1 - right.mean()
    assert np.mean(inside) >= 0.9


def test_atc_covers_on_the_same_distribution() -> None:
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(300):
        old, right = draw(rng, 400)
        new, truth = draw(rng, 150)
        found = average_thresholded_confidence(new, old, right)
        inside.append(found.low <= (~truth).mean() <= found.high)
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300)


def test_atc_matches_the_errors_of_the_reference_itself(rng: np.random.Generator) -> None:
    old, right = draw(rng, 500)
    assert average_thresholded_confidence(old, old, right).risk == pytest.approx((~right).mean())
    assert average_thresholded_confidence(old, old, np.zeros(500, bool)).risk == 1.0
    assert average_thresholded_confidence(old, old, np.ones(500, bool)).risk == 0.0


def test_a_reference_without_errors_is_not_certain(rng: np.random.Generator) -> None:
    found = average_confidence(np.ones(1000), np.ones(50), np.ones(50, dtype=bool))
    assert found.risk == 0
    assert found.high > 0.02


def test_the_interval_of_known_shifts_covers_the_next_domain() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(400):
        miss = rng.normal(0.08, 0.04, 6)
        shifts = [KnownShift(str(k), 0.2, 0.2 + float(miss[k]), 0.3, 500) for k in range(5)]
        found = under_shift(0.2, shifts, 0.25, rows=400)
        truth = rng.binomial(400, min(0.2 + miss[5], 1)) / 400
        inside.append(found.low <= truth <= found.high)
        assert found.known
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)


def test_it_says_when_it_cannot_know() -> None:
    few = [KnownShift("a", 0.1, 0.2, 0.3, 100)] * 2
    found = under_shift(0.1, few, 0.1, rows=100)
    assert (found.basis, found.low, found.high, found.known) == ("cannot know", 0.0, 1.0, False)
    assert "too few" in found.reason
    enough = [*few, KnownShift("loud", 0.1, 0.2, 0.4, 100)]
    assert under_shift(0.1, enough, 0.42, rows=100).known  # within luck of the farthest
    beyond = under_shift(0.1, enough, 0.7, rows=100)
    assert not beyond.known
    assert "loud" in beyond.reason


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValuesError, match=r"in \[0, 1\]"):
        average_confidence(np.array([1.5]), np.array([0.5]), np.array([True]))
    with pytest.raises(ValuesError, match="level"):
        average_thresholded_confidence(np.array([0.5]), np.array([0.5]), np.array([True]), level=1.0)
    with pytest.raises(ValuesError, match="share of novel"):
        under_shift(0.1, [], 1.2, rows=5)
