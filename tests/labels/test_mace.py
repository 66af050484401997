import numpy as np
import pytest
from crowdkit.aggregation import MACE
from tests.labels.crowds import by_crowd_kit, crowd

from yori.errors import ValuesError
from yori.labels import Gold, Votes, mace, majority
from yori.labels.mace import _posterior, variational_rounds


def test_equals_crowd_kit_from_its_start():
    _, made = crowd(60, ("careful",) * 4 + ("spammer",), 3, 3)
    # It mixes up annotators and classes that do not come in their order: sort the answers first.
    votes = made.votes.take(np.lexsort((made.votes.answer, made.votes.annotator)))
    expected = by_crowd_kit(MACE(n_restarts=1, n_iter=30), votes)
    first = MACE(n_restarts=1)
    first._initialize(5, 3)
    ours = _posterior(votes, *variational_rounds(votes, first.spamming_, first.thetas_, None, 30), None)[0]
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_who_always_gives_the_same_answer_is_found_out():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    example, annotator = np.divmod(np.arange(400 * 7), 7)
    right = rng.random(2800) < 0.8
    answer = np.where(right, truth[example], rng.integers(0, 3, 2800))
    answer[annotator >= 4] = 0  # three of seven
    votes = Votes(example, annotator, answer, 400, 7, 3)
    found = mace(votes, rng=rng)
    assert (found.labels == truth).mean() > (majority(votes).labels == truth).mean() + 0.1
    assert found.information[4:].max() < 0.05 < found.information[:4].min()
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)


def test_control_questions_and_refusals():
    truth, made = crowd(50, ("careful",) * 3, 2, 2)
    found = mace(made.votes, rng=np.random.default_rng(0), gold=Gold(np.arange(50), truth), restarts=2, limit=5)
    np.testing.assert_array_equal(found.labels, truth)
    with pytest.raises(ValuesError, match="restarts ≥ 1"):
        mace(made.votes, rng=np.random.default_rng(0), restarts=0)
