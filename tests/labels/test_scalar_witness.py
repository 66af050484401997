import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.labels.scalar_witness import log_likelihood_ratio


def test_ratio_of_two_gaussians():
    rng = np.random.default_rng(0)
    wrong = rng.random(60000) < 0.2
    score = rng.normal(size=60000) + 2.0 * wrong
    found = log_likelihood_ratio(score, wrong.astype(float), bins=40)
    middle = (score > -1) & (score < 3)
    np.testing.assert_allclose(found[middle], (2 * score - 2)[middle], atol=0.8)  # log N(s−2) / N(s) = 2 s − 2
    assert np.corrcoef(found[middle], score[middle])[0, 1] > 0.99


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 80))
def test_rises_with_the_score_and_only_the_ranks_count(seed, n):
    rng = np.random.default_rng(seed)
    score, probability = rng.integers(0, 20, n).astype(float), rng.random(n)
    found = log_likelihood_ratio(score, probability)
    order = np.argsort(score, kind="stable")
    assert (np.diff(found[order]) >= -1e-12).all()
    for value in np.unique(score):
        assert np.ptp(found[score == value]) == 0
    np.testing.assert_allclose(log_likelihood_ratio(np.exp(score / 5), probability), found)


def test_a_score_that_says_nothing_has_ratio_near_0():
    rng = np.random.default_rng(0)
    found = log_likelihood_ratio(rng.random(30000), (rng.random(30000) < 0.1).astype(float))
    assert np.abs(found).max() < 0.15


def test_certain_probabilities_stay_finite():
    for probability in (np.zeros(50), np.ones(50)):
        assert np.isfinite(log_likelihood_ratio(np.arange(50.0), probability)).all()
