import numpy as np
import pytest

from yori.errors import AlignmentError, ShapeError, ValuesError
from yori.labels import ABSTAIN, Gold, RowFunction, VoteMatrix, function_table, read_rules, vote_matrix

ROWS = {"note": ["a ship", "rain", "ship and rain", None], "level": [-10.0, -40.0, -20.0, -70.0]}
CLASSES = ("ambient", "ship")


def test_python_and_declared_functions_side_by_side():
    loud = RowFunction("loud", lambda row: "ship" if row["level"] > -15 else None)
    rules = read_rules("[{name: says ship, label: ship, contains: {column: note, any: ship}}]")
    found = vote_matrix([loud, *rules], ROWS, classes=CLASSES)
    assert found.names == ("loud", "says ship")
    np.testing.assert_array_equal(found.votes, [[1, 1], [ABSTAIN, ABSTAIN], [ABSTAIN, 1], [ABSTAIN, ABSTAIN]])
    np.testing.assert_array_equal(found.counts(), [[0, 2], [0, 0], [0, 1], [0, 0]])


def test_table_equals_counting_by_hand():
    rng = np.random.default_rng(0)
    votes, truth = rng.integers(-1, 3, (60, 4)), rng.integers(0, 3, 60)
    matrix = VoteMatrix(votes, tuple("abcd"), ("x", "y", "z"))
    known = rng.permutation(60)[:25]
    table = function_table(matrix, gold=Gold(known, truth[known]))
    for j in range(4):
        others = [k for k in range(4) if k != j]
        says = votes[:, j] >= 0
        overlap = [says[i] and any(votes[i, k] >= 0 for k in others) for i in range(60)]
        conflict = [says[i] and any(votes[i, k] not in (-1, votes[i, j]) for k in others) for i in range(60)]
        judged = [i for i in known if says[i]]
        assert table.coverage[j] == pytest.approx(says.mean())
        assert table.overlap[j] == pytest.approx(np.mean(overlap))
        assert table.conflict[j] == pytest.approx(np.mean(conflict))
        assert table.judged[j] == len(judged)
        assert table.accuracy[j] == pytest.approx(np.mean([votes[i, j] == truth[i] for i in judged]))


def test_accuracy_is_estimated_or_unknown_without_gold():
    matrix = VoteMatrix(np.array([[0, -1], [1, -1]]), ("a", "silent"), ("x", "y"))
    assert np.isnan(function_table(matrix).accuracy).all()
    table = function_table(matrix, probs=np.array([[0.9, 0.1], [0.4, 0.6]]))
    assert table.accuracy[0] == pytest.approx(0.75)
    assert np.isnan(table.accuracy[1])
    assert table.coverage[1] == table.conflict[1] == 0


def breaks(row):
    return 1 / 0


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    one = RowFunction("one", lambda row: None)
    with pytest.raises(
        ValuesError, match=r"bad: expected a function that answers or abstains, got ZeroDivisionError.*row 0"
    ):
        vote_matrix([RowFunction("bad", breaks)], ROWS, classes=CLASSES)
    with pytest.raises(
        ValuesError, match=r"wrong: expected one of the classes ambient, ship, or None, got 'cow' in row 0"
    ):
        vote_matrix([RowFunction("wrong", lambda row: "cow")], ROWS, classes=CLASSES)
    with pytest.raises(AlignmentError, match="'one' twice"):
        vote_matrix([one, one], ROWS, classes=CLASSES)
    with pytest.raises(ShapeError, match="at least one labelling function"):
        vote_matrix([], ROWS, classes=CLASSES)
    with pytest.raises(AlignmentError, match="columns of one length, got 1, 2"):
        vote_matrix([one], {"a": [1], "b": [1, 2]}, classes=CLASSES)
    with pytest.raises(ShapeError, match="at least one column"):
        vote_matrix([one], {}, classes=CLASSES)
    with pytest.raises(ValuesError, match=r"votes in 0 … 1, or ABSTAIN, got -2 … 1"):
        VoteMatrix(np.array([[-2, 1]]), ("a", "b"), CLASSES)
    with pytest.raises(ShapeError, match="2 names"):
        VoteMatrix(np.array([[0, 1]]), ("a",), CLASSES)
    with pytest.raises(ShapeError, match="whole-number votes"):
        VoteMatrix(np.array([[0.5]]), ("a",), CLASSES)
    with pytest.raises(ValuesError, match="at least 2 classes"):
        VoteMatrix(np.array([[0]]), ("a",), ("x",))
