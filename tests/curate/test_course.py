"""A course against refits from scratch on labels and weights edited by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution.objectives import query
from yori.curate import Problem
from yori.curate.course import Course, apply_picks
from yori.curate.ranking import Pick
from yori.heads import Spectrum, fit_sigmoid, fit_softmax
from yori.task import CurationRules, EditLimits

N, M, CLASSES, L2 = 150, 40, 3, 0.05
PICKS = [Pick(4, None, -0.1, "drop"), Pick(11, 2, -0.1, "relabel"), Pick(20, None, -0.1, "review")]


def problem_of(link="softmax", **options):
    given = make(n=N, m=M, l2=L2, link=link)
    y = given.y.copy()
    if link == "softmax":
        y[11] = 0
    return Problem(given.x, y, given.xq, given.yq, np.arange(M) % 4, CLASSES, L2, link=link,
                   **{"objective": "nll", **options})  # fmt: skip


def course_of(problem, asking=None, plausible=None, **options):
    fit = fit_softmax if problem.link == "softmax" else fit_sigmoid
    head = fit(problem.embeddings, problem.targets, l2=L2, sample_weight=problem.weight, tolerance=1e-6)
    asking = np.ones(M, dtype=bool) if asking is None else asking
    return Course(problem, asking, plausible, head, Spectrum.of(problem.embeddings), **options)


def scratch(problem, targets, weight):
    fit = fit_softmax if problem.link == "softmax" else fit_sigmoid
    return fit(problem.embeddings, targets, l2=L2, sample_weight=weight, tolerance=1e-8)


def test_picks_change_copies():
    labels, weight = np.arange(30) % 3, np.ones(30)
    targets, shares = apply_picks([Pick(1, None, 0.0, "drop"), Pick(2, 0, 0.0, "relabel")], labels, weight)
    assert (np.flatnonzero(shares == 0).tolist(), np.flatnonzero(targets != labels).tolist()) == ([1], [2])
    assert targets[2] == 0
    np.testing.assert_array_equal(labels, np.arange(30) % 3)
    np.testing.assert_array_equal(weight, np.ones(30))


def test_a_review_changes_nothing_until_somebody_answers():
    review = [Pick(1, None, 0.0, "review")]
    labels = np.zeros(3, dtype=int)
    for targets, weight in (apply_picks(review, labels, np.ones(3)),):
        np.testing.assert_array_equal(targets, labels)
        np.testing.assert_array_equal(weight, np.ones(3))
    answers = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    assert apply_picks(review, labels, np.ones(3), answers)[0].tolist() == [0, 1, 0]
    several = apply_picks(review, np.zeros((3, 2), dtype=int), np.ones(3), np.full((3, 2), [0.5, 0.4]))[0]
    assert several.tolist() == [[0, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_after_edits_the_head_is_that_of_a_fit_from_scratch(link):
    problem = problem_of(link)
    picks = PICKS if link == "softmax" else [PICKS[0], PICKS[2]]
    course = course_of(problem)
    before = course.head.weight
    asked = course.logits(np.arange(M), picks)
    assert course.head.weight is before  # asking what would be changes nothing
    assert course.taken == {}
    course.take(picks)
    targets, weight = problem.targets.copy(), problem.weight.copy()
    weight[4] = 0
    if link == "softmax":
        targets[11] = 2
    expected = scratch(problem, targets, weight).logits(problem.query_embeddings)
    for found in (asked, course.logits(np.arange(M))):
        np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.abs(expected - problem.query_embeddings @ before[:, :-1].T - before[:, -1]).max() > 0.03
    np.testing.assert_array_equal(course.targets, targets)
    np.testing.assert_array_equal(course.weight, weight)
    assert course.taken == {pick.position: (pick.action, pick.new_label) for pick in picks}
    np.testing.assert_array_equal(problem.weight, np.ones(N))


def test_answers_of_persons_count_where_they_are_given():
    """Only judges ask for them: an arm trains on what is there."""
    answers = np.full((N, CLASSES), [0.0, 0.1, 0.9])
    course = course_of(problem_of(answers=answers))
    course.take([PICKS[2]])
    assert course.targets[20] == 2


def test_predicted_effects_are_those_of_exact_refits():
    problem = problem_of()
    course = course_of(problem)
    best = course.best()
    before = query("nll", problem.query_embeddings, problem.query_targets, course.head.weight).value
    rows = np.argsort(best.net)[[0, 1, 2, 3, 4, 60, 90, -3, -2, -1]]
    exact = []
    for row in rows:
        weight = np.ones(N)
        weight[row] = 0
        head = scratch(problem, problem.targets, weight)
        exact.append(query("nll", problem.query_embeddings, problem.query_targets, head.weight).value - before)
    assert np.corrcoef(exact, best.effect[rows])[0, 1] > 0.98
    assert (np.sign(exact[:5]) == -1).all()


def test_only_who_asks_is_asked():
    """The others' labels may be anything."""
    asking = np.arange(M) % 4 != 1
    problem = problem_of()
    other = replace(problem, query_targets=np.where(asking, problem.query_targets, (problem.query_targets + 1) % 3))
    one, two = (course_of(each, asking).rank(6) for each in (problem, other))
    assert one == two
    assert len(one) == 6
    turned = replace(problem, query_targets=(problem.query_targets + 1) % 3)
    assert course_of(turned, asking).rank(6) != one


def test_steps_do_not_meet_an_example_twice_and_scores_stay_those_of_the_first():
    course = course_of(problem_of())
    first = course.step(4)
    scores = course.scores.copy()
    spent = course.products
    second = course.step(4)
    positions = [pick.position for pick in first + second]
    assert len(set(positions)) == len(positions) == 8
    np.testing.assert_array_equal(course.scores, scores)
    assert scores[[pick.position for pick in first]].max() < 0
    assert course.products > spent > 0
    course.take([])
    assert len(course.taken) == 8


def test_examples_dropped_before_are_not_edited_and_limits_hold():
    weight = np.ones(N)
    problem = problem_of()
    worst = [pick.position for pick in course_of(problem).rank(3)]
    weight[worst] = 0
    rules = CurationRules(limits=EditLimits(per_group=0.25))
    groups = np.arange(N) % 2
    course = course_of(problem_of(weight=weight, rules=rules, groups=groups), budget=8)
    assert course.touched[worst].all()
    picks = course.step(8)
    assert not {pick.position for pick in picks} & set(worst)
    assert [int((groups[[pick.position for pick in picks]] == each).sum()) for each in (0, 1)] == [2, 2]
    assert course.rank(8) == []


def test_relabels_go_where_they_are_plausible():
    plausible = np.zeros((N, CLASSES), dtype=bool)
    plausible[:, 1] = True
    problem = problem_of(rules=CurationRules(actions=("relabel",)))
    plausible[problem.targets == 1] = False
    picks = course_of(problem, plausible=plausible).rank(10)
    assert picks
    assert {pick.new_label for pick in picks} == {1}
    assert course_of(problem).rank(10) == []
