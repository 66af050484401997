import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.labels.crowds import by_crowd_kit, crowd

from yori.errors import ShapeError, ValuesError
from yori.labels import Gold, Votes, dawid_skene, majority


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 4), answers=st.integers(1, 4))
def test_equals_crowd_kit(seed, classes, answers):
    _, made = crowd(60, ("careful", "biased", "spammer", "adversary", "careful"), classes, answers, seed)
    theirs = DawidSkene()
    expected = by_crowd_kit(theirs, made.votes)
    if expected.shape != (60, classes):  # a class nobody answered
        return
    found = dawid_skene(made.votes)
    np.testing.assert_allclose(found.probs, expected, atol=1e-6)
    assert found.iterations == len(theirs.loss_history_)
    np.testing.assert_allclose(found.priors, theirs.priors_.sort_index(), atol=1e-6)


def test_equals_crowd_kit_with_many_classes_and_few_answers_each():
    """Nearly all entries of the confusion matrices are at their floor: the floor must be the same one."""
    _, made = crowd(500, ("careful",) * 30 + ("biased",) * 6, 10, 3)
    theirs = DawidSkene()
    expected = by_crowd_kit(theirs, made.votes)
    found = dawid_skene(made.votes)
    np.testing.assert_allclose(found.probs, expected, atol=1e-8)
    assert found.iterations == len(theirs.loss_history_)


def test_confusion_and_control_questions_equal_crowd_kit():
    truth, made = crowd(80, ("careful",) * 3 + ("biased",) * 2, 3, 3)
    gold = Gold(np.arange(20), truth[:20])
    theirs = DawidSkene()
    expected = by_crowd_kit(theirs, made.votes, true_labels=pd.Series(truth[:20], index=np.arange(20)))
    found = dawid_skene(made.votes, gold=gold)
    np.testing.assert_allclose(found.probs, expected, atol=1e-6)
    np.testing.assert_array_equal(found.labels[:20], truth[:20])
    errors = theirs.errors_.sort_index()
    for (worker, answer), row in errors.iterrows():
        np.testing.assert_allclose(found.confusion[worker, :, answer], row.sort_index(), atol=1e-6)


def brute_force_posterior(votes: Votes, found) -> np.ndarray:
    """Bayes' rule, vote by vote, in plain probabilities."""
    probs = np.tile(found.priors, (votes.examples, 1))
    for example, annotator, answer in zip(votes.example, votes.annotator, votes.answer, strict=True):
        probs[example] *= found.confusion[annotator, :, answer]
    return probs / probs.sum(axis=1, keepdims=True)


def test_converged_result_is_a_fixed_point():
    _, made = crowd(100, ("careful",) * 4 + ("biased",), 3, 3)
    found = dawid_skene(made.votes, tolerance=-1.0, limit=400)
    np.testing.assert_allclose(found.probs, brute_force_posterior(made.votes, found), atol=1e-6)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)


def test_planted_annotators_are_recovered():
    kinds = ("careful",) * 8 + ("biased",) * 4 + ("spammer",) * 4 + ("adversary",) * 2
    truth, made = crowd(4000, kinds, 4, 7, seed=1, skill=(0.7, 0.95))
    found = dawid_skene(made.votes, pooling=1.0)
    assert np.abs(found.confusion - made.confusion).max() < 0.08
    assert (found.labels == truth).mean() > (majority(made.votes).labels == truth).mean() + 0.01
    real = np.diagonal(made.confusion, axis1=1, axis2=2).mean(axis=1)
    np.testing.assert_allclose(found.skill, real, atol=0.05)
    kind = np.array(kinds)
    assert found.skill[kind == "adversary"].max() < found.skill[kind == "careful"].min()
    assert found.information[kind == "spammer"].max() < 0.02 < found.information[kind == "adversary"].min()


def test_a_thousand_answers_do_not_underflow():
    truth, made = crowd(4, ("careful",) * 1000, 2, 1000, skill=(0.6, 0.7))
    found = dawid_skene(made.votes)
    np.testing.assert_array_equal(found.labels, truth)
    assert np.isfinite(found.probs).all()
    assert np.isfinite(found.log_likelihood)


def test_pooling_takes_somebody_with_one_answer_for_an_average_person():
    truth, made = crowd(200, ("careful",) * 5, 2, 3, seed=3)
    votes = made.votes
    with_one = Votes(
        np.append(votes.example, 0), np.append(votes.annotator, 5), np.append(votes.answer, 1 - truth[0]), 200, 6, 2
    )
    alone = dawid_skene(with_one).confusion[5]
    pooled = dawid_skene(with_one, pooling=5.0).confusion[5]
    assert alone[truth[0], 1 - truth[0]] > 0.99
    assert pooled[truth[0], 1 - truth[0]] < 0.5


def test_a_prior_is_counted_as_answers():
    _, made = crowd(50, ("careful",) * 3, 2, 2)
    strong = dawid_skene(made.votes, prior=1e6 * np.array([[0.8, 0.2], [0.3, 0.7]]))
    np.testing.assert_allclose(strong.confusion, np.tile([[0.8, 0.2], [0.3, 0.7]], (3, 1, 1)), atol=1e-3)


def test_new_answers_from_a_warm_start_give_the_same_in_fewer_rounds():
    _, made = crowd(600, ("careful",) * 6 + ("biased",) * 2, 3, 5, seed=5)
    votes = made.votes
    first = dawid_skene(votes.take(votes.example < 570), tolerance=1e-9, limit=500)
    cold = dawid_skene(votes, tolerance=1e-9, limit=500)
    warm = dawid_skene(votes, start=first, tolerance=1e-9, limit=500)
    np.testing.assert_allclose(warm.probs, cold.probs, atol=2e-3)
    assert warm.iterations < cold.iterations


def test_a_new_annotator_starts_as_the_average_one():
    _, made = crowd(100, ("careful",) * 4, 2, 3)
    known = made.votes.take(made.votes.annotator < 3)
    first = dawid_skene(Votes(known.example, known.annotator, known.answer, 100, 3, 2))
    assert dawid_skene(made.votes, start=first).confusion.shape == (4, 2, 2)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    _, made = crowd(20, ("careful",) * 3, 2, 2)
    with pytest.raises(ValuesError, match="pooling ≥ 0"):
        dawid_skene(made.votes, pooling=-1)
    with pytest.raises(ShapeError, match="pseudo-counts"):
        dawid_skene(made.votes, prior=np.ones((3, 3)))
    with pytest.raises(ValuesError, match="finite numbers in prior"):
        dawid_skene(made.votes, prior=np.full((2, 2), np.nan))
    other = dawid_skene(crowd(20, ("careful",) * 4, 2, 2)[1].votes)
    with pytest.raises(ShapeError, match="a start with at most 3 annotators"):
        dawid_skene(made.votes, start=other)
    with pytest.raises(ValuesError, match="limit ≥ 1"):
        dawid_skene(made.votes, limit=0)
