import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from yori.attribution import influence, self_influence
from yori.attribution.leverage import Leverage, logits_from, residual_after, sensitivity_without
from yori.heads import LINKS, fit_softmax
from yori.heads.curvature import Curvature


def make_leverage(rng, n=6, c=4, size=1.0):
    basis = np.linalg.qr(rng.normal(size=(c, c)))[0]
    return Leverage(basis, size * rng.random((n, c)))


def blocks(leverage):
    return np.einsum("ck,bk,dk->bcd", leverage.basis, leverage.spread, leverage.basis)


def test_is_the_block_of_a_hessian_that_is_a_kronecker_product():
    """Where every example has the same probabilities, the approximation is no approximation."""
    rng = np.random.default_rng(0)
    x, p = rng.normal(size=(40, 3)), rng.dirichlet(np.ones(4))
    probs = np.tile(p, (40, 1))
    curvature = Curvature(x, probs, np.full(40, 1 / 40), l2=0.05)
    h = np.c_[x, np.ones(40)]
    hessian = np.kron(np.diag(p) - np.outer(p, p), h.T @ h / 40) + 0.05 * np.eye(16)
    found = blocks(Leverage.of(curvature))
    for i in (0, 7):
        side = np.kron(np.eye(4), h[i][:, None])
        np.testing.assert_allclose(found[i], side.T @ np.linalg.solve(hessian, side), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_sensitivity_without_an_example_is_woodbury(link):
    """Solving with the example's own term taken out of a dense Hessian."""
    rng = np.random.default_rng(1)
    c, d, share = 3, 4, 0.1
    h, probs, q = rng.normal(size=d), rng.dirichlet(np.ones(c)), rng.normal(size=(c * d))
    root = rng.normal(size=(c * d, c * d))
    without = root @ root.T + np.eye(c * d)
    side = np.kron(np.eye(c), h[:, None])
    own = LINKS[link].curvature_blocks(probs[None])[0]
    whole = without + share * side @ own @ side.T
    block = side.T @ np.linalg.solve(without, side)
    values, basis = np.linalg.eigh(block)
    found = sensitivity_without(
        Leverage(basis, values[None]), probs[None], np.array([share]), (side.T @ np.linalg.solve(whole, q))[None], link
    )
    np.testing.assert_allclose(found[0], side.T @ np.linalg.solve(without, q), rtol=1e-8)


@example(seed=89, size=30.0, link="sigmoid")  # Newton circled here
@example(seed=1160, size=30.0, link="softmax")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([1e-3, 1.0, 30.0, 1e4]), link=st.sampled_from(list(LINKS)))
def test_the_residual_after_a_relabel_agrees_with_itself(seed, size, link):
    rng = np.random.default_rng(seed)
    leverage = make_leverage(rng, size=size)
    logits = rng.normal(size=(6, 4)) * 5
    hot = np.eye(4)[rng.integers(0, 4, 6)]
    residual = residual_after(leverage, logits, hot, link)
    again = LINKS[link].probs(logits - leverage.times(residual)) - hot
    np.testing.assert_allclose(residual, again, atol=2e-5)


def test_the_residual_after_a_relabel_is_a_minimum():
    rng = np.random.default_rng(4)
    leverage, logits, hot = make_leverage(rng, n=1, size=8.0), rng.normal(size=(1, 4)) * 4, np.eye(4)[[2]]

    def merit(u):
        moved = leverage.times(u[None])
        return 0.5 * (u * moved[0]).sum() + LINKS["softmax"].losses(logits - moved, np.array([2]))[0]

    best = minimize(merit, np.zeros(4), tol=1e-12).x
    np.testing.assert_allclose(residual_after(leverage, logits, hot, "softmax")[0], best, atol=1e-4)


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_logits_come_back_from_probabilities(link):
    probs = LINKS[link].probs(np.random.default_rng(0).normal(size=(5, 3)) * 3)
    np.testing.assert_allclose(LINKS[link].probs(logits_from(probs, link)), probs, atol=1e-9)
    assert np.isfinite(logits_from(np.array([[0.0, 1.0]]), link)).all()


def relative_error(predicted, actual):
    return np.linalg.norm(predicted - actual) / np.linalg.norm(actual)


def test_holds_where_there_are_more_dimensions_than_examples_per_class(crowded):
    """Refits without each example: size and order, where plain influence is several times too small."""
    arguments = (crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq)
    plain = influence(*arguments, l2=crowded.l2)
    better = influence(*arguments, l2=crowded.l2, leverage=True)
    drops = [result.drop_effect()[crowded.rows] for result in (plain, better)]
    assert np.corrcoef(drops[0], crowded.dropped)[0, 1] < 0.93 < 0.95 < np.corrcoef(drops[1], crowded.dropped)[0, 1]
    assert relative_error(drops[1], crowded.dropped) < 0.7 * relative_error(drops[0], crowded.dropped)
    relabels = [result.relabel_effect()[crowded.rows, crowded.new] for result in (plain, better)]
    found = [np.corrcoef(each, crowded.relabelled)[0, 1] for each in relabels]
    assert found[0] < 0.88 < 0.93 < found[1]
    assert relative_error(relabels[1], crowded.relabelled) < relative_error(relabels[0], crowded.relabelled)


def test_the_label_an_example_has_changes_nothing(crowded):
    result = influence(crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq, l2=crowded.l2, leverage=True)
    effect = result.relabel_effect()
    assert (effect[np.arange(len(effect)), crowded.y] == 0).all()
    assert (effect != 0).sum() == effect.size - len(effect)


def test_what_is_read_off_the_spectrum_does_not_depend_on_the_order_of_rows():
    """With more rows than a solver's sample: 600 rows of 6 dimensions."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(650, 6)), rng.integers(0, 3, 650)
    x[:, 0] += y
    head = fit_softmax(x[:600], y[:600], l2=0.01, tolerance=1e-10).weight
    turn = rng.permutation(600)
    found = [
        (
            self_influence(x[rows], y[rows], head, l2=0.01),
            influence(x[rows], y[rows], head, x[600:], y[600:], l2=0.01, leverage=True, tolerance=1e-9).drop_effect(),
        )
        for rows in (np.arange(600), turn)
    ]
    for straight, turned in zip(*found, strict=True):
        np.testing.assert_allclose(straight[turn], turned, rtol=1e-6, atol=1e-12)
