import numpy as np
import pytest
from tests.labels.crowds import crowd

from yori.labels import Consensus, Gold, dawid_skene, guard, guarded_consensus, majority
from yori.labels.guard import answer_log_likelihood, hidden_answers

RNG = np.random.default_rng


def accuracy(consensus, truth):
    return (consensus.labels == truth).mean()


def test_a_good_estimate_is_kept_with_and_without_control_questions():
    truth, made = crowd(800, ("careful",) * 5 + ("adversary",), 3, 5, skill=(0.6, 0.95))
    for gold in (None, Gold(np.arange(60), truth[:60])):
        found = guarded_consensus(made.votes, rng=RNG(0), gold=gold)
        assert found.kept
        assert found.judged_by == ("hidden answers" if gold is None else "gold")
        assert found.consensus is found.candidate
        assert found.candidate_score >= found.majority_score
        assert accuracy(found.consensus, truth) > accuracy(majority(made.votes), truth)
        assert "majority vote" in found.reason


def rotten(votes, gold):
    """An estimate that is wrong about a third of the examples, and very sure."""
    found = dawid_skene(votes, gold=gold)
    probs = found.probs.copy()
    rows = np.arange(0, votes.examples, 3)
    probs[rows] = np.roll(probs[rows], 1, axis=1)
    return Consensus(probs, found.priors, found.confusion, "rotten")


def test_a_bad_estimate_gives_way_to_majority():
    truth, made = crowd(600, ("careful",) * 6, 3, 4)
    gold = Gold(np.arange(60), truth[:60])
    for told in (None, gold):
        found = guard(made.votes, rotten, rng=RNG(1), gold=told)
        assert not found.kept
        assert found.consensus.method == "majority"
        assert found.candidate_score < found.majority_score
        assert found.reason.startswith("Majority vote")


def test_exchanged_class_names_are_seen_although_the_likelihood_is_the_same():
    _, made = crowd(500, ("careful",) * 5, 2, 4)

    def exchanged(votes, gold):
        found = dawid_skene(votes, gold=gold)
        return Consensus(found.probs[:, ::-1], found.priors[::-1], found.confusion[:, ::-1], "exchanged")

    found = guard(made.votes, exchanged, rng=RNG(0))
    assert (found.kept, found.judged_by) == (False, "swapped classes")
    assert "exchanged" in found.reason


def test_nothing_to_judge_by_means_majority():
    _, made = crowd(100, ("careful",) * 3, 2, 1)
    found = guarded_consensus(made.votes, rng=RNG(0))
    assert (found.kept, found.judged_by) == (False, "nothing")


def test_hidden_answers_leave_one_to_each_example():
    _, made = crowd(200, ("careful",) * 5, 2, 2)
    votes = made.votes.take(np.arange(len(made.votes)) % 7 != 0)
    hidden = hidden_answers(votes, RNG(0))
    asked = votes.example[hidden]
    assert len(np.unique(asked)) == len(asked) > 0
    assert (votes.per_example()[asked] >= 2).all()
    assert (votes.per_example() < 2).any()


def test_likelihood_of_answers_by_hand():
    _, made = crowd(20, ("careful",) * 3, 2, 2)
    found = dawid_skene(made.votes)
    by_hand = [
        np.log(sum(found.probs[e, k] * found.confusion[a, k, x] for k in range(2)))
        for e, a, x in zip(made.votes.example, made.votes.annotator, made.votes.answer, strict=True)
    ]
    np.testing.assert_allclose(answer_log_likelihood(made.votes, found), by_hand)


@pytest.mark.parametrize("seed", range(6))
def test_with_control_questions_never_clearly_below_majority(seed):
    kinds = ("careful", "careful", "biased", "spammer", "adversary", "careful")
    truth, made = crowd(300, kinds, 4, 3, seed, skill=(0.3, 0.7))
    found = guarded_consensus(made.votes, rng=RNG(seed), gold=Gold(np.arange(80), truth[:80]))
    plain = majority(made.votes, gold=Gold(np.arange(80), truth[:80]))
    assert accuracy(found.consensus, truth) >= accuracy(plain, truth) - 0.02


def test_a_good_model_beside_two_answers_is_kept():
    truth, made = crowd(600, ("careful",) * 12 + ("spammer",) * 3, 4, 2, skill=(0.4, 0.7))
    probs = 0.8 * np.eye(4)[truth] + 0.05
    found = guarded_consensus(made.votes, rng=RNG(0), probs=probs)
    assert found.kept
    assert accuracy(found.consensus, truth) > accuracy(majority(made.votes), truth) + 0.2
