import numpy as np
import pytest

from yori.errors import AlignmentError, ShapeError, ValuesError
from yori.labels import Gold, Votes, votes_of


def test_counts_and_totals_by_hand():
    votes = Votes(np.array([0, 0, 2, 2, 2]), np.array([0, 1, 0, 1, 1]), np.array([1, 1, 0, 2, 2]), 3, 3, 3)
    np.testing.assert_array_equal(votes.counts(), [[0, 2, 0], [0, 0, 0], [1, 0, 2]])
    np.testing.assert_array_equal(votes.per_example(), [2, 0, 3])
    np.testing.assert_array_equal(votes.per_annotator(), [2, 3, 0])
    dense = votes.incidence().toarray().reshape(3, 3, 3)  # example, annotator, answer
    np.testing.assert_array_equal(dense.sum(axis=1), votes.counts())
    assert dense[2, 1, 2] == 2
    assert len(votes.take(votes.answer == 2)) == 2


def test_names_are_encoded_in_their_order():
    named = votes_of([7, 3, 3], ["b", "a", "b"], ["x", "y", "x"], classes=["y", "x", "z"], among=[9, 3, 7])
    np.testing.assert_array_equal(named.votes.example, [2, 1, 1])
    np.testing.assert_array_equal(named.votes.answer, [1, 0, 1])
    assert named.annotator_names == ("a", "b")
    assert named.votes.counts().shape == (3, 3)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    one = np.array([0])
    with pytest.raises(ValuesError, match=r"known classes, got 1 unknown: cow. Declare"):
        votes_of(["a"], ["kim"], ["cow"], classes=["cat", "dog"])
    with pytest.raises(ValuesError, match="example ids, got 1 unknown: b"):
        votes_of(["b"], ["kim"], ["cat"], classes=["cat", "dog"], among=["a"])
    with pytest.raises(ShapeError, match="2, 1 and 1"):
        votes_of(["a", "b"], ["kim"], ["cat"])
    with pytest.raises(ValuesError, match="at least 2 classes, got 1"):
        votes_of(["a"], ["kim"], ["cat"])
    with pytest.raises(ShapeError, match="at least one answer"):
        Votes(one[:0], one[:0], one[:0], 1, 1, 2)
    with pytest.raises(ShapeError, match="1 rows in example"):
        Votes(np.array([0, 0]), one, one, 1, 1, 2)
    with pytest.raises(ValuesError, match="answer in 0 … 1, got 2"):
        Votes(one, one, np.array([2]), 1, 1, 2)
    with pytest.raises(ValuesError, match="-1 in row 0"):
        Votes(one, one, np.array([-1]), 1, 1, 2)
    with pytest.raises(AlignmentError, match="comes twice"):
        Gold(np.array([1, 1]), np.array([0, 0]))
    with pytest.raises(ShapeError, match="2 rows in label"):
        Gold(np.array([1, 2]), one)
    with pytest.raises(ValuesError, match="gold examples in 0 … 4"):
        Gold(np.array([5]), one).check(5, 2)
    with pytest.raises(ValuesError, match="gold labels in 0 … 1"):
        Gold(np.array([0]), np.array([2])).check(5, 2)
