from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import Predictions, compare, discordant_odds, effect_size


def test_sizes_of_a_mean() -> None:
    values = np.random.default_rng(0).standard_normal(50) - 0.4
    ids = np.arange(50)
    before, after = Predictions(ids, loss=np.full(50, 2.0)), Predictions(ids, loss=2.0 + values)
    comparison = compare(before, after, metric="loss", rng=np.random.default_rng(0))
    found = effect_size(comparison, margin=0.1)
    assert found.relative == pytest.approx(values.mean() / 2)
    assert found.reduction_of_failure == pytest.approx(-values.mean() / 2)
    assert found.standardised == pytest.approx(-values.mean() / values.std(ddof=1))
    wanted = stats.t.cdf((-values.mean() - 0.1) / stats.sem(values), 49)
    assert found.probability_better == pytest.approx(wanted)


def test_sizes_of_an_accuracy_count_the_errors_removed() -> None:
    ids = np.arange(100)
    before, after = Predictions(ids, correct=ids < 80), Predictions(ids, correct=ids < 85)
    found = effect_size(compare(before, after, metric="accuracy", rng=np.random.default_rng(0)))
    assert found.relative == pytest.approx(0.05 / 0.8)
    assert found.reduction_of_failure == pytest.approx(0.25)


def test_nothing_changed() -> None:
    same = Predictions(np.arange(10), correct=np.ones(10, bool))
    comparison = compare(same, same, metric="accuracy", rng=np.random.default_rng(0))
    found = effect_size(comparison)
    assert (found.relative, found.reduction_of_failure, found.standardised) == (0.0, None, None)
    assert found.probability_better == 0.5
    assert effect_size(comparison, margin=0.01).probability_better == 0.0
    with pytest.raises(ValuesError):
        effect_size(comparison, margin=math.nan)


@pytest.mark.parametrize(("repaired", "broken"), [(7, 1), (30, 20), (0, 4), (5, 0)])
def test_odds_have_the_clopper_pearson_interval(repaired: int, broken: int) -> None:
    found = discordant_odds(repaired, broken)
    share = stats.binomtest(repaired, repaired + broken).proportion_ci(0.95, method="exact")
    assert found.odds == (repaired / broken if broken else math.inf)
    assert found.low == pytest.approx(share.low / (1 - share.low))
    assert found.high == pytest.approx(share.high / (1 - share.high) if share.high < 1 else math.inf)


@pytest.mark.parametrize(("repaired", "broken"), [(0, 0), (-1, 3)])
def test_no_odds_without_discordant_examples(repaired: int, broken: int) -> None:
    with pytest.raises(ValuesError):
        discordant_odds(repaired, broken)
