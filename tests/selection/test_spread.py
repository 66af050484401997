import numpy as np

from yori.selection.spread import spread


def test_the_best_of_every_cluster():
    truth = np.arange(40) % 4
    x = 50 * np.eye(4)[truth] + np.random.default_rng(0).normal(size=(40, 4))
    scores = np.random.default_rng(1).random(40)
    found = spread(scores, x, 4, np.random.default_rng(2))
    best = {max(np.flatnonzero(truth == k), key=lambda row: scores[row]) for k in range(4)}
    assert set(found.rows.tolist()) == best
    assert (np.diff(found.scores) <= 0).all()


def test_only_the_highest_are_looked_at():
    x = np.random.default_rng(0).normal(size=(100, 2))
    found = spread(np.arange(100.0), x, 5, np.random.default_rng(0), oversampling=2)
    assert found.rows.min() >= 90


def test_as_many_as_there_are():
    found = spread(np.zeros(6), np.ones((6, 2)), 6, np.random.default_rng(0))
    assert sorted(found.rows.tolist()) == list(range(6))
