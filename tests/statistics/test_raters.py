from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from yori.errors import ShapeError, ValuesError
from yori.statistics import cohen_kappa, count_ratings, fleiss_kappa, krippendorff_alpha

FLEISS_1971_STYLE = np.array(  # ten items, fourteen raters, five classes: the worked example of most textbooks
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)
NAN = np.nan
KRIPPENDORFF = np.array(  # four observers, twelve units, missing values: Krippendorff 2011, alpha 0.743
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_equals_scikit_learn(weights: str | None) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first = rng.integers(0, 4, 60)
        second = np.where(rng.random(60) < 0.6, first, rng.integers(0, 4, 60))
        wanted = cohen_kappa_score(first, second, weights=weights)
        assert cohen_kappa(first, second, weights=weights) == pytest.approx(wanted)


def test_cohen_of_chance_is_zero_and_of_agreement_one() -> None:
    rng = np.random.default_rng(1)
    assert cohen_kappa(rng.integers(0, 3, 50_000), rng.integers(0, 3, 50_000)) == pytest.approx(0, abs=0.02)
    assert cohen_kappa(np.array(["a", "b"]), np.array(["a", "b"])) == 1.0


def test_fleiss_textbook_value() -> None:
    assert fleiss_kappa(FLEISS_1971_STYLE) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_counts_from_labels() -> None:
    labels = np.random.default_rng(2).integers(0, 3, (40, 5))
    counts = count_ratings(labels, classes=3)
    assert (counts.sum(axis=1) == 5).all()
    assert counts[7, 1] == (labels[7] == 1).sum()
    assert fleiss_kappa(counts) == pytest.approx(fleiss_kappa(count_ratings(np.sort(labels, axis=1), 3)))


def test_krippendorff_published_value() -> None:
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)


def test_krippendorff_is_the_ratio_of_disagreeing_pairs() -> None:
    total, pairs = 0.0, []
    for item in KRIPPENDORFF:
        known = item[~np.isnan(item)]
        if len(known) > 1:
            total += sum(a != b for a, b in permutations(known, 2)) / (len(known) - 1)
            pairs.extend(known)
    expected = sum(a != b for a, b in permutations(pairs, 2)) / (len(pairs) - 1)
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(1 - total / expected)


def test_krippendorff_takes_a_mask_and_strings() -> None:
    rated = ~np.isnan(KRIPPENDORFF)
    names = np.where(rated, np.nan_to_num(KRIPPENDORFF).astype(int).astype(str), "nobody asked")
    assert krippendorff_alpha(names, rated=rated) == pytest.approx(krippendorff_alpha(KRIPPENDORFF))


def test_krippendorff_nears_fleiss_when_nothing_is_missing() -> None:
    labels = np.random.default_rng(3).integers(0, 3, (5000, 4))
    labels[:, 1] = labels[:, 0]
    assert krippendorff_alpha(labels) == pytest.approx(fleiss_kappa(count_ratings(labels, 3)), abs=1e-3)


def test_the_order_of_items_and_raters_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    mixed = KRIPPENDORFF[rng.permutation(12)][:, rng.permutation(4)]
    assert krippendorff_alpha(mixed) == pytest.approx(krippendorff_alpha(KRIPPENDORFF))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: cohen_kappa([], []), ShapeError),
        (lambda: cohen_kappa([1, 2], [1]), ShapeError),
        (lambda: cohen_kappa([1, 1], [1, 1]), ValuesError),
        (lambda: cohen_kappa([1, 2], [1, 2], weights="cubic"), ValuesError),
        (lambda: fleiss_kappa(np.zeros((0, 2), int)), ShapeError),
        (lambda: fleiss_kappa(np.array([[2, 1], [1, 1]])), ValuesError),
        (lambda: fleiss_kappa(np.array([[1, 0], [0, 1]])), ValuesError),
        (lambda: fleiss_kappa(np.array([[3, 0], [3, 0]])), ValuesError),
        (lambda: fleiss_kappa(np.array([[4, -1], [2, 1]])), ValuesError),
        (lambda: fleiss_kappa(np.array([[0.5, 1.5], [1, 1]])), ValuesError),
        (lambda: krippendorff_alpha(np.array([1.0, 2.0])), ShapeError),
        (lambda: krippendorff_alpha(np.array([[1.0, NAN], [NAN, 2.0]])), ValuesError),
        (lambda: krippendorff_alpha(np.ones((4, 3))), ValuesError),
        (lambda: krippendorff_alpha(np.ones((4, 3)), rated=np.ones((3, 4), bool)), ShapeError),
        (lambda: count_ratings(np.array([[0, 3]]), classes=3), ValuesError),
    ],
)
def test_bad_input_is_refused(call: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()  # type: ignore[operator]
