import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.backbones import fit_whitening
from yori.errors import ShapeError


def features(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Correlated, far from the origin, with well separated variances."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
    return (rng.normal(size=(n, width)) * 1.6 ** -np.arange(width) @ turn + 3).astype(np.float32)


def components(x: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and variances of the principal components, by singular values in double precision."""
    centred = x.astype(np.float64) - x.astype(np.float64).mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return (u * s)[:, :keep], (s**2 / len(x))[:keep]


SHAPES = [(60, 6, 6), (60, 6, 3), (8, 20, 20), (8, 20, 4), (6, 6, 6), (2, 3, 3)]


@pytest.mark.parametrize(("n", "width", "dimensions"), SHAPES)
@pytest.mark.parametrize("shrinkage", [0.0, 1.0, 10.0, 1e6])
def test_closed_form(n, width, dimensions, shrinkage):
    x = features(n, width)
    keep = min(dimensions, n - 1, width)
    result = fit_whitening(x, dimensions, shrinkage=shrinkage).apply(x)
    scores, variance = components(x, keep)
    mean = variance.mean()
    expected = scores * np.sqrt((1 + shrinkage) / (variance / mean + shrinkage) / mean)
    assert result.shape == (n, keep)
    assert result.dtype == np.float32
    sign = np.sign((result * expected).sum(axis=0))
    np.testing.assert_allclose(result * sign, expected, atol=3e-3)


def test_no_shrinkage_is_unit_variance_and_much_is_principal_components():
    x = features(300, 8)
    whole = fit_whitening(x, 8, shrinkage=0.0).apply(x)
    np.testing.assert_allclose(np.cov(whole, rowvar=False, ddof=0), np.eye(8), atol=1e-3)
    plain = fit_whitening(x, 8, shrinkage=1e8).apply(x)
    _, variance = components(x, 8)
    np.testing.assert_allclose(plain.var(axis=0) / plain.var(axis=0).sum(), variance / variance.sum(), rtol=1e-3)


@pytest.mark.parametrize("shrinkage", [0.0, 3.0, 1e6])
def test_mean_variance_is_near_1(shrinkage):
    x = features(300, 6) * 50
    assert 0.5 < fit_whitening(x, 6, shrinkage=shrinkage).apply(x).var(axis=0).mean() < 1.01


@given(seed=st.integers(0, 1000), n=st.integers(7, 12))
def test_signs_are_fixed_whichever_way_the_components_were_found(seed, n):
    """Ten rows of 14 features go through the Gram matrix, the same rows three times through the moments."""
    x = features(n, 14, seed)
    few, many = fit_whitening(x, 3), fit_whitening(np.tile(x, (3, 1)), 3)
    np.testing.assert_allclose(few.projection, many.projection, atol=2e-3)
    np.testing.assert_allclose(few.mean, many.mean, atol=1e-5)
    largest = np.abs(few.projection).argmax(axis=0)
    assert (few.projection[largest, np.arange(3)] > 0).all()


def test_other_rows_are_projected_by_the_training_rows():
    x = features(50, 5)
    fitted = fit_whitening(x[:30], 4)
    np.testing.assert_allclose(fitted.apply(x[:30]).mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(fitted.apply(x)[30:], (x[30:] - fitted.mean) @ fitted.projection, atol=1e-5)


def test_directions_without_variance_are_left_out():
    x = features(40, 6)
    x[:, 3] = 7
    x = np.concatenate([x, x[:, :2]], axis=1)
    result = fit_whitening(x, 8, shrinkage=0.0).apply(x)
    assert result.shape == (40, 5)
    np.testing.assert_allclose(result.var(axis=0), 1, atol=1e-2)


@pytest.mark.parametrize("n", [2, 30])
def test_equal_rows_become_zero(n):
    x = np.full((n, 5), 0.1, dtype=np.float32)
    np.testing.assert_array_equal(fit_whitening(x, 4).apply(x), np.zeros((n, 1)))


def test_one_row_is_refused():
    with pytest.raises(ShapeError, match="whitening: expected at least two training examples, got 1"):
        fit_whitening(np.ones((1, 5), dtype=np.float32), 4)


def test_input_is_not_modified():
    x = features(20, 5)
    before = x.copy()
    fit_whitening(x, 3).apply(x)
    np.testing.assert_array_equal(x, before)
