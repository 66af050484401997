import numpy as np
import pytest

from yori.errors import ValuesError
from yori.labels import Consensus, Gold, answers_needed, dawid_skene
from yori.synthetic.annotators import annotator_votes


def consensus(probs, accuracy=0.8):
    confusion = np.array([[[accuracy, 1 - accuracy], [1 - accuracy, accuracy]]])
    return Consensus(np.asarray(probs), np.array([0.5, 0.5]), confusion, "test")


def test_walds_formula_by_hand():
    probs = np.array([[0.5, 0.5], [0.3, 0.7], [0.99, 0.01]])
    step = 0.8 * np.log(0.8 / 0.2) + 0.2 * np.log(0.2 / 0.8)
    wished = np.log(0.95 / 0.05)
    by_hand = [np.ceil(wished / step), np.ceil((wished - np.log(0.7 / 0.3)) / step), 0]
    np.testing.assert_array_equal(answers_needed(consensus(probs)), by_hand)


def test_annotators_who_cannot_tell_need_the_most_and_better_ones_fewer():
    np.testing.assert_array_equal(answers_needed(consensus([[0.5, 0.5]], 0.5), most=7), [7])
    needed = [answers_needed(consensus([[0.5, 0.5]], accuracy))[0] for accuracy in (0.6, 0.7, 0.8, 0.9)]
    assert needed == sorted(needed, reverse=True)
    assert answers_needed(consensus([[0.5, 0.5]]), certainty=0.99) > answers_needed(consensus([[0.5, 0.5]]))


def test_weights_of_annotators():
    both = np.array([[[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5], [0.5, 0.5]]])
    made = Consensus(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), both, "test")
    assert answers_needed(made, answers=np.array([1, 0])) < answers_needed(made, answers=np.array([0, 1]))


def test_asking_as_many_makes_most_examples_certain():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    made = annotator_votes(truth, ("careful",) * 20, classes=3, answers=20, rng=rng, skill=(0.7, 0.8)).votes
    first = made.take(np.arange(len(made)) % 20 < 2)
    found = dawid_skene(made, gold=Gold(np.arange(600), truth))  # confusion as well known as it can be
    before = dawid_skene(first, start=found)
    needed = answers_needed(before)
    more = made.take(np.arange(len(made)) % 20 < 2 + needed[made.example])
    after = dawid_skene(more, start=found)
    unsure = needed > 0
    assert (before.probs.max(axis=1)[unsure] < 0.95).all()
    assert (after.probs.max(axis=1)[unsure] > 0.9).mean() > 0.6


def test_refusals():
    for certainty in (0.5, 1.0, float("nan")):
        with pytest.raises(ValuesError, match="certainty"):
            answers_needed(consensus([[0.5, 0.5]]), certainty=certainty)
    with pytest.raises(ValuesError, match="most"):
        answers_needed(consensus([[0.5, 0.5]]), most=-1)
