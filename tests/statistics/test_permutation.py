from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from yori.errors import ValuesError
from yori.statistics import Predictions, permutation_test
from yori.statistics.comparable_metrics import find_metric


def arms(n: int, seed: int = 0) -> tuple[Predictions, Predictions]:
    rng = np.random.default_rng(seed)
    made = []
    for lift in (0.4, 0.6):
        confidence = rng.random(n)
        made.append(Predictions(np.arange(n), confidence=confidence, correct=rng.random(n) < lift + 0.3 * confidence))
    return made[0], made[1]


@pytest.mark.parametrize("metric", ["aurc", "augrc", "accuracy", "risk@0.8", "ece"])
@pytest.mark.parametrize("groups", [None, np.array([0, 0, 1, 1, 2, 2, 3])])
def test_all_assignments_by_hand(metric: str, groups: np.ndarray | None) -> None:
    before, after = arms(7)
    unit = np.arange(7) if groups is None else groups
    chosen = find_metric(metric)
    both = before.stacked(after)

    def difference(swapped: np.ndarray) -> float:
        rows = np.arange(7)
        return chosen.value(both[rows + 7 * ~swapped]) - chosen.value(both[rows + 7 * swapped])

    observed = difference(np.zeros(7, bool))
    every = [difference(np.array(s)[unit]) for s in product([False, True], repeat=int(unit.max()) + 1)]
    found = permutation_test(before, after, metric=metric, groups=groups, rng=np.random.default_rng(0))
    assert found.exact
    assert found.delta == pytest.approx(observed)
    assert found.p_value == pytest.approx(np.mean(np.abs(every) >= abs(observed) - 1e-12))
    assert found.assignments == len(every)


def test_a_mean_equals_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(40), rng.standard_normal(40) + 0.4
    found = permutation_test(
        Predictions(np.arange(40), loss=x),
        Predictions(np.arange(40), loss=y),
        metric="loss",
        rng=rng,
        replicates=20_000,
    )
    wanted = stats.permutation_test(
        (y, x), lambda a, b, axis: (a - b).mean(axis), permutation_type="samples", vectorized=True, rng=2,
        n_resamples=20_000,
    )  # fmt: skip
    assert not found.exact
    assert found.p_value == pytest.approx(wanted.pvalue, abs=0.01)


def test_metrics_of_ones_own_are_swapped_row_by_row() -> None:
    before, after = arms(30)

    def own(rows: Predictions) -> float:
        return float(np.mean(rows.correct))  # type: ignore[arg-type]

    by_hand = permutation_test(
        before, after, metric=own, direction="higher", rng=np.random.default_rng(3), replicates=2000
    )
    fast = permutation_test(before, after, metric="accuracy", rng=np.random.default_rng(3), replicates=2000)
    assert by_hand.p_value == fast.p_value


def test_identical_arms_give_exactly_one() -> None:
    before, _ = arms(30)
    for metric in ("aurc", "accuracy", "ece"):
        found = permutation_test(before, before, metric=metric, rng=np.random.default_rng(0), replicates=99)
        assert (found.delta, found.p_value) == (0.0, 1.0)


def test_the_p_value_of_exchangeable_arms_is_uniform() -> None:
    p = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        made = [Predictions(np.arange(40), confidence=rng.random(40), correct=rng.random(40) < 0.8) for _ in range(2)]
        p.append(permutation_test(*made, metric="aurc", rng=rng, replicates=199, threads=1).p_value)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) <= 0.085


def test_threads_do_not_change_the_result() -> None:
    before, after = arms(2000)
    first, second = (
        permutation_test(
            before, after, metric="augrc", rng=np.random.default_rng(4), replicates=200, threads=threads
        ).p_value
        for threads in (1, 3)
    )
    assert first == second


def test_no_replicates_are_refused() -> None:
    with pytest.raises(ValuesError):
        permutation_test(*arms(20), metric="aurc", rng=np.random.default_rng(0), replicates=0)
