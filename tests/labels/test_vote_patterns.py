import numpy as np
import pytest
from tests.labels.functions import RNG, independent

from yori.labels.vote_patterns import Patterns, fit, posterior, start_of


def test_posterior_is_bayes_rule():
    _, matrix = independent(60, (0.8, 0.7, 0.9), 0.6, (0.3, 0.3, 0.4))
    patterns = Patterns.of(matrix)
    rng = RNG(1)
    balance, answers = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(4), (3, 3))
    probs = posterior(patterns, balance, answers)[0][patterns.back]
    for i, row in enumerate(matrix.votes):
        by_hand = balance * np.prod([answers[j][:, vote] for j, vote in enumerate(row)], axis=0)  # -1 is the last
        np.testing.assert_allclose(probs[i], by_hand / by_hand.sum())


def test_start_gives_each_vote_its_precision_and_em_raises_the_likelihood():
    _, matrix = independent(500, (0.8, 0.7, 0.9), 0.5)
    patterns = Patterns.of(matrix)
    balance = np.array([0.5, 0.5])
    start = start_of(patterns.share, balance, 0.8)
    np.testing.assert_allclose(start.sum(axis=2), 1)
    vote = balance * start[0][:, 1]
    assert vote[1] / vote.sum() == pytest.approx(0.8)
    fitted = fit(patterns)
    before = posterior(patterns, balance, start)[1] @ patterns.many
    assert posterior(patterns, fitted[0], fitted[1])[1] @ patterns.many > before
