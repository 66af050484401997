import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yori.heads import LINKS

logits = arrays(np.float64, (3, 4), elements=st.floats(-50, 50))
TARGETS = {"softmax": np.array([0, 3, 1]), "sigmoid": np.array([[0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])}


@pytest.mark.parametrize("name", LINKS)
@given(a=logits)
def test_gradient_of_the_loss_is_probability_minus_target(name, a):
    link, targets, step = LINKS[name], TARGETS[name], 1e-6
    residual = link.probs(a) - link.one_hot(targets, 4)
    for k in range(4):
        change = np.zeros_like(a)
        change[:, k] = step
        difference = (link.losses(a + change, targets) - link.losses(a - change, targets)) / (2 * step)
        np.testing.assert_allclose(difference, residual[:, k], atol=1e-6)


@pytest.mark.parametrize("name", LINKS)
@given(a=logits, b=logits)
def test_blocks_and_products_agree(name, a, b):
    link = LINKS[name]
    probs = link.probs(a)
    expected = np.einsum("icd,id->ic", link.curvature_blocks(probs), b)
    np.testing.assert_allclose(link.curvature_product(probs, b), expected, atol=1e-10)


@pytest.mark.parametrize("name", LINKS)
def test_extreme_logits_stay_finite(name):
    link, a = LINKS[name], np.array([[1e4, -1e4, 0, 0]] * 3)
    assert np.isfinite(link.probs(a)).all()
    assert np.isfinite(link.losses(a, TARGETS[name])).all()
    before = a.copy()
    link.probs(a)
    np.testing.assert_array_equal(a, before)
