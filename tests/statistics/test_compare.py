from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from yori.errors import AlignmentError, InputError, ShapeError, ValuesError
from yori.metrics import aurc
from yori.statistics import METRICS, Predictions, compare, verdict
from yori.statistics.comparable_metrics import find_metric

NAMES = [*METRICS, "risk@0.8", "coverage@0.1"]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def arm(n: int, seed: int, lift: float = 0.5, ids: np.ndarray | None = None) -> Predictions:
    draw = np.random.default_rng(seed)
    labels = np.random.default_rng(n).integers(0, 3, n)
    probs = draw.dirichlet(np.full(3, 0.4), n)
    probs[np.arange(n), labels] += lift
    probs /= probs.sum(axis=1, keepdims=True)
    return Predictions(np.arange(n) if ids is None else ids, probs=probs, labels=labels, loss=draw.random(n))


def losses(values: np.ndarray, ids: np.ndarray | None = None) -> tuple[Predictions, Predictions]:
    rows = np.arange(len(values)) if ids is None else ids
    return Predictions(rows, loss=np.zeros(len(values))), Predictions(rows, loss=np.asarray(values, dtype=float))


# one domain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["accuracy", "error", "nll", "brier", "loss"])
def test_means_are_the_paired_t_test(name: str) -> None:
    before, after = arm(80, 1), arm(80, 2, 0.7)
    found = compare(before, after, metric=name, rng=rng())
    metric = METRICS[name]
    wanted = stats.ttest_rel(metric.columns(after)[0], metric.columns(before)[0])
    low, high = wanted.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p_value == pytest.approx(wanted.pvalue)
    assert found.method == "closed form"


def test_aurc_interval_agrees_with_scipy_bootstrap() -> None:
    before, after = arm(400, 1), arm(400, 2, 0.7)
    found = compare(before, after, metric="aurc", rng=rng())

    def difference(*columns: np.ndarray) -> float:
        bc, bk, ac, ak = columns
        return aurc(ac, ak.astype(bool)) - aurc(bc, bk.astype(bool))

    wanted = stats.bootstrap(
        (before.confidence, before.correct, after.confidence, after.correct),
        difference, paired=True, vectorized=False, n_resamples=1500, method="percentile", batch=1, rng=1,
    )  # fmt: skip
    width = found.high - found.low
    assert found.low == pytest.approx(wanted.confidence_interval.low, abs=0.1 * width)
    assert found.high == pytest.approx(wanted.confidence_interval.high, abs=0.1 * width)


def test_groups_are_the_independent_units() -> None:
    values = np.random.default_rng(3).standard_normal(12)
    found = compare(*losses(np.repeat(values, 5)), metric="loss", groups=np.repeat(np.arange(12), 5), rng=rng())
    wanted = stats.ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(wanted.pvalue)
    assert (found.n_clusters, found.n_rows, found.degrees_of_freedom) == (12, 60, 11)


def test_resampled_metrics_say_so_and_have_the_spread_of_the_bootstrap() -> None:
    before, after = arm(200, 1), arm(200, 2)
    found = compare(before, after, metric="risk@0.8", rng=rng(), replicates=1000)
    assert found.method == "bootstrap"
    assert found.low < found.delta < found.high
    closed = compare(before, after, metric="risk@1.0", rng=rng(), replicates=4000)
    assert closed.standard_error == pytest.approx(
        compare(before, after, metric="error", rng=rng()).standard_error, rel=0.05
    )


def test_a_mean_of_ones_own_gets_nearly_the_closed_form() -> None:
    before, after = arm(150, 1), arm(150, 2)

    def own(rows: Predictions) -> float:
        return float(np.mean(rows.loss))  # type: ignore[arg-type]

    mine = compare(before, after, metric=own, direction="lower", rng=rng(), replicates=4000)
    known = compare(before, after, metric="loss", rng=rng())
    assert mine.delta == pytest.approx(known.delta)
    assert mine.standard_error == pytest.approx(known.standard_error, rel=0.05)


# seeds -------------------------------------------------------------------------------------------------------------


