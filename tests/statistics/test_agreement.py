from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from yori.errors import AlignmentError, ShapeError, ValuesError
from yori.statistics import jaccard, jaccard_by_chance, kendall_w, selection_agreement, spearman


def test_jaccard_of_strings_and_numbers() -> None:
    assert jaccard(np.array(["a", "b"]), np.array(["b", "c"])) == pytest.approx(1 / 3)
    assert jaccard(np.array([1, 2]), np.array([2, 1])) == 1.0
    assert jaccard(np.array([1]), np.array([2])) == 0.0


@pytest.mark.parametrize(("first", "second", "n"), [(1, 1, 3), (2, 3, 5), (3, 3, 6), (4, 4, 5), (6, 2, 6)])
def test_chance_level_is_the_mean_over_all_pairs_of_subsets(first: int, second: int, n: int) -> None:
    values = [
        len(set(a) & set(b)) / len(set(a) | set(b))
        for a in combinations(range(n), first)
        for b in combinations(range(n), second)
    ]
    assert jaccard_by_chance(first, second, n) == pytest.approx(np.mean(values))


def test_chance_level_of_one_percent_of_a_large_set() -> None:
    rng = np.random.default_rng(0)
    found = [
        jaccard(rng.choice(10_000, 100, replace=False), rng.choice(10_000, 100, replace=False)) for _ in range(2000)
    ]
    assert jaccard_by_chance(100, 100, 10_000) == pytest.approx(np.mean(found), rel=0.05)


def test_selection_agreement_is_the_mean_over_pairs() -> None:
    chosen = [np.array([1, 2, 3]), np.array([2, 3, 4]), np.array([5, 6])]
    found = selection_agreement(chosen, n=50)
    assert found.pairs == 3
    assert found.mean == pytest.approx((0.5 + 0 + 0) / 3)
    assert found.smallest == 0.0
    assert found.chance == pytest.approx((jaccard_by_chance(3, 3, 50) + 2 * jaccard_by_chance(3, 2, 50)) / 3)


def test_random_selections_agree_as_chance_says() -> None:
    rng = np.random.default_rng(1)
    found = selection_agreement([rng.choice(400, 40, replace=False) for _ in range(30)], n=400)
    assert found.mean == pytest.approx(found.chance, rel=0.1)


vectors = st.lists(st.integers(0, 4), min_size=3, max_size=25).filter(lambda x: len(set(x)) > 1)


@given(vectors, st.randoms(use_true_random=False))
def test_spearman_equals_scipy_with_ties(values: list[int], random: object) -> None:
    first = np.array(values, dtype=float)
    second = np.random.default_rng(random.randint(0, 999)).permutation(first)  # type: ignore[attr-defined]
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    assert spearman(first, first) == pytest.approx(1)
    assert spearman(first, -first) == pytest.approx(-1)


def test_kendall_w_is_the_friedman_statistic_over_its_largest_value() -> None:
    rng = np.random.default_rng(2)
    for ties in (False, True):
        scores = rng.integers(0, 5, (4, 9)).astype(float) if ties else rng.standard_normal((4, 9))
        friedman = stats.friedmanchisquare(*scores.T).statistic
        assert kendall_w(scores) == pytest.approx(friedman / (4 * 8))


def test_kendall_w_follows_from_the_mean_spearman() -> None:
    scores = np.random.default_rng(3).standard_normal((5, 30))
    mean = np.mean([spearman(a, b) for a, b in combinations(scores, 2)])
    assert kendall_w(scores) == pytest.approx((1 + 4 * mean) / 5)


def test_kendall_w_of_chance_is_one_over_the_number_of_rankings() -> None:
    rng = np.random.default_rng(4)
    assert np.mean([kendall_w(rng.standard_normal((4, 12))) for _ in range(500)]) == pytest.approx(0.25, abs=0.02)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: jaccard([], [1]), ShapeError),
        (lambda: jaccard([1, 1], [1]), AlignmentError),
        (lambda: jaccard_by_chance(0, 1, 5), ValuesError),
        (lambda: jaccard_by_chance(2, 7, 5), ValuesError),
        (lambda: selection_agreement([np.array([1])], 5), ShapeError),
        (lambda: spearman([1.0, 2.0], [1.0]), ShapeError),
        (lambda: spearman([1.0], [1.0]), ShapeError),
        (lambda: spearman([1.0, np.nan], [1.0, 2.0]), ValuesError),
        (lambda: spearman([1.0, 1.0], [1.0, 2.0]), ValuesError),
        (lambda: kendall_w([[1.0, 2.0]]), ShapeError),
        (lambda: kendall_w([[1.0, 2.0], [3.0, 3.0]]), ValuesError),
    ],
)
def test_bad_input_is_refused(call: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()  # type: ignore[operator]
