import numpy as np

from yori.heads import LINKS
from yori.selection.gradients import gradients_of

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(12, 3)), np.arange(12) % 4, RNG.normal(size=(4, 4))
FOUND = gradients_of(X, Y, W)
FULL = (FOUND.residual[:, :, None] * np.c_[X, np.ones(12)][:, None, :]).reshape(12, -1)


def test_they_are_the_gradients_of_the_loss():
    def loss(weight):
        return LINKS["softmax"].losses(X[:1] @ weight[:, :-1].T + weight[:, -1], Y[:1])[0]

    for c, j in ((0, 0), (2, 3)):
        step = np.zeros_like(W)
        step[c, j] = 1e-6
        slope = (loss(W + step) - loss(W - step)) / 2e-6
        np.testing.assert_allclose(FULL[0].reshape(4, 4)[c, j], slope, atol=1e-6)


def test_factored_products_are_those_of_the_gradients_written_out():
    np.testing.assert_allclose(FOUND.inner(FOUND), FULL @ FULL.T)
    np.testing.assert_allclose(FOUND.squared_lengths(), (FULL**2).sum(axis=1))
    np.testing.assert_allclose(FOUND.along(W), FULL @ W.ravel())
    weights = RNG.random(12)
    np.testing.assert_allclose(FOUND.total(weights).ravel(), weights @ FULL)
    np.testing.assert_allclose(FOUND.take(np.array([3])).total().ravel(), FULL[3])
