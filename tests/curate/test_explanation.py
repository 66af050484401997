import numpy as np
import pytest

from yori.attribution.group_influence import Change, effect_by_query
from yori.attribution.influence import influence_of_solution
from yori.curate import Choice, Problem, curate
from yori.curate.explanation import effects_on_queries
from yori.curate.ranking import Effects
from yori.heads import Spectrum
from yori.synthetic import gaussian_mixture_embeddings

N, M, CLASSES, L2 = 200, 80, 3, 0.05


@pytest.fixture(scope="module")
def made():
    data = gaussian_mixture_embeddings(N + M, 8, CLASSES, separation=2.5, label_noise=0.0, rng=np.random.default_rng(0))
    targets = data.true_labels[:N].copy()
    targets[:6] = (targets[:6] + 1) % CLASSES
    x = data.embeddings.astype(float)
    problem = Problem(x[:N], targets, x[N:], data.true_labels[N:], np.arange(M) % 4, CLASSES, L2, objective="nll")
    return problem, curate(problem, budget=1)


def explained(made, choices, **options):
    problem, found = made
    return effects_on_queries(
        choices, found.parts, problem.embeddings, problem.targets, queries=M, l2=L2, link="softmax",
        spectrum=Spectrum.of(problem.embeddings), tolerance=1e-8, limit=200, **options,
    )  # fmt: skip


def test_sums_are_the_plain_influence(made):
    problem, found = made
    part = found.parts[0]
    curvature = part.curvature(problem.embeddings, l2=L2, link="softmax", spectrum=Spectrum.of(problem.embeddings))
    solution = curvature.solve(part.asked.gradient(), tolerance=1e-8)
    plain = influence_of_solution(curvature, problem.targets, part.asked.value, solution, leverage=False)
    effects = Effects(plain.drop_effect(), plain.relabel_effect())
    drops = [Choice(row, None, 0.0, 1.0) for row in range(10)]
    np.testing.assert_allclose(explained(made, drops).sum(axis=1), effects.drop[:10], rtol=5e-3, atol=1e-7)
    new = (problem.targets[:10] + 1) % CLASSES
    relabels = [Choice(row, int(new[row]), 0.0, 1.0) for row in range(10)]
    wanted = effects.relabel[np.arange(10), new]
    np.testing.assert_allclose(explained(made, relabels).sum(axis=1), wanted, rtol=5e-3, atol=1e-7)
    answers = np.random.default_rng(1).dirichlet(np.ones(CLASSES), N)
    reviews = [Choice(row, None, 0.0, 1.0, "review") for row in range(10)]
    wanted = (answers[:10] * effects.relabel[:10]).sum(axis=1)
    np.testing.assert_allclose(explained(made, reviews, answers=answers).sum(axis=1), wanted, rtol=5e-3, atol=1e-7)


def test_whom_an_edit_helps_as_a_refit_says(made):
    problem, found = made
    choices = [Choice(row, None, 0.0, 1.0) for row in range(4)]
    exact = effect_by_query(
        problem.embeddings, problem.targets, found.parts[0].head, problem.query_embeddings, problem.query_targets,
        [Change(dropped=[row]) for row in range(4)], l2=L2, objective="nll",
    )  # fmt: skip
    for row, guess in zip(exact, explained(made, choices), strict=True):
        assert np.corrcoef(row, guess)[0, 1] > 0.95
        assert set(np.argsort(guess)[:3]) & set(np.argsort(row)[:3])


def test_an_example_nobody_has_seen_changes_nothing(made):
    problem, found = made
    unseen = [type(found.parts[0])(found.parts[0].head, np.where(np.arange(N) == 3, 0.0, 1.0), found.parts[0].asked,
                                   found.parts[0].positions)]  # fmt: skip
    effects = effects_on_queries(
        [Choice(3, None, 0.0, 1.0)], unseen, problem.embeddings, problem.targets, queries=M, l2=L2, link="softmax",
        spectrum=Spectrum.of(problem.embeddings),
    )  # fmt: skip
    assert not effects.any()


def test_a_few_steps_find_the_same_examples(made):
    problem, found = made
    choices = [Choice(row, None, 0.0, 1.0) for row in range(6)]
    rough = effects_on_queries(
        choices, found.parts, problem.embeddings, problem.targets, queries=M, l2=L2, link="softmax",
        spectrum=Spectrum.of(problem.embeddings),
    )  # fmt: skip
    np.testing.assert_allclose(rough, explained(made, choices), atol=0.03 * np.abs(rough).max())
