from itertools import chain, combinations
from math import comb

import numpy as np
import pytest

from yori.attribution import beta_shapley, data_banzhaf, head_utility
from yori.attribution.semivalues import size_weights
from yori.errors import ValuesError

WORTH = np.array([2.0, -1.0, 0.5, 1.0, 0.0])


def utility(taking):
    """Not additive: two examples say the same, and one is needed by another."""
    total = WORTH[taking].sum() - 0.8 * (taking[0] and taking[3]) + 1.2 * (taking[1] and taking[2])
    return float(total + 0.1 * taking.sum() ** 2)


def brute_force(weight_of_size):
    n = len(WORTH)
    values = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for members in chain.from_iterable(combinations(others, size) for size in range(n)):
            taking = np.zeros(n, dtype=bool)
            taking[list(members)] = True
            with_it = taking.copy()
            with_it[i] = True
            values[i] += weight_of_size(len(members)) * (utility(with_it) - utility(taking))
    return values


def test_banzhaf_is_the_mean_over_all_sets():
    found = data_banzhaf(utility, 5, rng=np.random.default_rng(0), calls=20_000, tolerance=0.0)
    expected = brute_force(lambda size: 1 / 16)
    assert (np.abs(found.scores - expected) < 4 * found.error).all()
    np.testing.assert_allclose(found.scores, expected, atol=0.12)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (4.0, 1.0), (1.0, 16.0)])
def test_beta_shapley_is_the_weighted_mean_over_all_sets(alpha, beta):
    weights = size_weights(5, alpha, beta)
    assert weights.mean() == pytest.approx(1)
    expected = brute_force(lambda size: weights[size] / (5 * comb(4, size)))
    found = beta_shapley(utility, 5, rng=np.random.default_rng(1), alpha=alpha, beta=beta, calls=15_000, tolerance=0.0)
    assert (np.abs(found.scores - expected) < 5 * found.error + 1e-9).all()
    np.testing.assert_allclose(found.scores, expected, atol=0.1)


def test_shapley_weighs_all_sizes_alike():
    np.testing.assert_allclose(size_weights(7, 1, 1), 1)
    assert (np.diff(size_weights(7, 16, 1)) < 0).all()


def test_shapley_shares_out_everything():
    found = beta_shapley(utility, 5, rng=np.random.default_rng(2), calls=200)
    everything = utility(np.ones(5, dtype=bool)) - utility(np.zeros(5, dtype=bool))
    assert found.scores.sum() == pytest.approx(everything)


@pytest.mark.parametrize("method", [data_banzhaf, beta_shapley])
def test_stops_when_it_knows_or_when_calls_run_out(method):
    made = []

    def counted(taking):
        made.append(taking)
        return utility(taking)

    loose = method(counted, 5, rng=np.random.default_rng(0), calls=4000, tolerance=0.3)
    assert loose.converged
    assert loose.calls == len(made) < 4000
    assert loose.error.mean() <= 0.3 * loose.scores.std()
    short = method(utility, 5, rng=np.random.default_rng(0), calls=60, tolerance=1e-6)
    assert not short.converged
    assert short.calls <= 60


def test_the_utility_of_a_head():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    y = (x[:, 0] > 0).astype(int)
    value = head_utility(x, y, x, y, classes=2, l2=0.01)
    assert value(np.zeros(30, dtype=bool)) == pytest.approx(-np.log(2))
    assert value(np.ones(30, dtype=bool)) > value(np.arange(30) < 3)


@pytest.mark.parametrize("method", [data_banzhaf, beta_shapley])
def test_refusals(method):
    for options in ({"calls": 1}, {"tolerance": -1.0}, {"n": 0}):
        with pytest.raises(ValuesError, match="n ≥ 1"):
            method(utility, options.pop("n", 5), rng=np.random.default_rng(0), **options)
    with pytest.raises(ValuesError, match="alpha"):
        beta_shapley(utility, 5, rng=np.random.default_rng(0), alpha=0.0)
