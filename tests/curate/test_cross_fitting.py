"""Cross-fitted curation on embeddings whose wrong labels are known; the judges see nothing of their own fold."""

from dataclasses import replace

import numpy as np
import pytest

from yori.attribution.objectives import query_of_logits
from yori.curate import FoldedProblem, curate_out_of_fold
from yori.curate.course import apply_picks
from yori.curate.folded_course import FoldedCourse, asked_of_folds
from yori.curate.parts import effects_of, fit_head
from yori.curate.ranking import Pick
from yori.errors import ValuesError
from yori.heads import Spectrum, fit_softmax
from yori.metrics import aurc
from yori.synthetic import flip_labels, gaussian_mixture_embeddings
from yori.task import CurationRules, EditLimits

CLASSES, N, TEST, L2, NOISE, BUDGET = 4, 420, 1500, 0.01, 0.08, 20


@pytest.fixture(scope="module")
def data():
    return gaussian_mixture_embeddings(
        N + TEST, 16, CLASSES, separation=3.5, label_noise=0.0, groups=(N + TEST) // 3, domains=3,
        rng=np.random.default_rng(0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def flipped(data):
    return flip_labels(data.true_labels[:N], NOISE, classes=CLASSES, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def problem(data, flipped) -> FoldedProblem:
    everyone = np.ones(N, dtype=bool)
    groups = data.groups[:N]
    return FoldedProblem(
        data.embeddings[:N], flipped[0], flipped[0], groups % 5, everyone, everyone, groups, CLASSES, L2
    )


@pytest.fixture(scope="module")
def found(problem):
    return curate_out_of_fold(problem, budget=BUDGET)


def first_heads(problem, spectrum):
    def first(excluded):
        weight = np.where(problem.trains & ~np.isin(problem.folds, list(excluded)), problem.weight, 0.0)
        return fit_head(
            problem.embeddings, problem.targets, weight, classes=CLASSES, l2=L2, link="softmax", spectrum=spectrum
        )

    return first


def test_wrong_labels_are_found_and_a_refit_is_better_on_new_examples(found, problem, data, flipped):
    places = [choice.position for _, choice in found.chosen]
    assert len(places) == BUDGET
    assert flipped[1][places].mean() >= 5 * NOISE
    picks = [Pick(choice.position, choice.new_label, 0.0, choice.action) for _, choice in found.chosen]
    targets, weight = apply_picks(picks, problem.targets, problem.weight)
    x, y = data.embeddings[N:], data.true_labels[N:]

    def risk(labels, share):
        head = fit_softmax(problem.embeddings, labels, l2=L2, classes=CLASSES, sample_weight=share)
        probs = head.probs(x)
        return aurc(probs.max(axis=1), probs.argmax(axis=1) == y)

    assert risk(targets, weight) < risk(problem.targets, problem.weight)


def test_out_of_fold_logits_are_of_heads_that_have_not_seen_the_fold(found, problem):
    inside = problem.folds == 2
    head = fit_softmax(problem.embeddings[~inside], problem.targets[~inside], l2=L2, classes=CLASSES, tolerance=1e-6)
    np.testing.assert_allclose(found.out_of_fold[inside], head.logits(problem.embeddings[inside]), atol=2e-3)


def test_effects_are_those_of_refitting_every_fold(problem):
    """One example dropped: the objective out of fold, by exact refits of all heads that saw it."""
    spectrum = Spectrum.of(problem.embeddings)
    course = FoldedCourse(problem, None, first_heads(problem, spectrum), spectrum)
    effects, _ = effects_of(
        course.parts("nll"), problem.embeddings, problem.targets, l2=L2, link="softmax", spectrum=spectrum
    )
    order = np.argsort(effects.drop)
    rows = np.r_[order[:10], order[-10:]]
    exact = []
    for row in rows:
        values = []
        for share in (1.0, 0.0):
            logits = np.zeros((N, CLASSES))
            for fold in range(5):
                weight = np.where(problem.folds == fold, 0.0, 1.0)
                weight[row] *= share
                head = fit_softmax(
                    problem.embeddings.astype(float), problem.targets, l2=L2, classes=CLASSES, sample_weight=weight,
                    tolerance=1e-8,
                )  # fmt: skip
                logits[problem.folds == fold] = head.logits(problem.embeddings[problem.folds == fold].astype(float))
            values.append(
                query_of_logits(
                    "nll", problem.embeddings, problem.targets, logits, temperature=course.temperature
                ).value
            )
        exact.append(values[1] - values[0])
    assert np.corrcoef(exact, effects.drop[rows])[0, 1] > 0.97
    assert (np.sign(exact) == np.sign(effects.drop[rows])).all()


def test_a_judge_sees_nothing_of_its_fold(problem):
    """Other labels in a fold change nothing that its judge does, neither as questions nor as examples or witnesses."""
    spectrum = Spectrum.of(problem.embeddings)
    inside = problem.folds == 3
    turned = np.where(inside, (problem.targets + 1) % CLASSES, problem.targets)
    other = replace(problem, targets=turned, asked_targets=turned)
    one, two = (FoldedCourse(each, 3, first_heads(each, spectrum), spectrum) for each in (problem, other))
    for course in (one, two):
        course.take(course.rank(8))
    assert one.taken == two.taken
    assert one.taken
    assert not inside[list(one.taken)].any()
    np.testing.assert_array_equal(one.judged(), two.judged())
    np.testing.assert_array_equal(one.plausible, two.plausible)


def test_what_holds_of_every_curation(found, problem):
    every = [choice for each in found.rounds for choice in each.choices]
    assert len({choice.position for choice in every}) == len(every) <= BUDGET
    assert all(choice.effect < 0 and 0 <= choice.agreement <= 1 for choice in every)
    assert all(choice.new_label != problem.targets[choice.position] for choice in every)
    assert found.scores.shape == (N,)
    assert found.products > 0
    again = curate_out_of_fold(problem, budget=BUDGET)
    assert again.rounds == found.rounds


def test_nobody_is_convinced_by_random_labels_for_long(problem):
    rng = np.random.default_rng(3)
    kept = 0
    for _ in range(3):
        labels = rng.integers(0, CLASSES, N)
        random = replace(problem, targets=labels, asked_targets=labels)
        kept += len(curate_out_of_fold(random, budget=6, accept_at=2.0).chosen) > 0
    assert kept <= 1


def test_only_those_who_train_are_edited(problem):
    training = np.arange(N) < 300
    apart = replace(problem, trains=training, asks=~training)
    found = curate_out_of_fold(apart, budget=12)
    assert found.chosen
    assert all(choice.position < 300 for _, choice in found.chosen)


@pytest.mark.parametrize("rounds", ["equal", "line_search"])
@pytest.mark.parametrize("consensus", [0.0, 0.6])
def test_rules_hold(problem, rounds, consensus):
    rules = CurationRules(rounds=rounds, consensus=consensus, limits=EditLimits(per_class=0.3, per_group=0.1))
    draws = np.random.default_rng(4).multinomial(N, np.full(N, 1 / N), size=3).astype(float)
    found = curate_out_of_fold(replace(problem, rules=rules), budget=20, draws=draws)
    places = [choice.position for _, choice in found.chosen]
    assert 0 < len(places) <= 20
    assert np.bincount(problem.targets[places]).max() <= 6
    assert np.bincount(problem.groups[places]).max() <= 2


def test_reviews_are_chosen_by_what_a_person_would_say(problem, flipped):
    found = curate_out_of_fold(replace(problem, rules=CurationRules(actions=("review",))), budget=12)
    assert {choice.action for _, choice in found.chosen} == {"review"}
    assert flipped[1][[choice.position for _, choice in found.chosen]].mean() >= 5 * NOISE


class TestWorstDomain:
    @pytest.fixture
    def domains(self, problem, data) -> FoldedProblem:
        numbers = data.domains[:N]
        return replace(problem, folds=numbers, worst=True, domains=numbers)

    def test_the_worst_domain_weighs_most(self, domains):
        rng = np.random.default_rng(5)
        logits = rng.normal(size=(N, CLASSES))
        logits[np.arange(N), domains.targets] += np.where(domains.folds == 1, 0.0, 3.0)
        asked, weights = asked_of_folds(domains, domains.asks, logits, temperature=1.0)
        assert max(weights, key=weights.get) == 1
        assert sum(weights.values()) == pytest.approx(1)
        own = query_of_logits(
            domains.objective, domains.embeddings[domains.folds == 1], domains.targets[domains.folds == 1],
            logits[domains.folds == 1],
        )  # fmt: skip
        assert asked.values[domains.folds == 1].sum() == pytest.approx(weights[1] * own.value)

    def test_domains_ask_heads_that_have_not_heard_them(self, domains, flipped):
        found = curate_out_of_fold(domains, budget=12)
        assert flipped[1][[choice.position for _, choice in found.chosen]].mean() >= 3 * NOISE


def test_too_few_folds(problem):
    with pytest.raises(ValuesError, match="at least 3 folds"):
        curate_out_of_fold(replace(problem, folds=problem.folds % 2), budget=3)
    with pytest.raises(ValuesError, match="4 of them asking"):
        curate_out_of_fold(replace(problem, asks=problem.folds != 1), budget=3)


def test_several_labels(problem):
    hot = np.eye(CLASSES, dtype=np.float32)[problem.targets]
    found = curate_out_of_fold(replace(problem, targets=hot, asked_targets=hot, link="sigmoid"), budget=8)
    assert all(choice.action == "drop" for _, choice in found.chosen)
    assert found.answers.shape == (N, CLASSES)
