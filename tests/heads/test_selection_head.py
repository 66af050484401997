import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from yori.errors import ShapeError, ValuesError
from yori.heads.selection_head import fit_selection_head, selection_features, selective_objective


@pytest.fixture
def rows():
    """Errors that depend on one direction of the embedding."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 6)) * np.array([1, 10, 0.1, 1, 1, 1]) + 3
    loss = (rng.random(2000) < special.expit(2 * (x[:, 0] - 3) - 2)).astype(float)
    return x, loss


@given(seed=st.integers(0, 10_000), coverage=st.floats(0.05, 0.95), l2=st.floats(0, 1), penalty=st.floats(0.1, 100))
@settings(max_examples=40, deadline=None)
def test_gradient_is_that_of_finite_differences(seed, coverage, l2, penalty):
    rng = np.random.default_rng(seed)
    x, loss, weight = rng.normal(size=(12, 3)), rng.exponential(size=12), rng.normal(size=4)
    value, gradient = selective_objective(weight, x, loss, coverage, l2, penalty)
    g = special.expit(x @ weight[:3] + weight[3])
    by_hand = (g * loss).sum() / g.sum() + penalty * max(0, coverage - g.mean()) ** 2 + l2 / 2 * (weight[:3] ** 2).sum()
    assert value == pytest.approx(by_hand)
    step = 1e-6
    for k in range(4):
        ahead, behind = (
            selective_objective(weight + sign * step * np.eye(4)[k], x, loss, coverage, l2, penalty)[0]
            for sign in (1, -1)
        )
        assert gradient[k] == pytest.approx((ahead - behind) / (2 * step), abs=1e-5 * max(1, penalty))


@pytest.mark.parametrize("coverage", [0.3, 0.5, 0.7, 0.9])
def test_the_coverage_is_reached_on_new_rows(rows, coverage):
    x, loss = rows
    head = fit_selection_head(x[:1000], loss[:1000], coverage=coverage).with_threshold_from(x[1000:1500])
    assert head.selects(x[1000:1500]).mean() == pytest.approx(coverage, abs=1e-9)
    assert head.selects(x[1500:]).mean() == pytest.approx(coverage, abs=0.07)
    assert head.soft_coverage == pytest.approx(coverage, abs=0.03)  # the penalty is soft
    assert head.gradient_norm < 1e-4


def test_it_finds_the_direction_in_which_errors_lie(rows):
    x, loss = rows
    head = fit_selection_head(x[:1000], loss[:1000], coverage=0.7).with_threshold_from(x[:1000])
    accepted = loss[1000:][head.selects(x[1000:])].mean()
    best = loss[1000:][x[1000:, 0] <= np.quantile(x[1000:, 0], 0.7)].mean()
    assert accepted <= best + 0.02
    assert accepted < 0.6 * loss[1000:].mean()


def test_scale_shift_and_order_of_the_features_do_not_matter(rows):
    x, loss = rows
    first = fit_selection_head(x, loss, coverage=0.7)
    moved = fit_selection_head(x * 1000 - 7, loss, coverage=0.7)
    np.testing.assert_allclose(first.score(x), moved.score(x * 1000 - 7), atol=1e-3)
    order = np.random.default_rng(1).permutation(len(x))
    np.testing.assert_allclose(
        fit_selection_head(x[order], loss[order], coverage=0.7).score(x), first.score(x), atol=1e-3
    )


def test_max_softmax_among_the_features_is_a_floor_in_the_fit():
    rng = np.random.default_rng(3)
    probs = rng.dirichlet([0.5, 0.5, 0.5], 4000)
    loss = (rng.random(4000) > probs.max(axis=1)).astype(float)
    features = selection_features(rng.normal(size=(4000, 4)), probs)
    assert features.shape == (4000, 7)
    head = fit_selection_head(features, loss, coverage=0.8)
    sure = probs.max(axis=1) >= np.quantile(probs.max(axis=1), 0.2)
    assert loss[head.selects(features)].mean() <= loss[sure].mean() + 0.01


def test_constant_features_one_row_and_no_errors():
    head = fit_selection_head(np.ones((4, 2)), np.array([0.0, 1, 0, 1]), coverage=0.5)
    assert np.isfinite(head.score(np.ones((4, 2)))).all()
    assert head.selects(np.ones((4, 2))).all()  # ties enter together
    assert fit_selection_head(np.ones((1, 1)), np.zeros(1), coverage=0.5).selects(np.ones((1, 1))).all()
    x = np.random.default_rng(0).normal(size=(50, 2))
    assert fit_selection_head(x, np.zeros(50), coverage=0.8).selective_risk == 0


def test_input_is_not_modified(rows):
    x, loss = rows
    before = x.copy(), loss.copy()
    fit_selection_head(x, loss, coverage=0.8)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(loss, before[1])


def test_bad_input(rows, unchecked):
    x, loss = rows
    with pytest.raises(ShapeError):
        fit_selection_head(x, loss[:-1], coverage=0.5)
    with pytest.raises(ShapeError):
        fit_selection_head(x[:0], loss[:0], coverage=0.5)
    with pytest.raises(ValuesError, match="losses ≥ 0"):
        fit_selection_head(x, loss - 1, coverage=0.5)
    with pytest.raises(ValuesError, match="row 3"):
        fit_selection_head(np.where(np.arange(2000)[:, None] == 3, np.nan, x), loss, coverage=0.5)
    for wrong in ({"coverage": 0.0}, {"coverage": 1.0}, {"coverage": 0.5, "l2": 0.0}):
        with pytest.raises(ValuesError):
            fit_selection_head(x, loss, **wrong)
    head = fit_selection_head(x, loss, coverage=0.5)
    with pytest.raises(ShapeError, match=r"\(n, 6\)"):
        head.score(x[:, :5])
    with pytest.raises(ShapeError):
        selection_features(x, np.full((5, 2), 0.5))
