import numpy as np
import pytest
from tests.labels.functions import RNG, independent, right

from yori.errors import ValuesError
from yori.labels import VoteMatrix, label_model, majority_of_functions


def test_better_than_majority_where_functions_differ():
    truth, matrix = independent()
    found = label_model(matrix, rng=RNG(0))
    assert found.kept
    assert right(found.probs, truth) > right(majority_of_functions(matrix), truth) + 0.05
    np.testing.assert_allclose(found.probs.sum(axis=1), 1)
    skill = [found.answers[j][[0, 1], [0, 1]].mean() for j in range(5)]
    np.testing.assert_allclose(skill, (0.95, 0.6, 0.6, 0.6, 0.6), atol=0.1)


def test_class_balance_is_estimated():
    _, matrix = independent(4000, (0.85, 0.8, 0.8, 0.75, 0.85), 0.8, (0.8, 0.2))
    found = label_model(matrix, rng=RNG(0))
    np.testing.assert_allclose(found.balance, (0.8, 0.2), atol=0.05)


def test_silence_of_a_function_of_one_class_speaks():
    rng = RNG(0)
    truth = rng.choice(2, 3000, p=(0.5, 0.5))
    votes = np.full((3000, 5), -1)
    for j, k in enumerate((0, 0, 1, 1, 1)):
        votes[:, j] = np.where(rng.random(3000) < np.where(truth == k, 0.7, 0.1), k, -1)
    matrix = VoteMatrix(votes, tuple("vwxyz"), ("a", "b"))
    found = label_model(matrix, rng=rng, guard=False)
    nobody = (votes[:, :2] == -1).all(axis=1) & (votes[:, 2:] >= 0).any(axis=1)
    assert found.probs[nobody, 1].min() > 0.5
    one_each = (votes[:, :2] >= 0).sum(axis=1) == (votes[:, 2:] >= 0).sum(axis=1)  # the silent ones decide
    assert right(found.probs[one_each], truth[one_each]) > right(
        majority_of_functions(matrix)[one_each], truth[one_each]
    )


def test_functions_that_only_abstain():
    _, matrix = independent()
    silent = VoteMatrix(np.column_stack([matrix.votes, np.full(1500, -1)]), (*matrix.names, "silent"), matrix.classes)
    np.testing.assert_allclose(
        label_model(silent, rng=RNG(0), guard=False).probs,
        label_model(matrix, rng=RNG(0), guard=False).probs,
        atol=1e-4,
    )
    with pytest.raises(ValuesError, match="a function that votes, got functions that all abstain"):
        label_model(VoteMatrix(np.full((4, 2), -1), ("a", "b"), ("x", "y")), rng=RNG(0))


def test_order_of_rows_and_functions_does_not_matter():
    _, matrix = independent(400, coverage=0.7)
    rows, functions = RNG(1).permutation(400), RNG(2).permutation(5)
    other = VoteMatrix(matrix.votes[rows][:, functions], matrix.names, matrix.classes)
    one, two = (label_model(each, rng=RNG(0), guard=False).probs for each in (matrix, other))
    np.testing.assert_allclose(two, one[rows], atol=1e-9)


def test_ties_and_rows_without_votes_lean_to_the_frequent_class():
    matrix = VoteMatrix(np.array([[1, 1], [0, 1], [-1, -1]]), ("a", "b"), ("x", "y"))
    np.testing.assert_array_equal(majority_of_functions(matrix).argmax(axis=1), [1, 1, 1])
