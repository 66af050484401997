from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.metrics import aurc
from yori.statistics import Predictions, bootstrap_differences
from yori.statistics.bootstrap import hierarchical_replicates, prepare, seed_replicates, stratified_replicates
from yori.statistics.comparable_metrics import METRICS, find_metric
from yori.statistics.pairing import pair
from yori.statistics.resampling import draw_counts


def arms(n: int, seed: int = 0, ties: int = 0, copies: int = 1) -> tuple[Predictions, Predictions]:
    rng = np.random.default_rng(seed)
    labels = np.tile(rng.integers(0, 3, n), copies)
    ids = np.tile(np.arange(n), copies)
    made = []
    for _ in range(2):
        probs = rng.dirichlet(np.full(3, 0.4), n * copies)
        probs[np.arange(n * copies), labels] += 0.7
        probs /= probs.sum(axis=1, keepdims=True)
        confidence = np.round(probs.max(axis=1) * ties) / ties if ties else None
        made.append(Predictions(ids, confidence=confidence, probs=probs, labels=labels, loss=rng.random(n * copies)))
    return made[0], made[1]


NAMES = [*METRICS, "risk@0.8", "coverage@0.1"]


@pytest.mark.parametrize("ties", [0, 5])
@pytest.mark.parametrize("clusters", [None, 7])
@pytest.mark.parametrize("name", NAMES)
def test_a_replicate_is_the_metric_of_the_rows_drawn(name: str, clusters: int | None, ties: int) -> None:
    before, after = arms(40, ties=ties)
    metric = find_metric(name)
    unit = np.random.default_rng(1).integers(0, clusters, 40) if clusters else np.arange(40)
    units = int(unit.max()) + 1
    weights = draw_counts(np.random.default_rng(2), units, 20)
    found = prepare(metric, before, after, unit, units)(weights)
    for row, value in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(40), row[unit])
        assert value == pytest.approx(metric.value(after[drawn]) - metric.value(before[drawn]), abs=1e-12)


def test_a_function_of_ones_own_is_resampled_with_the_same_draw() -> None:
    def median(rows: Predictions) -> float:
        return float(np.median(rows.loss))  # type: ignore[arg-type]

    before, after = arms(30)
    same = Predictions(after.ids, loss=before.loss)
    found = bootstrap_differences(
        before, same, metric=median, direction="lower", replicates=50, rng=np.random.default_rng(0)
    )
    assert (found == 0).all()
    other = bootstrap_differences(
        before, after, metric=median, direction="lower", replicates=50, rng=np.random.default_rng(0)
    )
    assert other.std() > 0


