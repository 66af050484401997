"""What a head of a fold may know, and what the folds ask together; effects against refits are in test_cross_fitting.py."""

from dataclasses import replace

import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution.objectives import query_of_logits
from yori.curate import FoldedProblem
from yori.curate.folded_course import SHARPNESS, FoldedCourse, asked_of_folds, temperature_of_folds
from yori.curate.parts import fit_head
from yori.curate.ranking import Pick
from yori.heads import Spectrum, fit_softmax
from yori.metrics import fit_temperature

N, FOLDS, CLASSES, L2 = 160, 4, 3, 0.05


def problem_of(link="softmax", **options):
    given = make(n=N, m=2, l2=L2, link=link)
    everyone = np.ones(N, dtype=bool)
    who = {"trains": everyone, "asks": everyone, "objective": "nll", **options}
    return FoldedProblem(
        given.x, given.y, given.y, np.arange(N) // 2 % FOLDS, groups=np.arange(N) // 2, classes=CLASSES, l2=L2, link=link,
        **who,
    )  # fmt: skip


def course_of(problem, outside=None, **options):
    spectrum = Spectrum.of(problem.embeddings)

    def first(excluded):
        weight = np.where(problem.trains & ~np.isin(problem.folds, list(excluded)), problem.weight, 0.0)
        return fit_head(
            problem.embeddings, problem.targets, weight, classes=CLASSES, l2=L2, link=problem.link, spectrum=spectrum
        )

    return FoldedCourse(problem, outside, first, spectrum, **options)


def alone(problem, keep, targets=None, weight=None):
    """A fit on the rows that are kept, and on nothing else."""
    targets = problem.targets if targets is None else targets
    weight = problem.weight if weight is None else weight
    return fit_softmax(
        problem.embeddings[keep], targets[keep], l2=L2, classes=CLASSES, sample_weight=weight[keep], tolerance=1e-8
    )


def test_each_fold_asks_a_head_that_has_not_seen_it_before_and_after_edits():
    problem = problem_of()
    course = course_of(problem)
    weight, targets = problem.weight.copy(), problem.targets.copy()
    for picks in ([], [Pick(0, None, -1.0, "drop"), Pick(33, (int(targets[33]) + 1) % 3, -1.0, "relabel")]):
        course.take(picks)
        if picks:
            weight[0], targets[33] = 0, (targets[33] + 1) % 3
        logits = course.out_of_fold()
        for fold in range(FOLDS):
            mine = problem.folds == fold
            expected = alone(problem, ~mine, targets, weight).logits(problem.embeddings[mine])
            np.testing.assert_allclose(logits[mine], expected, atol=0.03)
    np.testing.assert_array_equal(problem.weight, np.ones(N))


def test_the_judges_fold_is_outside_of_everything():
    problem = problem_of()
    course = course_of(problem, outside=1)
    inside = problem.folds != 1
    assert set(course.heads) == {0, 2, 3}
    assert not (course.trains | course.asks)[~inside].any()
    assert not course.plausible[~inside].any()
    np.testing.assert_array_equal(course.judges(), ~inside)
    for fold in (0, 2, 3):
        keep = inside & (problem.folds != fold)
        np.testing.assert_allclose(course.heads[fold].weight, alone(problem, keep).weight, atol=0.02)
    expected = alone(problem, inside).logits(problem.embeddings[~inside])
    np.testing.assert_allclose(course.judged(), expected, atol=0.03)
    assert (course.best().net[~inside] == np.inf).all()


def test_a_judge_is_told_what_would_be_without_anything_being_done():
    problem = problem_of()
    course = course_of(problem, outside=1)
    inside = problem.folds != 1
    picks = [Pick(int(row), None, -1.0, "drop") for row in np.flatnonzero(inside)[:9]]
    before = course.judged()
    told = course.judged(picks)
    np.testing.assert_array_equal(course.judged(), before)
    weight = problem.weight.copy()
    weight[[pick.position for pick in picks]] = 0
    np.testing.assert_allclose(
        told, alone(problem, inside, weight=weight).logits(problem.embeddings[~inside]), atol=0.03
    )
    assert np.abs(told - before).max() > 0.03
    course.take(picks)
    np.testing.assert_allclose(course.judged(), told, atol=0.03)
    assert course_of(problem).judged(picks).shape == (0, CLASSES)  # the course that decides judges nothing


