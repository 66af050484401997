import numpy as np
from crowdkit.aggregation import MajorityVote
from tests.labels.crowds import by_crowd_kit, crowd

from yori.labels import Gold, Votes, majority, vote_shares


def test_equals_crowd_kit():
    _, made = crowd(100, classes=4, answers=3)
    np.testing.assert_allclose(majority(made.votes).probs, by_crowd_kit(MajorityVote(), made.votes))


def test_confusion_is_counted_against_the_shares():
    votes = Votes(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1]), 2, 2, 2)
    found = majority(votes)
    np.testing.assert_allclose(found.confusion[0], [[1, 0], [1 / 3, 2 / 3]], atol=1e-9)
    np.testing.assert_allclose(found.confusion[1], [[0, 1], [0, 1]], atol=1e-9)


def test_examples_without_answers_get_the_overall_shares_and_gold_is_certain():
    votes = Votes(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.array([0, 0, 1, 0]), 4, 3, 2)
    np.testing.assert_allclose(vote_shares(votes)[[2, 3]], [[0.75, 0.25]] * 2)
    found = majority(votes, gold=Gold(np.array([3, 0]), np.array([1, 1])))
    np.testing.assert_array_equal(found.labels, [1, 0, 0, 1])
