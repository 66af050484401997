"""What every way of joining answers must do: run over all of them."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from yori.labels import Consensus, Gold, OneCoinWarning, Votes, dawid_skene, glad, mace, majority, one_coin

from yori.labels import guarded_consensus, votes_and_model, vote_shares  # isort: skip
from yori.synthetic.annotators import annotator_votes


def quiet_one_coin(votes, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OneCoinWarning)
        return one_coin(votes, **options)


def blurred(votes):
    """A model that knows only half of what the answers say."""
    return 0.5 * vote_shares(votes) + 0.5 / votes.classes


METHODS: dict[str, Callable[..., Consensus]] = {
    "majority": majority,
    "dawid_skene": dawid_skene,
    "pooled dawid_skene": lambda votes, **options: dawid_skene(votes, pooling=2.0, **options),
    "one_coin": quiet_one_coin,
    "glad": glad,
    "mace": lambda votes, **options: mace(votes, rng=np.random.default_rng(0), restarts=2, limit=20, **options),
    "votes_and_model": lambda votes, **options: votes_and_model(votes, blurred(votes), **options),
    "guarded": lambda votes, **options: guarded_consensus(votes, rng=np.random.default_rng(0), **options).consensus,
}

STARTS_BY_POSITION = {"mace", "guarded"}
"""Methods that draw by position: another order of annotators is another draw."""


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 150)
    kinds = ("careful",) * 5 + ("biased",)
    return truth, annotator_votes(truth, kinds, classes=3, answers=4, rng=rng, skill=(0.7, 0.95)).votes


@pytest.mark.parametrize("name", METHODS)
def test_probabilities_confusion_and_better_than_chance(name, problem):
    truth, votes = problem
    found = METHODS[name](votes)
    assert found.probs.shape == (150, 3)
    assert found.confusion.shape == (6, 3, 3)
    for array in (found.probs, found.confusion, found.priors):
        assert (array >= 0).all()
        np.testing.assert_allclose(array.sum(axis=-1), 1)
    assert (found.labels == truth).mean() > 0.85
    assert ((found.skill >= 0) & (found.skill <= 1)).all()
    assert ((found.information >= 0) & (found.information <= 1)).all()


@pytest.mark.parametrize("name", METHODS)
def test_same_input_same_result_and_input_as_it_was(name, problem):
    _, votes = problem
    before = [array.copy() for array in (votes.example, votes.annotator, votes.answer)]
    first, second = METHODS[name](votes), METHODS[name](votes)
    np.testing.assert_array_equal(first.probs, second.probs)
    for now, then in zip((votes.example, votes.annotator, votes.answer), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("name", sorted(set(METHODS) - STARTS_BY_POSITION))
def test_order_of_answers_examples_and_annotators_does_not_matter(name, problem):
    _, votes = problem
    rng = np.random.default_rng(1)
    rows, examples, annotators = rng.permutation(len(votes)), rng.permutation(150), rng.permutation(6)
    other = Votes(examples[votes.example[rows]], annotators[votes.annotator[rows]], votes.answer[rows], 150, 6, 3)
    np.testing.assert_allclose(METHODS[name](other).probs[examples], METHODS[name](votes).probs, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_control_questions_are_certain(name, problem):
    truth, votes = problem
    found = METHODS[name](votes, gold=Gold(np.arange(30), (truth[:30] + 1) % 3))
    np.testing.assert_array_equal(found.labels[:30], (truth[:30] + 1) % 3)
    np.testing.assert_array_equal(found.probs[:30].max(axis=1), 1)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("example", "annotator", "answer", "sizes"),
    [
        ([0], [0], [1], (1, 1, 2)),  # one answer in all
        ([0, 1, 2], [0, 0, 0], [1, 1, 1], (3, 1, 2)),  # all answers the same
        ([0, 1, 2, 3], [0, 1, 0, 1], [0, 0, 1, 1], (4, 2, 3)),  # nobody overlaps; a class nobody gave
        ([0, 0, 1], [0, 1, 0], [0, 1, 1], (3, 3, 2)),  # an example and an annotator without an answer
        ([0, 0, 0], [0, 0, 0], [0, 1, 1], (1, 1, 2)),  # somebody answered three times
    ],
)
def test_smallest_and_oddest_input(name, example, annotator, answer, sizes):
    votes = Votes(np.array(example), np.array(annotator), np.array(answer), *sizes)
    found = METHODS[name](votes)
    assert np.isfinite(found.probs).all()
    assert np.isfinite(found.confusion).all()
    np.testing.assert_allclose(found.probs.sum(axis=1), 1)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)
    assert np.isfinite(found.skill).all()
    assert np.isfinite(found.information).all()