def test_seeds_that_test_the_same_rows_cluster_by_example() -> None:
    """With the same rows in every seed the effect is the mean of the per-example means."""
    values = np.random.default_rng(4).standard_normal((3, 40))
    found = compare(
        *losses(values.ravel(), np.tile(np.arange(40), 3)), metric="loss", seeds=np.repeat([0, 1, 2], 40), rng=rng()
    )
    wanted = stats.ttest_1samp(values.mean(axis=0), 0)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    assert (found.n_seeds, found.n_examples, found.n_rows) == (3, 40, 120)


def test_copies_of_a_seed_add_no_information() -> None:
    before, after = arm(100, 1), arm(100, 2)
    once = compare(before, after, metric="aurc", rng=rng())
    rows = np.tile(np.arange(100), 4)
    four = compare(before[rows], after[rows], metric="aurc", seeds=np.repeat(np.arange(4), 100), rng=rng())
    assert (four.delta, four.standard_error) == (pytest.approx(once.delta), pytest.approx(once.standard_error))


def test_seeds_that_test_different_rows_are_independent() -> None:
    values = np.random.default_rng(5).standard_normal((2, 30)) + np.array([[0.0], [3.0]])
    found = compare(*losses(values.ravel()), metric="loss", seeds=np.repeat([0, 1], 30), rng=rng())
    assert found.delta == pytest.approx(values.mean())
    within = np.sqrt((values.var(axis=1) * 30).sum() * 60 / 59) / 60
    assert found.standard_error == pytest.approx(within)
    assert any("Seeds differ more" in note for note in found.notes)


def test_partly_overlapping_seeds() -> None:
    ids = np.concatenate([np.arange(0, 30), np.arange(15, 45)])
    values = np.random.default_rng(6).standard_normal(60)
    found = compare(*losses(values, ids), metric="loss", seeds=np.repeat([0, 1], 30), rng=rng())
    totals = np.zeros(45)
    for seed in range(2):
        rows = slice(30 * seed, 30 * seed + 30)
        np.add.at(totals, ids[rows], (values[rows] - values[rows].mean()) / 60)
    assert found.standard_error == pytest.approx(math.sqrt(45 / 44 * (totals**2).sum()))


def test_pooled_seeds_are_refused() -> None:
    rows = np.tile(np.arange(50), 2)
    with pytest.raises(AlignmentError, match="pooled"):
        compare(arm(50, 1)[rows], arm(50, 2)[rows], metric="aurc", rng=rng())


# domains -----------------------------------------------------------------------------------------------------------


def test_few_domains_are_a_t_test_over_domains() -> None:
    sizes = [5, 50, 20]
    values = np.concatenate([np.random.default_rng(d).standard_normal(s) + d for d, s in enumerate(sizes)])
    domains = np.repeat(["far", "mid", "near"], sizes)
    found = compare(*losses(values), metric="loss", domains=domains, rng=rng())
    means = [values[domains == d].mean() for d in ("far", "mid", "near")]
    wanted = stats.ttest_1samp(means, 0)
    assert found.method == "t over domains"
    assert found.delta == pytest.approx(np.mean(means))
    assert found.p_value == pytest.approx(wanted.pvalue)
    assert [part.domain for part in found.per_domain] == ["far", "mid", "near"]
    for part, mean in zip(found.per_domain, means, strict=True):
        own = stats.ttest_1samp(values[domains == part.domain], 0).confidence_interval()
        assert part.delta == pytest.approx(mean)
        assert (part.low, part.high) == (pytest.approx(own.low), pytest.approx(own.high))


def test_many_domains_are_a_hierarchical_bootstrap_near_the_t_interval() -> None:
    effects = np.random.default_rng(7).standard_normal(10)
    values = np.repeat(effects, 20) + 0.1 * np.random.default_rng(8).standard_normal(200)
    found = compare(*losses(values), metric="loss", domains=np.repeat(np.arange(10), 20), rng=rng(), replicates=4000)
    low, high = stats.ttest_1samp(values.reshape(10, 20).mean(axis=1), 0).confidence_interval()
    assert found.method == "hierarchical bootstrap"
    assert (found.low, found.high) == (pytest.approx(low, abs=0.25), pytest.approx(high, abs=0.25))


