import numpy as np
import pytest

from yori.errors import ConvergenceError, ValuesError
from yori.heads import LINKS, Curvature, Spectrum
from yori.heads.curvature import logits_of, outer_sum


def dense_hessian(x, probs, weights, l2, link):
    """Σ_i w_i C_i ⊗ h_i h_iᵀ + l2 I, built by brute force."""
    h = np.c_[x, np.ones(len(x))]
    blocks = LINKS[link].curvature_blocks(probs)
    total = np.einsum("i,icd,ij,ik->cjdk", weights, blocks, h, h)
    size = probs.shape[1] * h.shape[1]
    return total.reshape(size, size) + l2 * np.eye(size)


@pytest.fixture(params=["softmax", "sigmoid"])
def problem(request):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    probs = LINKS[request.param].probs(rng.normal(size=(60, 4)))
    weights = rng.random(60)
    weights /= weights.sum()
    return request.param, x, probs, weights


def test_product_equals_the_dense_hessian(problem):
    link, x, probs, weights = problem
    curvature = Curvature(x, probs, weights, l2=0.1, link=link)
    direction = np.random.default_rng(1).normal(size=(4, 6))
    expected = dense_hessian(x, probs, weights, 0.1, link) @ direction.ravel()
    np.testing.assert_allclose(curvature.product(direction).ravel(), expected, rtol=1e-12)


def test_solve_equals_the_dense_solve(problem):
    link, x, probs, weights = problem
    right = np.random.default_rng(2).normal(size=(4, 6))
    for l2 in (1.0, 1e-3):
        curvature = Curvature(x, probs, weights, l2=l2, link=link)
        expected = np.linalg.solve(dense_hessian(x, probs, weights, l2, link), right.ravel())
        np.testing.assert_allclose(curvature.solve(right, tolerance=1e-12).ravel(), expected, rtol=1e-7)


def test_preconditioning_pays(problem):
    """On badly scaled embeddings the preconditioned solve needs far fewer products than the plain one."""
    link, x, probs, weights = problem
    scaled = x * np.logspace(-3, 2, 5)
    right = np.random.default_rng(2).normal(size=(4, 6))
    good = Curvature(scaled, probs, weights, l2=1e-3, link=link)
    good.solve(right, tolerance=1e-8)
    plain = Curvature(scaled, probs, weights, l2=1e-3, link=link)
    plain.scale = np.ones_like(plain.scale)
    plain.solve(right, tolerance=1e-8, strict=False)
    assert good.products < 0.5 * plain.products


def test_curvature_is_the_derivative_of_the_residual(problem):
    """A finite difference of the gradient along a direction is the product with it."""
    link, x, _, weights = problem
    rng = np.random.default_rng(3)
    weight, direction = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))

    def gradient(at):
        return outer_sum(LINKS[link].probs(logits_of(x, at)) * weights[:, None], x)

    step = 1e-6
    difference = (gradient(weight + step * direction) - gradient(weight - step * direction)) / (2 * step)
    curvature = Curvature(x, LINKS[link].probs(logits_of(x, weight)), weights, l2=1e-9, link=link)
    np.testing.assert_allclose(curvature.product(direction), difference, atol=1e-8)


def test_spectrum_reproduces_the_second_moment():
    x = np.random.default_rng(4).normal(size=(300, 7)).astype(np.float32)
    h = np.c_[x, np.ones(300)]
    spectrum = Spectrum.of(x, exact=True)
    np.testing.assert_allclose((spectrum.basis * spectrum.values) @ spectrum.basis.T, h.T @ h / 300, atol=1e-5)


def test_stalled_solve_is_an_error_or_the_best_so_far():
    rng = np.random.default_rng(5)
    x = (rng.normal(size=(50, 30)) * np.logspace(-4, 4, 30)).astype(np.float32)
    probs = LINKS["softmax"].probs(rng.normal(size=(50, 3)).astype(np.float32))
    curvature = Curvature(x, probs, np.full(50, 0.02, dtype=np.float32), l2=1e-8)
    right = rng.normal(size=(3, 31))
    with pytest.raises(ConvergenceError, match="conjugate gradients"):
        curvature.solve(right, tolerance=1e-14, limit=60)
    assert np.isfinite(curvature.solve(right, tolerance=1e-14, limit=60, strict=False)).all()


def test_zero_right_side_and_no_penalty():
    x, probs = np.ones((2, 1)), np.full((2, 2), 0.5)
    curvature = Curvature(x, probs, np.full(2, 0.5), l2=1.0)
    np.testing.assert_array_equal(curvature.solve(np.zeros((2, 2))), 0)
    with pytest.raises(ValuesError, match="singular"):
        Curvature(x, probs, np.full(2, 0.5), l2=0.0)
