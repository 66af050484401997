import numpy as np
import pytest
from tests.labels.functions import RNG, independent, right

from yori.labels import Gold, VoteMatrix, label_model, majority_of_functions
from yori.labels.label_model_guard import judge_label_model, most_alike
from yori.labels.vote_patterns import Patterns, fit


def test_copies_are_seen():
    truth, matrix = independent(1500, (0.7, 0.7, 0.8, 0.75))
    votes = matrix.votes.copy()
    same = RNG(1).random(1500) < 0.95
    votes[:, 1] = np.where(same, votes[:, 0], votes[:, 1])
    copied = VoteMatrix(votes, matrix.names, matrix.classes)
    patterns = Patterns.of(matrix)
    balance, answers, _ = fit(patterns)
    assert most_alike(votes, balance, answers)[1:] == (0, 1)
    found = label_model(copied, rng=RNG(0))
    if not found.kept:
        np.testing.assert_array_equal(found.probs, majority_of_functions(copied))
    assert right(found.probs, truth) >= right(majority_of_functions(copied), truth)


def test_gold_overrules_a_model_that_loses_on_it():
    truth, matrix = independent()
    lied = (majority_of_functions(matrix).argmax(axis=1)[:200]).astype(int)  # as if majority vote were always right
    found = label_model(matrix, rng=RNG(0), gold=Gold(np.arange(200), lied))
    assert not found.kept
    assert "200 known examples" in found.reason
    np.testing.assert_array_equal(found.labels, majority_of_functions(matrix).argmax(axis=1))
    assert right(found.model_probs, truth) > right(found.probs, truth)


def test_a_class_nobody_votes_for_means_majority():
    matrix = VoteMatrix(np.array([[0, 0], [0, -1], [-1, -1]]), ("a", "b"), ("x", "y"))
    found = label_model(matrix, rng=RNG(0))
    assert not found.kept
    assert "ever votes for y" in found.reason
    assert (found.labels == 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_never_below_majority_on_small_problems(seed):
    rng = RNG(seed)
    accuracies = rng.uniform(0.5, 0.95, rng.integers(3, 8))
    truth, matrix = independent(int(rng.choice([200, 800])), accuracies, rng.uniform(0.2, 1.0), (0.6, 0.4), seed)
    found = label_model(matrix, rng=rng)
    assert right(found.probs, truth) >= right(majority_of_functions(matrix), truth)


def test_a_model_that_contradicts_majority_everywhere_is_no_correction():
    _, matrix = independent(600)
    patterns = Patterns.of(matrix)
    balance, answers, _ = fit(patterns)
    plain = majority_of_functions(matrix)
    kept, reason = judge_label_model(matrix, patterns, balance, answers, 1 - plain, plain, None, RNG(0))
    assert not kept
    assert "on 600 of 600 examples" in reason
    assert judge_label_model(matrix, patterns, balance, answers, plain, plain, None, RNG(0))[0]  # nothing to decide
