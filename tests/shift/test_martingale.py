from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.shift import conformal_ranks, jumper_martingale


def test_ranks_are_uniform_and_independent_while_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    ranks = np.concatenate(
        [conformal_ranks(rng.normal(size=50), rng.normal(size=100).round(1), rng=rng) for _ in range(40)]
    )
    exact = np.concatenate([conformal_ranks(rng.normal(size=50), rng.normal(size=100), rng=rng) for _ in range(40)])
    assert stats.kstest(exact, "uniform").pvalue > 0.001
    assert 0 < ranks.min() < ranks.max() < 1
    assert abs(np.corrcoef(exact[:-1], exact[1:])[0, 1]) < 0.06


def test_ranks_are_those_of_brute_force(rng: np.random.Generator) -> None:
    reference, stream = rng.integers(0, 5, 20).astype(float), rng.integers(0, 5, 30).astype(float)
    found = conformal_ranks(reference, stream, rng=np.random.default_rng(3))
    luck = np.random.default_rng(3).random(30)
    seen = reference.tolist()
    for place, score in enumerate(stream):
        seen.append(score)
        low, ties = sum(each < score for each in seen), seen.count(score)
        assert found[place] == pytest.approx((low + luck[place] * ties) / len(seen))


def test_it_cries_wolf_at_most_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    wolves = sum(
        jumper_martingale(conformal_ranks(rng.normal(size=100), rng.normal(size=400), rng=rng)).max() >= np.log(10)
        for _ in range(150)
    )
    assert wolves / 150 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 150)


def test_a_drift_that_begins_late_is_found(rng: np.random.Generator) -> None:
    stream = np.concatenate([rng.normal(size=500), rng.normal(-1, 1, size=300)])
    path = jumper_martingale(conformal_ranks(rng.normal(size=300), stream, rng=rng))
    assert path[:500].max() < np.log(20)
    assert np.flatnonzero(path >= np.log(20))[0] < 650


def test_a_jump_of_the_capital_is_the_product_of_its_bets() -> None:
    path = jumper_martingale(np.array([0.75, 0.75]), jump=0.0)
    # Three gamblers with 1/3 each: factors ½, 1, 3/2 at rank ¾.
    assert np.exp(path) == pytest.approx([1.0, (0.25 + 1 + 2.25) / 3])


def test_what_is_no_rank_is_refused() -> None:
    with pytest.raises(ValuesError):
        jumper_martingale(np.array([1.5]))
    with pytest.raises(ValuesError):
        jumper_martingale(np.array([0.5]), jump=-0.1)
