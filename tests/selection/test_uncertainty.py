import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from yori.selection import make_pool
from yori.selection.uncertainty import entropy, entropy_of, least_confidence, margin, margin_of

PROBS = np.random.default_rng(0).dirichlet(np.ones(5), size=40)


def test_entropy_is_that_of_scipy():
    np.testing.assert_allclose(entropy_of(PROBS), scipy_entropy(PROBS, axis=1), atol=1e-12)
    np.testing.assert_array_equal(entropy_of(np.eye(3)), [0, 0, 0])


def test_margin_is_the_gap_of_the_sorted_row():
    ranked = np.sort(PROBS, axis=1)
    np.testing.assert_allclose(margin_of(PROBS), ranked[:, -1] - ranked[:, -2])


@pytest.mark.parametrize("strategy", [entropy, margin, least_confidence])
def test_the_border_between_two_classes_comes_first(strategy):
    known = np.array([[-1.0], [1.0]])
    pool = make_pool(
        np.array([[-2.0], [0.05], [2.0], [-0.5]]), classes=2, known=known, known_labels=np.array([0, 1]), l2=0.1
    )
    np.testing.assert_array_equal(strategy(pool, 2, np.random.default_rng(0)).rows, [1, 3])
