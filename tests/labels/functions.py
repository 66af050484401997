"""Votes of independent labelling functions for the tests of this folder."""

import numpy as np

from yori.labels import VoteMatrix

RNG = np.random.default_rng


def independent(n=1500, accuracies=(0.95, 0.6, 0.6, 0.6, 0.6), coverage=1.0, balance=(0.5, 0.5), seed=0):
    rng = RNG(seed)
    c = len(balance)
    truth = rng.choice(c, n, p=balance)
    right = rng.random((n, len(accuracies))) < np.array(accuracies)
    votes = np.where(right, truth[:, None], (truth[:, None] + rng.integers(1, c, right.shape)) % c)
    votes = np.where(rng.random(votes.shape) < coverage, votes, -1)
    return truth, VoteMatrix(votes, tuple(f"f{j}" for j in range(len(accuracies))), tuple("abcdefg"[:c]))


def right(probs, truth):
    return (probs.argmax(axis=1) == truth).mean()
