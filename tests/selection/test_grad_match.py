import numpy as np
from scipy.optimize import nnls

from yori.selection.grad_match import match
from yori.selection.gradients import Gradients


def make(n=30, c=3, d=4, seed=0):
    rng = np.random.default_rng(seed)
    found = Gradients(rng.normal(size=(n, c)), rng.normal(size=(n, d)))
    full = (found.residual[:, :, None] * np.c_[found.embeddings, np.ones(n)][:, None]).reshape(n, -1)
    return found, full


def test_weights_are_the_best_ones_that_are_not_negative():
    gradients, full = make()
    rows, weights = match(gradients, 8, penalty=1e-9)
    expected, _ = nnls(full[rows].T, full.sum(axis=0))
    np.testing.assert_allclose(weights, expected, atol=1e-4)


def test_more_rows_explain_more():
    gradients, full = make()
    errors = []
    for budget in (2, 6, 12, 30):
        rows, weights = match(gradients, budget, penalty=1e-9)
        errors.append(np.linalg.norm(weights @ full[rows] - full.sum(axis=0)))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3 * np.linalg.norm(full.sum(axis=0))


def test_the_first_row_is_the_one_that_agrees_most():
    gradients, full = make(seed=3)
    rows, _ = match(gradients, 1)
    assert rows[0] == (full @ full.sum(axis=0)).argmax()