def test_fixed_domains_are_strata() -> None:
    values = np.random.default_rng(9).standard_normal((9, 25)) + 5 * np.arange(9)[:, None]
    found = compare(
        *losses(values.ravel()), metric="loss", domains=np.repeat(np.arange(9), 25), domains_fixed=True, rng=rng()
    )
    assert found.method == "stratified by domain"
    assert found.standard_error == pytest.approx(np.sqrt((values.var(axis=1, ddof=1) / 25).sum()) / 9)
    assert 24 < found.degrees_of_freedom <= 9 * 24
    assert found.domains_fixed


def test_each_cell_is_measured_on_its_own_rows() -> None:
    rows = [arm(40, seed) for seed in range(8)]
    before, after = (a.stacked(b).stacked(c).stacked(d) for a, b, c, d in (rows[:4], rows[4:]))
    domains, seeds = np.repeat([0, 0, 1, 1], 40), np.repeat([0, 1, 0, 1], 40)
    found = compare(before, after, metric="aurc", domains=domains, seeds=seeds, rng=rng())
    metric = find_metric("aurc")
    deltas = [metric.value(b) - metric.value(a) for a, b in zip(rows[:4], rows[4:], strict=True)]
    assert found.delta == pytest.approx((np.mean(deltas[:2]) + np.mean(deltas[2:])) / 2)
    assert found.per_domain[1].seed_deltas == (pytest.approx(deltas[2]), pytest.approx(deltas[3]))


def test_domains_that_show_exactly_the_same_are_not_certain() -> None:
    values = np.tile([1.0] + [0.0] * 9, 2)
    found = compare(*losses(values), metric="loss", domains=np.repeat([0, 1], 10), rng=rng())
    assert found.low < 0 < found.high
    assert any("exactly the same" in note for note in found.notes)


def test_a_domain_of_one_example_has_no_interval_of_its_own() -> None:
    found = compare(*losses(np.array([1.0, 2.0, 3.0])), metric="loss", domains=np.array([0, 1, 1]), rng=rng())
    assert found.per_domain[0].low is None
    assert found.per_domain[1].low is not None
    json.dumps(found.to_dict(), allow_nan=False)


def test_groups_through_several_domains_are_noted() -> None:
    found = compare(
        *losses(np.arange(8.0)), metric="loss", groups=np.tile([0, 1], 4), domains=np.repeat([0, 1], 4), rng=rng()
    )
    assert any("several domains" in note for note in found.notes)


