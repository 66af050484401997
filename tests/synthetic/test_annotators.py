import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic.annotators import annotator_votes


def test_answers_follow_the_confusion_they_are_drawn_from():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 6000)
    kinds = ("careful", "biased", "spammer", "adversary")
    made = annotator_votes(truth, kinds, classes=3, answers=4, rng=rng)
    counts = np.zeros((4, 3, 3))
    np.add.at(counts, (made.votes.annotator, truth[made.votes.example], made.votes.answer), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=2, keepdims=True), made.confusion, atol=0.05)
    np.testing.assert_allclose(made.confusion.sum(axis=2), 1)
    assert (np.diagonal(made.confusion[0]) >= 0.6).all()
    np.testing.assert_allclose(made.confusion[2], made.confusion[2][:1].repeat(3, axis=0))
    assert (made.confusion[3].argmax(axis=1) == [1, 2, 0]).all()


def test_each_example_gets_different_annotators():
    made = annotator_votes(np.zeros(5000, int), ("careful",) * 5, classes=2, answers=3, rng=np.random.default_rng(0))
    people = made.votes.annotator.reshape(5000, 3)
    assert all(len(set(row)) == 3 for row in people.tolist())
    np.testing.assert_allclose(np.bincount(made.votes.annotator) / 5000, 0.6, atol=0.03)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    rng, labels = np.random.default_rng(0), np.zeros(3, int)
    with pytest.raises(ValuesError, match="kinds out of careful"):
        annotator_votes(labels, ("lazy",), classes=2, answers=1, rng=rng)
    with pytest.raises(ValuesError, match="between 1 and 1 answers"):
        annotator_votes(labels, ("careful",), classes=2, answers=2, rng=rng)
    with pytest.raises(ValuesError, match="at least 2 classes"):
        annotator_votes(labels, ("careful",), classes=1, answers=1, rng=rng)
