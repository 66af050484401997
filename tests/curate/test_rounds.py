from dataclasses import replace

import numpy as np
import pytest

from yori.attribution.objectives import OBJECTIVES, query, query_of_logits
from yori.curate import ClassGuard, Problem, curate, plausible_labels, rounds
from yori.curate.course import Course
from yori.heads import Spectrum, fit_sigmoid, fit_softmax
from yori.labels import out_of_fold_logits
from yori.metrics import aurc
from yori.synthetic import flip_labels, gaussian_mixture_embeddings
from yori.task import Costs, CurationRules, EditLimits

CLASSES, TRAIN, QUERY, TEST, L2 = 5, 400, 250, 1000, 0.01
NOISE, BUDGET = 0.06, 16


@pytest.fixture(scope="module")
def data():
    return gaussian_mixture_embeddings(
        TRAIN + QUERY + TEST, 20, CLASSES, separation=3.5, label_noise=0.0, rng=np.random.default_rng(0)
    )


@pytest.fixture(scope="module")
def flipped(data) -> tuple[np.ndarray, np.ndarray]:
    """Training labels, 6 % of them wrong, and which."""
    return flip_labels(data.true_labels[:TRAIN], NOISE, classes=CLASSES, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def problem(data, flipped) -> Problem:
    """Asked by an objective that saturates: it looks for what is mislabelled more than the default does."""
    asking = slice(TRAIN, TRAIN + QUERY)
    return Problem(
        data.embeddings[:TRAIN], flipped[0], data.embeddings[asking], data.true_labels[asking],
        np.arange(QUERY) % 5, CLASSES, L2, objective="aurc_soft",
    )  # fmt: skip


WORLDS = [(300, 8, 4, 2.5, 0.003), (400, 20, 5, 3.5, 0.01), (600, 64, 10, 4.0, 0.003)]


@pytest.mark.parametrize(("n", "dimensions", "classes", "separation", "l2"), WORLDS)
def test_the_default_objective_lowers_aurc_and_likelihood_over_worlds(n, dimensions, classes, separation, l2):
    """Mean over six worlds, on examples nobody asked with, beside as many random drops."""
    changes = []
    for seed in range(6):
        rng, size = np.random.default_rng(seed), n + 300 + 2000
        world = gaussian_mixture_embeddings(size, dimensions, classes, separation=separation, label_noise=0.0, rng=rng)
        x, truth = world.embeddings, world.true_labels
        given, _ = flip_labels(truth[:n], 0.08, classes=classes, rng=rng)
        asking = slice(n, n + 300)
        found = curate(Problem(x[:n], given, x[asking], truth[asking], np.arange(300) % 5, classes, l2), budget=16)
        values = []
        for dropped in ([], places(found), rng.permutation(n)[: len(places(found))]):
            weight = np.ones(n)
            weight[dropped] = 0
            probs = fit_softmax(x[:n], given, l2=l2, classes=classes, sample_weight=weight).probs(x[-2000:])
            likelihood = -np.log(probs[np.arange(2000), truth[-2000:]]).mean()
            values.append((aurc(probs.max(axis=1), probs.argmax(axis=1) == truth[-2000:]), likelihood))
        changes.append(np.log(values))
    before, after, random = np.mean(changes, axis=0)
    assert (after < before - 0.01).all()
    assert (after < random - 0.01).all()


@pytest.fixture(scope="module")
def plausible(problem, flipped) -> np.ndarray:
    fold = np.random.default_rng(2).integers(0, 5, TRAIN)
    logits = out_of_fold_logits(problem.embeddings, flipped[0], fold, classes=CLASSES, l2=L2)
    return plausible_labels(problem.embeddings, flipped[0], np.arange(TRAIN), logits, temperature=0.7)


def places(result) -> list[int]:
    return [choice.position for _, choice in result.chosen]


def edited(problem: Problem, result) -> tuple[np.ndarray, np.ndarray]:
    """Labels and weights after the edits that count."""
    labels, weight = problem.targets.copy(), problem.weight.copy()
    for _, choice in result.chosen:
        if choice.new_label is None:
            weight[choice.position] = 0
        else:
            labels[choice.position] = choice.new_label
    return labels, weight


def value_on(
    problem: Problem, x: np.ndarray, y: np.ndarray, labels: np.ndarray, weight: np.ndarray, objective: str | None = None
) -> float:
    head = fit_softmax(problem.embeddings, labels, l2=problem.l2, classes=CLASSES, sample_weight=weight)
    return query(objective or problem.objective, x, y, head.weight).value


def check(problem: Problem, result, budget: int) -> None:
    """What holds of every curation."""
    every = [choice for each in result.rounds for choice in each.choices]
    positions = [choice.position for choice in every]
    assert len(positions) == len(set(positions)) <= budget
    assert all(0 <= choice.agreement <= 1 for choice in every)
    assert all(choice.effect < 0 for choice in every)
    accepted = [each.accepted for each in result.rounds]
    assert accepted == sorted(accepted, reverse=True)  # a prefix
    assert [each.number for each in result.rounds] == list(range(1, len(accepted) + 1))
    assert [choice for each in result.rounds if each.accepted for choice in each.choices] == [
        choice for _, choice in result.chosen
    ]
    for choice in every:
        if choice.new_label is not None:
            assert choice.new_label != problem.targets[choice.position]
    if not any(accepted):
        assert result.objective_after == result.objective_before


@pytest.mark.parametrize("relabel", [False, True])
class TestPlantedFlips:
    @pytest.fixture
    def result(self, problem, plausible, relabel):
        return curate(problem, budget=BUDGET, plausible=plausible if relabel else None)

    def test_are_found_five_times_as_often_as_by_chance(self, result, flipped):
        assert len(places(result)) == BUDGET
        assert flipped[1][places(result)].mean() >= 5 * NOISE

    def test_a_refit_is_better_on_examples_nobody_asked_with(self, result, problem, data):
        """In the metric's smooth form, whatever the objective that chose."""
        x, y = data.embeddings[-TEST:], data.true_labels[-TEST:]
        before = value_on(problem, x, y, problem.targets, problem.weight, "aurc_soft")
        after = value_on(problem, x, y, *edited(problem, result), objective="aurc_soft")
        rng = np.random.default_rng(3)
        random = []
        for _ in range(5):
            weight = problem.weight.copy()
            weight[rng.permutation(TRAIN)[:BUDGET]] = 0
            random.append(value_on(problem, x, y, problem.targets, weight, "aurc_soft"))
        assert after < 0.9 * before
        assert after < 0.9 * min(random)

    def test_objectives_are_those_of_a_refit(self, result, problem):
        x, y = problem.query_embeddings, problem.query_targets
        labels, weight = edited(problem, result)
        before = value_on(problem, x, y, problem.targets, problem.weight)
        assert result.objective_before == pytest.approx(before, rel=1e-3)
        assert result.objective_after == pytest.approx(value_on(problem, x, y, labels, weight), rel=1e-2)

    def test_what_holds_of_every_curation(self, result, problem):
        check(problem, result, BUDGET)
        assert len(result.rounds) == rounds.ROUNDS
        assert result.products > 0

    def test_relabels_only_where_plausible(self, result, plausible, relabel, data):
        new = [(choice.position, choice.new_label) for _, choice in result.chosen if choice.new_label is not None]
        assert bool(new) == relabel
        assert all(plausible[place, label] for place, label in new)
        if new:
            assert np.mean([data.true_labels[place] == label for place, label in new]) > 0.7

    def test_same_result_again_and_nothing_modified(self, result, problem, plausible, relabel):
        arrays = [problem.embeddings, problem.targets, problem.query_embeddings, problem.query_targets]
        arrays += [problem.query_folds, problem.weight, plausible]
        before = [array.copy() for array in arrays]
        again = curate(problem, budget=BUDGET, plausible=plausible if relabel else None)
        assert again.rounds == result.rounds
        np.testing.assert_array_equal(again.scores, result.scores)
        for now, then in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(now, then)

    def test_the_order_of_training_examples_does_not_matter(self, result, problem, plausible, relabel):
        turn = np.random.default_rng(4).permutation(TRAIN)
        turned = curate(
            replace(problem, embeddings=problem.embeddings[turn], targets=problem.targets[turn]),
            budget=BUDGET, plausible=plausible[turn] if relabel else None,
        )  # fmt: skip
        common = set(turn[places(turned)].tolist()) & set(places(result))
        assert len(common) >= BUDGET - 2  # rounding may swap the last ones


def test_scores_point_at_the_flips(problem, flipped):
    scores = curate(problem, budget=2).scores
    assert scores.shape == (TRAIN,)
    assert scores[flipped[1]].mean() < 0 < scores[~flipped[1]].mean()


def test_the_first_round_is_predicted_about_right(problem):
    """Single drops, predicted to first order, against refits: the sign and the order of the best ones."""
    result = curate(problem, budget=6, rounds=1)
    x, y = problem.query_embeddings, problem.query_targets
    head = fit_softmax(problem.embeddings, problem.targets, l2=L2, classes=CLASSES, tolerance=1e-6)
    before = query(problem.objective, x, y, head.weight).value
    for _, choice in result.chosen:
        weight = problem.weight.copy()
        weight[choice.position] = 0
        refit = fit_softmax(
            problem.embeddings, problem.targets, l2=L2, classes=CLASSES, sample_weight=weight, tolerance=1e-6
        )
        assert query(problem.objective, x, y, refit.weight).value < before
    effects = [choice.effect for _, choice in result.chosen]
    assert effects == sorted(effects)


class TestJudges:
    def judged(self, problem, monkeypatch, **options) -> list[np.ndarray]:
        """The logits of the judges, round by round."""
        seen, original = [], rounds._held_out_change

        def record(problem, before, logits):
            seen.append(logits.copy())
            return original(problem, before, logits)

        with monkeypatch.context() as patch:
            patch.setattr(rounds, "_held_out_change", record)
            curate(problem, budget=BUDGET, **options)
        return seen

    def test_a_validation_example_has_no_say_in_how_it_is_judged(self, problem, monkeypatch):
        inside = problem.query_folds == 2
        other = np.where(inside, (problem.query_targets + 1) % CLASSES, problem.query_targets)
        one = self.judged(problem, monkeypatch)
        two = self.judged(replace(problem, query_targets=other), monkeypatch)
        assert len(one) == len(two) == rounds.ROUNDS
        for first, second in zip(one, two, strict=True):
            np.testing.assert_array_equal(first[inside], second[inside])
            assert np.abs(first[~inside] - second[~inside]).max() > 1e-3

    def test_verdict_is_the_change_of_the_objective_on_their_predictions(self, problem, monkeypatch):
        result = curate(problem, budget=BUDGET)
        for each, logits in zip(result.rounds, self.judged(problem, monkeypatch), strict=True):
            after = query_of_logits(problem.objective, problem.query_embeddings, problem.query_targets, logits)
            assert each.held_out_change == pytest.approx(after.value - result.objective_before, rel=1e-9)
            assert 0 < each.held_out_error < abs(each.held_out_change)

    def test_the_rounds_they_liked_best_are_kept(self, problem):
        """Not always all of them: where the validation labels are random, going on makes it worse as often as better."""
        rng = np.random.default_rng(8)
        asked = [problem, *(replace(problem, query_targets=rng.integers(0, CLASSES, QUERY)) for _ in range(16))]
        kept = []
        for each in asked:
            result = curate(each, budget=24, rounds=4)
            check(each, result, 24)
            changes = [one.held_out_change for one in result.rounds]
            kept.append(sum(one.accepted for one in result.rounds))
            assert kept[-1] == (int(np.argmin(changes)) + 1 if min(changes) < 0 else 0)
        assert kept[0] == 4
        assert min(kept) == 0
        assert set(kept) & {1, 2, 3}

    def test_who_is_never_convinced_keeps_nothing(self, problem):
        result = curate(problem, budget=BUDGET, accept_at=1e6)
        check(problem, result, BUDGET)
        assert len(result.rounds) == rounds.ROUNDS
        assert result.chosen == ()

    def test_random_validation_labels_convince_nobody_often(self, problem):
        """Nothing can be learned from them, so held-out examples like what was chosen about half of the time."""
        rng = np.random.default_rng(5)
        kept = []
        for _ in range(8):
            asked = replace(problem, query_targets=rng.integers(0, CLASSES, QUERY))
            result = curate(asked, budget=8, accept_at=2.0)
            check(asked, result, 8)
            kept.append(len(result.chosen))
        assert np.count_nonzero(kept) <= 3

    def test_one_fold_can_judge_nothing(self, problem):
        result = curate(replace(problem, query_folds=np.zeros(QUERY, dtype=int)), budget=BUDGET)
        assert result.rounds == result.chosen == ()


class TestBudgetAndGuard:
    @pytest.mark.parametrize("budget", [0, -3])
    def test_no_budget_no_edits(self, problem, budget):
        result = curate(problem, budget=budget)
        assert result.rounds == result.chosen == ()
        assert result.objective_after == result.objective_before

    @pytest.mark.parametrize(("budget", "number"), [(1, 1), (1, 4), (5, 2), (7, 3), (3, 8)])
    def test_budget_is_spread_over_the_rounds(self, problem, budget, number):
        result = curate(problem, budget=budget, rounds=number)
        check(problem, result, budget)
        sizes = [len(each.choices) for each in result.rounds]
        assert sum(sizes) == budget
        assert max(sizes) - min(sizes) <= 1

    def test_a_rare_class_is_left_alone(self, data, problem):
        """Nine examples of a class, all but two of them labelled wrong, and everybody asks for their removal."""
        labels = data.true_labels[:TRAIN].copy()
        others = np.flatnonzero(labels != 4)
        labels[labels == 4] = 0
        labels[others[:7]] = 4
        labels[np.flatnonzero(data.true_labels[:TRAIN] == 4)[:2]] = 4
        rare = replace(problem, targets=labels)
        result = curate(rare, budget=200, rounds=3)
        check(rare, result, 200)
        dropped = labels[places(result)]
        assert (dropped == 4).sum() <= 1
        assert len(dropped) > 5
        guard = ClassGuard(labels, classes=CLASSES)
        assert (np.bincount(dropped, minlength=CLASSES) <= guard.left).all()

    def test_examples_without_weight_are_neither_edited_nor_counted(self, data, problem):
        """Of class 2 six wrong examples have a weight: one of them may go, however many are left without weight."""
        labels = data.true_labels[:TRAIN].copy()
        weight = np.where(labels == 2, 0.0, 1.0)
        labels[np.flatnonzero(labels == 0)[:6]] = 2
        lighter = replace(problem, targets=labels, weight=weight)
        result = curate(lighter, budget=40)
        check(lighter, result, 40)
        assert (weight[places(result)] > 0).all()
        assert (labels[places(result)] == 2).sum() == 1

    def test_what_was_edited_is_not_considered_again(self, problem, plausible):
        spectrum = Spectrum.of(problem.embeddings)
        head = fit_softmax(problem.embeddings, problem.targets, l2=L2, classes=CLASSES, spectrum=spectrum)
        course = Course(problem, np.ones(QUERY, dtype=np.bool_), plausible, head, spectrum)
        chosen = course.step(10)
        assert {pick.new_label is None for pick in chosen} == {True, False}
        effects = course.best().net
        taken = [pick.position for pick in chosen]
        assert np.isinf(effects[taken]).all()
        assert np.isfinite(np.delete(effects, taken)).all()

    @pytest.mark.parametrize("n", [1, 2, 5, 6, 20])
    def test_few_examples(self, problem, n):
        small = replace(
            problem, embeddings=problem.embeddings[:n], targets=problem.targets[:n], weight=np.ones(n),
            query_embeddings=problem.query_embeddings[:3], query_targets=problem.query_targets[:3],
            query_folds=np.array([0, 1, 0]),
        )  # fmt: skip
        result = curate(small, budget=10)
        check(small, result, 10)
        if n <= 5:
            assert result.chosen == ()


class TestOddProblems:
    @pytest.mark.parametrize("objective", OBJECTIVES)
    def test_every_objective(self, problem, flipped, objective):
        asked = replace(problem, objective=objective)
        result = curate(asked, budget=8)
        check(asked, result, 8)
        assert result.objective_after < result.objective_before
        least = 3 if objective == "focal" else 5  # what is hopelessly wrong weighs most there, on both sides
        assert flipped[1][places(result)].mean() >= least * NOISE

    def test_embeddings_that_say_nothing(self, problem):
        empty = replace(
            problem, embeddings=np.zeros_like(problem.embeddings), query_embeddings=np.zeros((QUERY, 20), np.float32)
        )
        check(empty, curate(empty, budget=BUDGET), BUDGET)

    def test_random_training_labels(self, problem):
        random = replace(problem, targets=np.random.default_rng(6).integers(0, CLASSES, TRAIN))
        check(random, curate(random, budget=BUDGET), BUDGET)

    def test_one_class_only(self, problem):
        one = replace(problem, targets=np.zeros(TRAIN, dtype=int), query_targets=np.zeros(QUERY, dtype=int))
        check(one, curate(one, budget=BUDGET), BUDGET)

    def test_double_precision_and_a_temperature(self, problem, flipped):
        double = replace(
            problem, embeddings=problem.embeddings.astype(float), query_embeddings=problem.query_embeddings.astype(float),
            temperature=0.5,
        )  # fmt: skip
        result = curate(double, budget=8)
        check(double, result, 8)
        assert flipped[1][places(result)].mean() >= 5 * NOISE


@pytest.fixture(scope="module")
def hot(data) -> np.ndarray:
    """Several labels: of every third example also the next class."""
    hot = np.eye(CLASSES, dtype=np.int64)[data.true_labels]
    hot[::3] |= np.roll(hot[::3], 1, axis=1)
    return hot


@pytest.fixture(scope="module")
def several(problem, hot) -> tuple[Problem, np.ndarray]:
    """The same with the label sets of 24 training examples shifted by two classes, and which they are."""
    targets = hot[:TRAIN].copy()
    wrong = np.zeros(TRAIN, dtype=bool)
    wrong[np.random.default_rng(7).permutation(TRAIN)[:24]] = True
    targets[wrong] = np.roll(targets[wrong], 2, axis=1)
    return replace(problem, targets=targets, query_targets=hot[TRAIN : TRAIN + QUERY], link="sigmoid"), wrong


class TestSeveralLabels:
    def test_scrambled_rows_are_found_and_a_refit_is_better(self, several, data, hot):
        problem, wrong = several
        result = curate(problem, budget=BUDGET)
        check(problem, result, BUDGET)
        assert len(places(result)) >= BUDGET // 2  # the second round is theirs to refuse
        assert wrong[places(result)].mean() >= 5 * NOISE
        weight = np.ones(TRAIN)
        weight[places(result)] = 0
        value = [
            query(
                problem.objective, data.embeddings[-TEST:], hot[-TEST:],
                fit_sigmoid(problem.embeddings, problem.targets, l2=L2, sample_weight=each).weight, link="sigmoid",
            ).value
            for each in (np.ones(TRAIN), weight)
        ]  # fmt: skip
        assert value[1] < value[0]

    def test_a_relabel_is_never_proposed(self, several):
        problem, _ = several
        everything = np.ones((TRAIN, CLASSES), dtype=np.bool_)
        assert all(choice.new_label is None for _, choice in curate(problem, budget=5, plausible=everything).chosen)

    def test_stratum_is_the_rarest_label_and_of_none_one_more(self, problem):
        targets = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
        small = Problem(
            problem.embeddings[:7], targets, problem.query_embeddings[:7], targets, np.arange(7), 3, L2, link="sigmoid"
        )
        columns = targets.sum(axis=0)  # 4, 4, 3
        for row, stratum in zip(targets, small.strata, strict=True):
            if not row.any():
                assert stratum == 3
            else:
                assert row[stratum] == 1
                assert columns[stratum] == columns[row > 0].min()

    def test_examples_without_labels_do_not_open_the_guard_of_another_class(self, several):
        """Seven examples of class 0 among many that show nothing: one of the seven may go, not a tenth of all."""
        problem, _ = several
        targets = problem.targets.copy()
        targets[:200] = 0
        targets[:, 0] = 0
        targets[200:207] = np.eye(CLASSES, dtype=np.int64)[0]
        asked = replace(problem, targets=targets)
        result = curate(asked, budget=100)
        assert targets[places(result), 0].sum() <= 1


class TestRules:
    """What `CurationRules` change, and that limits hold in every round."""

    def test_a_line_search_spends_what_the_judges_like_and_stops(self, problem, plausible):
        asked = replace(problem, rules=CurationRules(rounds="line_search"))
        result = curate(asked, budget=BUDGET, plausible=plausible)
        check(asked, result, BUDGET)
        assert result.chosen
        changes = [each.held_out_change for each in result.rounds]
        assert changes == sorted(changes, reverse=True)  # every round must be liked better than the last
        rng = np.random.default_rng(9)
        random = replace(asked, query_targets=rng.integers(0, CLASSES, QUERY))
        assert len(curate(random, budget=200).chosen) < 200

    def test_a_consensus_of_objectives_and_resampled_queries(self, problem, plausible, flipped):
        draws = np.random.default_rng(10).multinomial(QUERY, np.full(QUERY, 1 / QUERY), size=4).astype(float)
        found = {}
        for share in (0.0, 1.0):
            asked = replace(problem, rules=CurationRules(consensus=share))
            found[share] = curate(asked, budget=BUDGET, plausible=plausible, draws=draws, rounds=1)
            check(asked, found[share], BUDGET)
        assert 0 < len(places(found[1.0])) < len(places(found[0.0]))
        assert flipped[1][places(found[1.0])].mean() >= flipped[1][places(found[0.0])].mean()

    @pytest.mark.parametrize("rounds", ["equal", "line_search"])
    def test_limits_hold_over_all_rounds(self, problem, plausible, rounds):
        domains, groups = np.arange(TRAIN) % 3, np.arange(TRAIN) // 10
        rules = CurationRules(rounds=rounds, limits=EditLimits(0.25, 0.5, 0.1, 12), costs=Costs(1.0, 1.0))
        asked = replace(problem, rules=rules, domains=domains, groups=groups)
        result = curate(asked, budget=BUDGET, plausible=plausible)
        edited = places(result)
        assert 0 < len(edited) <= 12
        assert np.bincount(problem.targets[edited]).max() <= 0.25 * BUDGET
        assert np.bincount(domains[edited]).max() <= 0.5 * BUDGET
        assert np.bincount(groups[edited]).max() <= 1

    def test_an_edit_must_be_worth_its_minutes(self, problem):
        free = curate(problem, budget=BUDGET, rounds=1)
        worth = -float(np.median([choice.effect for _, choice in free.chosen]))
        dear = replace(problem, rules=CurationRules(costs=Costs(drop=2.0, minute=worth / 2)))
        few = curate(dear, budget=BUDGET, rounds=1)
        assert 0 < len(few.chosen) < len(free.chosen)
        assert all(choice.effect < -worth for _, choice in few.chosen)
