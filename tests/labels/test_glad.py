import numpy as np
from crowdkit.aggregation import GLAD
from scipy import optimize
from tests.labels.crowds import by_crowd_kit, crowd

from yori.labels import Gold, Votes, glad
from yori.labels.glad import _minus_bound, _posterior


def test_gradient_equals_finite_differences():
    _, made = crowd(12, ("careful",) * 3, 3, 2)
    rng = np.random.default_rng(0)
    at, expected = rng.normal(1, 0.5, 15), rng.random(len(made.votes))
    exact = _minus_bound(at, made.votes, expected)[1]
    measured = optimize.approx_fprime(at, lambda x: _minus_bound(x, made.votes, expected)[0], 1e-6)
    np.testing.assert_allclose(exact, measured, atol=1e-4)


def test_posterior_equals_bayes_rule_by_hand():
    votes = Votes(np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([0, 0, 2]), 1, 3, 3)
    right = 1 / (1 + np.exp(-np.array([1.0, 2.0, 0.5]) * np.exp(0.3)))
    wrong = (1 - right) / 2
    by_hand = np.array([right[0] * right[1] * wrong[2], wrong[0] * wrong[1] * wrong[2], wrong[0] * wrong[1] * right[2]])
    probs, evidence = _posterior(votes, np.array([1.0, 2.0, 0.5, 0.3]))
    np.testing.assert_allclose(probs[0], by_hand / by_hand.sum())
    np.testing.assert_allclose(evidence, np.log(by_hand.mean()))


def test_more_likely_than_crowd_kits_solution():
    truth, made = crowd(120, ("careful",) * 6, 2, 4)
    theirs = GLAD()
    probs = by_crowd_kit(theirs, made.votes)
    parameters = np.concatenate([theirs.alphas_.sort_index(), theirs.betas_.sort_index()])

    def penalised(at):
        return _posterior(made.votes, at)[1] - 0.5 * ((at - 1) ** 2).sum()

    found = glad(made.votes, tolerance=1e-9)
    ability = np.empty(6)  # the confusion says the mean chance only: find the ability again from the same M step
    ability[:] = theirs.alphas_.sort_index()
    best = optimize.minimize(
        lambda a: -penalised(np.concatenate([a, -found.difficulty])), ability, method="Nelder-Mead",
        options={"maxiter": 2000},
    )  # fmt: skip
    assert -best.fun >= penalised(parameters) - 1e-6
    assert (found.labels == probs.argmax(axis=1)).mean() > 0.95
    assert (found.labels == truth).mean() > 0.8


def test_hard_examples_are_found_and_control_questions_are_certain():
    rng = np.random.default_rng(0)
    truth, hard = rng.integers(0, 2, 400), np.arange(400) < 200
    example, annotator = np.divmod(np.arange(400 * 12), 12)
    right = rng.random(4800) < np.where(hard[example], 0.6, 0.97)
    votes = Votes(example, annotator, np.where(right, truth[example], 1 - truth[example]), 400, 12, 2)
    found = glad(votes)
    assert found.difficulty[hard].mean() > found.difficulty[~hard].mean() + 0.3
    assert (glad(votes, gold=Gold(np.arange(400), truth)).labels == truth).all()


def test_an_adversary_has_little_skill():
    _, made = crowd(500, ("careful",) * 6 + ("adversary",), 2, 5, skill=(0.8, 0.95))
    skill = glad(made.votes).skill
    assert skill[6] < 0.35 < 0.7 < skill[:6].min()