def test_parts_have_not_seen_who_asks_them_and_together_everybody_asks_once():
    asks = np.arange(N) % 3 != 0
    problem = problem_of(asks=asks)
    course = course_of(problem, outside=2)
    parts = course.parts()
    positions = np.concatenate([part.positions for part in parts])
    np.testing.assert_array_equal(np.sort(positions), np.flatnonzero(asks & (problem.folds != 2)))
    for part in parts:
        assert (part.weight[np.isin(problem.folds, [2, problem.folds[part.positions[0]]])] == 0).all()
        assert len(np.unique(problem.folds[part.positions])) == 1
    assert sum(part.asked.value for part in parts) == pytest.approx(course.value())


def test_what_all_ask_is_the_objective_on_out_of_fold_logits():
    problem = problem_of(objective="aurc_soft")
    course = course_of(problem)
    logits = course.out_of_fold()
    temperature = temperature_of_folds(logits, problem.targets)
    assert temperature == pytest.approx(fit_temperature(logits, problem.targets))
    assert course.temperature == pytest.approx(temperature)
    expected = query_of_logits("aurc_soft", problem.embeddings, problem.targets, logits, temperature=temperature).value
    assert course.value() == pytest.approx(expected)


def test_the_worst_domain_counts_most():
    """Domain by domain, weighed by ``exp(SHARPNESS · J_e / mean J)``; who does not ask has no value."""
    asks = np.arange(N) % 5 != 0
    problem = problem_of(worst=True, asks=asks)
    logits = course_of(problem).out_of_fold()
    asked, weights = asked_of_folds(problem, asks, logits, temperature=0.7)
    values = np.array([
        query_of_logits("nll", problem.embeddings[mine], problem.targets[mine], logits[mine], temperature=0.7).value
        for mine in (asks & (problem.folds == fold) for fold in range(FOLDS))
    ])  # fmt: skip
    strength = np.exp(SHARPNESS * values / values.mean())
    expected = strength / strength.sum()
    np.testing.assert_allclose([weights[fold] for fold in range(FOLDS)], expected)
    assert asked.value == pytest.approx((expected * values).sum())
    assert values.mean() < asked.value <= values.max()
    assert (asked.values[~asks] == 0).all()
    assert (asked.rows[~asks] == 0).all()
    fixed, same = asked_of_folds(
        problem, asks, logits, temperature=0.7, domain_weight=dict.fromkeys(range(FOLDS), 0.25)
    )
    assert same == dict.fromkeys(range(FOLDS), 0.25)
    assert fixed.value == pytest.approx(values.mean())


def test_worst_or_not_the_gradient_of_the_query_is_that_of_its_value():
    problem = problem_of(worst=True)
    logits = course_of(problem).out_of_fold().astype(float)
    everyone = np.ones(N, dtype=bool)
    asked, weights = asked_of_folds(problem, everyone, logits, temperature=0.8)
    direction = np.random.default_rng(0).normal(size=logits.shape)

    def value(step):
        moved = logits + step * direction
        return asked_of_folds(problem, everyone, moved, temperature=0.8, domain_weight=weights)[0].value

    assert (value(1e-5) - value(-1e-5)) / 2e-5 == pytest.approx((asked.rows * direction).sum(), rel=1e-5)


def test_who_does_not_train_is_neither_edited_nor_a_reason():
    trains = np.arange(N) % 4 != 0
    problem = problem_of(trains=trains)
    turned = np.where(trains, problem.targets, (problem.targets + 1) % 3)
    one, two = course_of(problem), course_of(replace(problem, targets=turned))
    np.testing.assert_array_equal(one.out_of_fold(), two.out_of_fold())
    assert one.rank(8) == two.rank(8)
    assert all(trains[pick.position] for pick in one.rank(8))


def test_several_labels_are_never_relabelled():
    course = course_of(problem_of("sigmoid"))
    assert course.plausible is None
    assert course.answers.shape == (N, CLASSES)
    assert ((course.answers > 0) & (course.answers < 1)).all()
    picks = course.rank(6)
    assert {pick.action for pick in picks} == {"drop"}
    course.take(picks)
    assert len(course.taken) == 6
