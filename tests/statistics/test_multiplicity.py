from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from yori.errors import ShapeError, ValuesError
from yori.statistics import benjamini_hochberg, holm

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def holm_by_hand(p: np.ndarray) -> np.ndarray:
    """Smallest level at which the step-down procedure rejects each hypothesis."""
    adjusted = np.ones(len(p))
    largest = 0.0
    for step, i in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, p[i] * (len(p) - step))
        adjusted[i] = min(1.0, largest)
    return adjusted


@given(p_lists)
def test_holm_is_the_step_down_procedure(values: list[float]) -> None:
    p = np.array(values)
    np.testing.assert_allclose(holm(p), holm_by_hand(p))


@given(p_lists)
def test_benjamini_hochberg_equals_scipy(values: list[float]) -> None:
    p = np.array(values)
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p), atol=1e-15)


@given(p_lists, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_nothing_gets_smaller(values: list[float], random: object) -> None:
    p = np.array(values)
    permutation = np.random.default_rng(random.randint(0, 99)).permutation(len(p))  # type: ignore[attr-defined]
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p)
        np.testing.assert_array_equal(adjust(p[permutation]), adjusted[permutation])
        assert (adjusted >= p * (1 - 1e-15)).all()
        assert (adjusted <= 1).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all()


def test_holm_rejects_where_bonferroni_does_and_more() -> None:
    p = np.array([0.012, 0.02, 0.04])
    assert (holm(p) <= 3 * p).all()
    np.testing.assert_allclose(holm(p), [0.036, 0.04, 0.04])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize(
    ("p", "error"),
    [([], ShapeError), ([[0.1]], ShapeError), ([np.nan], ValuesError), ([1.2], ValuesError), ([-0.1], ValuesError)],
)
def test_bad_input_is_refused(adjust: object, p: list[float], error: type[Exception]) -> None:
    with pytest.raises(error):
        adjust(p)  # type: ignore[operator]
