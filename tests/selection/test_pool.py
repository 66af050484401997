import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.heads import fit_softmax
from yori.selection.pool import best, make_pool, penalty_of

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.arange(10) % 2


def test_the_head_is_the_optimum_on_the_known_examples():
    pool = make_pool(X[10:], classes=2, known=X[:10], known_labels=Y, l2=0.1)
    expected = fit_softmax(X[:10], Y, classes=2, l2=0.1, tolerance=1e-8)
    np.testing.assert_allclose(pool.probs, expected.probs(X[10:]), atol=1e-2)


def test_some_of_the_candidates_keep_what_belongs_to_them():
    cost, domains = np.arange(1.0, 21.0), np.array(["a", "b"] * 10)
    pool = make_pool(X[10:], classes=2, known=X[:10], known_labels=Y, l2=0.1, cost=cost, domains=domains)
    rows = np.array([3, 0])
    part = pool.take(rows)
    np.testing.assert_array_equal(part.embeddings, X[10:][rows])
    np.testing.assert_array_equal(part.cost, cost[rows])
    np.testing.assert_array_equal(part.domains, domains[rows])
    np.testing.assert_allclose(part.probs, pool.probs[rows])


def test_the_penalty_scales_with_the_embeddings():
    assert penalty_of(10 * X, 0.1) == pytest.approx(100 * penalty_of(X, 0.1))
    assert penalty_of(np.zeros((4, 2)), 0.1) == pytest.approx(0.1)


def test_best_breaks_ties_by_place():
    np.testing.assert_array_equal(best(np.array([1.0, 2.0, 2.0, 0.0]), 3).rows, [1, 2, 0])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"l2": 0.0}, "l2 > 0"),
        ({"classes": 1}, "two classes"),
        ({"known_labels": np.array([0, 1, 2])}, r"0 … 1"),
        ({"known_labels": np.array([0, 1])}, "3 rows"),
        ({"known": np.ones((3, 9))}, r"\(k, 3\)"),
        ({"cost": np.zeros(20)}, "costs > 0"),
        ({"cost": np.ones(2)}, "20 rows"),
        ({"domains": np.array(["a"])}, "20 rows"),
    ],
)
def test_bad_input(more, words):
    given = {"classes": 2, "known": X[:3], "known_labels": np.array([0, 1, 0]), "l2": 0.1, **more}
    with pytest.raises((ValuesError, ShapeError), match=words):
        make_pool(X[10:], **given)
