from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import resampling
from yori.statistics.resampling import draw_counts


@pytest.mark.parametrize("units", [1, 2, 300, 16_383, 16_384, 70_001])
def test_every_draw_has_as_many_as_there_are(units: int) -> None:
    counts = draw_counts(np.random.default_rng(0), units, 3)
    assert counts.shape == (3, units)
    assert (counts.sum(axis=1, dtype=np.int64) == units).all()


@pytest.mark.parametrize("direct_below", [0, 10_000])
def test_both_ways_draw_the_multinomial(direct_below: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit is Binomial(n, 1/n), and two units correlate by −1/(n − 1)."""
    monkeypatch.setattr(resampling, "_DIRECT_BELOW", direct_below)
    n = 40
    counts = draw_counts(np.random.default_rng(1), n, 20_000).astype(float)
    seen = np.bincount(counts.astype(int).ravel(), minlength=n + 1)[:7]
    expected = stats.binom.pmf(np.arange(7), n, 1 / n) * counts.size
    assert (np.abs(seen - expected)[:6] < 6 * np.sqrt(expected[:6])).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.05)
    correlation = np.corrcoef(counts.T)
    assert correlation[np.triu_indices(n, 1)].mean() == pytest.approx(-1 / (n - 1), abs=0.002)


def test_counts_of_many_units_have_the_frequencies_of_the_binomial() -> None:
    n = 200_000
    counts = draw_counts(np.random.default_rng(2), n, 10)
    seen = np.bincount(counts.ravel(), minlength=12)[:9]
    expected = stats.binom.pmf(np.arange(9), n, 1 / n) * counts.size
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4


def test_the_table_of_pairs_is_two_poisson_counts_and_exact_where_it_decides() -> None:
    table, cumulative, codes = resampling._table_of_pairs(0.99)
    chance = np.diff(cumulative, prepend=0.0)
    pmf = stats.poisson.pmf(np.arange(256), 0.99)
    np.testing.assert_allclose(chance, pmf[codes >> 8] * pmf[codes & 255], atol=1e-15)
    decided = table != resampling._AMBIGUOUS
    assert decided.mean() > 0.998
    for prefix in np.flatnonzero(decided)[::97]:
        for number in (prefix / 65536, (prefix + 1) / 65536 - 1e-12):
            assert codes[np.searchsorted(cumulative, number, "right")] == table[prefix]
    for prefix in np.flatnonzero(~decided):
        first, last = np.searchsorted(cumulative, [prefix / 65536, (prefix + 1) / 65536], "right")
        assert first < last or cumulative[first] == (prefix + 1) / 65536


@pytest.mark.parametrize("units", [50, 20_000])
def test_the_same_generator_state_draws_the_same(units: int) -> None:
    first, second = (draw_counts(np.random.default_rng(5), units, 2) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValuesError):
        draw_counts(np.random.default_rng(0), 0, 1)
    with pytest.raises(ValuesError):
        draw_counts(np.random.default_rng(0), 1, 0)