# what nothing changes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("domains", [0, 3, 9])
def test_identical_predictions_differ_by_exactly_nothing(name: str, domains: int) -> None:
    before = arm(90, 1)
    columns = {"domains": np.arange(90) % domains} if domains else {}
    found = compare(before, before, metric=name, rng=rng(), replicates=100, **columns)
    assert (found.delta, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert verdict(found).word == "no difference shown"
    assert verdict(found, margin=0.01).word == "no difference shown"


@pytest.mark.parametrize("name", ["aurc", "augrc", "accuracy", "error", "nll", "brier", "loss"])
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_rows_and_the_direction_of_time(name: str, seed: int) -> None:
    before, after = arm(40, 1), arm(40, 2)
    forth = compare(before, after, metric=name, rng=rng())
    order = np.random.default_rng(seed).permutation(40)
    shuffled = compare(before[order], after[np.random.default_rng(seed + 1).permutation(40)], metric=name, rng=rng())
    assert shuffled.delta == pytest.approx(forth.delta, abs=1e-12)
    assert shuffled.low == pytest.approx(forth.low, abs=1e-12)
    back = compare(after, before, metric=name, rng=rng())
    assert back.delta == -forth.delta
    assert back.low == pytest.approx(-forth.high)
    assert back.p_value == pytest.approx(forth.p_value)


def test_the_same_generator_state_gives_the_same_result_on_any_number_of_threads() -> None:
    before, after = arm(300, 1), arm(300, 2)
    found = [
        compare(before, after, metric="ece", rng=rng(), replicates=300, threads=threads).to_dict() for threads in (1, 2)
    ]
    assert found[0] == found[1]


def test_the_arrays_handed_over_are_not_written_to() -> None:
    before, after = arm(50, 1), arm(50, 2)
    groups, domains = np.arange(50) // 2, np.arange(50) % 10 // 2
    kept = [x.copy() for x in (before.probs, after.confidence, groups, domains)]  # type: ignore[union-attr]
    compare(before, after, metric="aurc", groups=groups, domains=domains, rng=rng())
    for now, then in zip((before.probs, after.confidence, groups, domains), kept, strict=True):
        np.testing.assert_array_equal(now, then)


# edges -------------------------------------------------------------------------------------------------------------


def test_everything_right_or_everything_wrong() -> None:
    ids = np.arange(20)
    score = np.linspace(0, 1, 20)
    right, wrong = (Predictions(ids, confidence=score, correct=np.full(20, x)) for x in (True, False))
    for metric in ("aurc", "augrc", "accuracy"):
        assert compare(right, right, metric=metric, rng=rng()).p_value == 1.0
        found = compare(wrong, right, metric=metric, rng=rng())
        assert 0 < found.p_value < 1e-4
        assert found.high - found.low > 0.05
        assert any("changed alike" in note for note in found.notes)


def test_confidences_that_are_all_tied() -> None:
    ids = np.arange(60)
    correct = np.arange(60) % 3 > 0
    flat = Predictions(ids, confidence=np.full(60, 0.5), correct=correct)
    ranked = Predictions(ids, confidence=correct * 1.0, correct=correct)
    found = compare(flat, ranked, metric="aurc", rng=rng())
    assert found.before == pytest.approx(1 / 3)
    assert found.high < 0


def test_one_class_only() -> None:
    probs = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
    rows = Predictions(np.arange(4), probs=probs, labels=np.zeros(4, dtype=int), loss=np.ones(4))
    for name in NAMES:
        found = compare(rows, rows, metric=name, rng=rng(), replicates=100)
        assert math.isfinite(found.before)
        assert found.p_value == 1.0


def test_one_example_is_refused() -> None:
    one = Predictions(np.array([1]), loss=np.array([0.5]))
    with pytest.raises(ValuesError, match="at least two independent"):
        compare(one, one, metric="loss", rng=rng())


def test_one_group_is_refused() -> None:
    with pytest.raises(ValuesError, match="at least two independent"):
        compare(*losses(np.arange(5.0)), metric="loss", groups=np.zeros(5, dtype=int), rng=rng())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"metric": "auroc"}, ValuesError),
        ({"level": 95.0}, ValuesError),
        ({"level": float("nan")}, ValuesError),
        ({"replicates": 10}, ValuesError),
        ({"groups": np.arange(9)}, ShapeError),
        ({"domains": np.zeros((10, 1))}, InputError),
        ({"metric": "aurc"}, ShapeError),
        ({"metric": lambda rows: 0.0}, ValuesError),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], error: type[Exception]) -> None:
    before, after = losses(np.arange(10.0))
    with pytest.raises(error):
        compare(before, after, **{"metric": "loss", "rng": rng(), **change})  # type: ignore[arg-type]


def test_few_groups_are_noted() -> None:
    found = compare(*losses(np.arange(10.0)), metric="loss", rng=rng())
    assert any("Only 10 independent" in note for note in found.notes)


def test_the_dictionary_is_plain_json() -> None:
    found = compare(arm(50, 1), arm(50, 2), metric="aurc", seeds=np.zeros(50, dtype=int), rng=rng())
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["delta"] == found.delta
    assert plain["per_domain"][0]["seed_deltas"] == [found.delta]


# promises, in small; the full simulation is benchmarks/coverage_simulation.py ------------------------------------------


@pytest.mark.parametrize("metric", ["aurc", "accuracy"])
def test_intervals_of_clustered_rows_hold_zero_as_often_as_promised(metric: str) -> None:
    held = 0
    for seed in range(400):
        draw = np.random.default_rng(seed)
        ship = np.repeat(np.arange(40), 6)
        ease = draw.standard_normal(40)[ship]
        made = []
        for _ in range(2):
            score = ease + draw.standard_normal(40)[ship] + draw.standard_normal(240)
            made.append(Predictions(np.arange(240), confidence=score, correct=score + 1 > draw.standard_normal(240)))
        found = compare(*made, metric=metric, groups=ship, rng=draw)
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 400 <= 0.975