@pytest.mark.parametrize("n", [300, 40_000])
def test_results_do_not_depend_on_the_number_of_threads(n: int) -> None:
    before, after = arms(n)
    found = [
        bootstrap_differences(
            before, after, metric="aurc", replicates=30, rng=np.random.default_rng(3), threads=threads
        )
        for threads in (1, 2, 5)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_whole_bootstrap_against_resampling_by_hand() -> None:
    """The same distribution as drawing row indices and calling the metric: mean and spread agree."""
    before, after = arms(60)
    found = bootstrap_differences(before, after, metric="aurc", replicates=6000, rng=np.random.default_rng(4))
    rng = np.random.default_rng(5)
    by_hand = []
    for _ in range(6000):
        rows = rng.integers(0, 60, 60)
        by_hand.append(aurc(after.confidence[rows], after.correct[rows]) - aurc(before.confidence[rows], before.correct[rows]))  # type: ignore[index] # fmt: skip
    assert found.mean() == pytest.approx(np.mean(by_hand), abs=4 * np.std(by_hand) / 6000**0.5)
    assert found.std() == pytest.approx(np.std(by_hand), rel=0.05)
    np.testing.assert_allclose(np.quantile(found, [0.05, 0.95]), np.quantile(by_hand, [0.05, 0.95]), atol=0.01)


def test_many_rows_use_the_table_and_agree_with_the_influence_values() -> None:
    before, after = arms(30_000)
    found = bootstrap_differences(before, after, metric="augrc", replicates=300, rng=np.random.default_rng(6))
    metric = METRICS["augrc"]
    assert metric.influence is not None
    influence = metric.influence(*metric.columns(after)) - metric.influence(*metric.columns(before))
    assert found.std() == pytest.approx(influence.std() / 30_000**0.5, rel=0.15)


def test_seeds_of_a_domain_read_the_same_draw() -> None:
    """Two seeds with the same predictions must agree in every replicate."""
    before, after = arms(25, copies=2)
    twice = [Predictions(x.ids, loss=np.tile(x.loss[:25], 2)) for x in (before, after)]  # type: ignore[index]
    pairing = pair(*twice, seeds=np.repeat([0, 1], 25))
    found = seed_replicates(pairing.cells, METRICS["loss"], 40, np.random.default_rng(0), None)
    np.testing.assert_allclose(found[:, 0], found[:, 1])


def test_seeds_of_different_rows_may_miss_a_draw() -> None:
    ids = np.arange(4)
    before, after = Predictions(ids, loss=np.zeros(4)), Predictions(ids, loss=np.array([1.0, 1.0, 5.0, 5.0]))
    pairing = pair(before, after, groups=np.array([0, 0, 1, 1]), seeds=np.array([0, 0, 1, 1]))
    deltas = seed_replicates(pairing.cells, METRICS["loss"], 200, np.random.default_rng(0), None)
    assert np.isnan(deltas).any()
    effects = stratified_replicates(pairing, METRICS["loss"], 200, np.random.default_rng(0), None)
    assert set(effects.tolist()) == {1.0, 3.0, 5.0}


def test_stratified_replicates_keep_every_domain() -> None:
    ids = np.arange(6)
    before = Predictions(ids, loss=np.zeros(6))
    after = Predictions(ids, loss=np.array([1.0, 1, 2, 2, 9, 9]))
    pairing = pair(before, after, domains=np.repeat([0, 1, 2], 2))
    found = stratified_replicates(pairing, METRICS["loss"], 50, np.random.default_rng(0), None)
    np.testing.assert_allclose(found, 4.0)


def test_hierarchical_replicates_draw_domains_then_seeds_then_clusters() -> None:
    """Variance of the hierarchical bootstrap of a mean, from the variances of its three levels."""
    rng = np.random.default_rng(1)
    domains, seeds, rows = 6, 3, 10
    values = rng.standard_normal((domains, seeds, rows)) + rng.standard_normal((domains, 1, 1))
    ids = np.broadcast_to(np.arange(domains * rows).reshape(domains, 1, rows), values.shape).ravel()
    where = np.indices(values.shape)
    before, after = Predictions(ids, loss=np.zeros(ids.size)), Predictions(ids, loss=values.ravel())
    pairing = pair(before, after, domains=where[0].ravel(), seeds=where[1].ravel())
    found = hierarchical_replicates(pairing, METRICS["loss"], 20_000, np.random.default_rng(2), None)
    between = values.mean(axis=(1, 2)).var()
    inner = 0.0
    for domain in values:
        # seeds and rows are crossed: var of Σ_s Σ_i a_s b_i x_si with multinomial a and b
        grand, s, i = domain.mean(), domain.mean(axis=1), domain.mean(axis=0)
        interaction = domain - s[:, None] - i[None] + grand
        inner += s.var() / seeds + i.var() / rows + interaction.var() / (seeds * rows)
    wanted = (between + inner / domains) / domains
    assert found.var() == pytest.approx(wanted, rel=0.05)
    assert found.mean() == pytest.approx(values.mean(), abs=0.02)


def test_the_same_generator_state_gives_the_same_replicates() -> None:
    before, after = arms(50)
    domains = np.arange(50) % 9
    first, second = (
        bootstrap_differences(before, after, metric="ece", domains=domains, replicates=40, rng=np.random.default_rng(8))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_identical_arms_never_differ() -> None:
    before, _ = arms(60)
    for name in NAMES:
        found = bootstrap_differences(before, before, metric=name, replicates=20, rng=np.random.default_rng(0))
        assert (found == 0).all(), name


def test_no_replicates_are_refused() -> None:
    with pytest.raises(ValuesError):
        bootstrap_differences(*arms(5), metric="aurc", replicates=0, rng=np.random.default_rng(0))


def test_kernels_are_functions() -> None:
    before, after = arms(10)
    kernel: Callable[..., np.ndarray] = prepare(METRICS["nll"], before, after, np.arange(10), 10)
    assert kernel(np.zeros((1, 10), dtype=np.uint8)).tolist() != [0.0]
