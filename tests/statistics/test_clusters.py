from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.statistics import design_effect, effective_cluster_size, intraclass_correlation


def clustered(icc: float, clusters: int, sizes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(clusters), sizes)
    common = rng.standard_normal(clusters)[groups]
    return np.sqrt(icc) * common + np.sqrt(1 - icc) * rng.standard_normal(len(groups)), groups


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3, 0.8])
def test_recovers_the_correlation_of_unequal_clusters(icc: float) -> None:
    sizes = np.random.default_rng(1).integers(1, 12, 4000)
    values, groups = clustered(icc, 4000, sizes, seed=2)
    assert intraclass_correlation(values, groups) == pytest.approx(icc, abs=0.02)


def test_by_hand_from_the_analysis_of_variance() -> None:
    values = np.array([9.0, 6, 8, 7, 10, 6, 2, 1, 4])
    groups = np.repeat([0, 1, 2], 3)
    means = values.reshape(3, 3).mean(axis=1)
    between = 3 * ((means - values.mean()) ** 2).sum() / 2
    within = ((values.reshape(3, 3) - means[:, None]) ** 2).sum() / 6
    wanted = (between - within) / (between + 2 * within)
    assert intraclass_correlation(values, groups) == pytest.approx(wanted)


def test_is_negative_where_clusters_are_more_alike_than_chance() -> None:
    assert intraclass_correlation(np.array([0.0, 1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(-1)


def test_strings_name_clusters_and_the_order_of_rows_does_not_matter() -> None:
    values, groups = clustered(0.4, 50, np.full(50, 4), seed=3)
    order = np.random.default_rng(0).permutation(200)
    names = np.char.add("ship ", groups.astype(str))
    assert intraclass_correlation(values[order], names[order]) == pytest.approx(intraclass_correlation(values, groups))


def test_equal_values_correlate_by_zero_without_a_warning() -> None:
    assert intraclass_correlation(np.ones(6), np.array([0, 0, 1, 1, 2, 2])) == 0.0


def test_design_effect_is_the_true_inflation_of_the_variance() -> None:
    means = []
    for seed in range(3000):
        values, _ = clustered(0.3, 20, np.full(20, 5), seed)
        means.append(values.mean())
    assert np.var(means) * 100 == pytest.approx(design_effect(5, 0.3), rel=0.08)


def test_design_effect_of_unequal_clusters() -> None:
    assert effective_cluster_size(np.array([0, 0, 0, 1])) == pytest.approx(10 / 4)
    assert design_effect(1, 0.9) == 1.0
    assert design_effect(20, -0.02) == 1.0


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("values", "groups", "error"),
    [
        ([], [], ShapeError),
        ([1.0, 2.0], [0], ShapeError),
        ([1.0, np.nan], [0, 0], ValuesError),
        ([1.0, 2.0], [0, 0], ValuesError),
        ([1.0, 2.0], [0, 1], ValuesError),
    ],
)
def test_bad_input_is_refused(values: list[float], groups: list[int], error: type[Exception]) -> None:
    with pytest.raises(error, match="intraclass_correlation"):
        intraclass_correlation(values, groups)


@pytest.mark.parametrize(("size", "icc"), [(0.5, 0.1), (float("nan"), 0.1), (2.0, 1.5), (2.0, float("nan"))])
def test_bad_design_effects_are_refused(size: float, icc: float) -> None:
    with pytest.raises(ValuesError):
        design_effect(size, icc)
