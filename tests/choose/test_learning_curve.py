import importlib

import numpy as np
import pytest

from yori.choose import learning_curve
from yori.choose.learning_curve import area
from yori.errors import ValuesError
from yori.heads import fit_softmax
from yori.selection import penalty_of
from yori.synthetic import gaussian_mixture_embeddings

DATA = gaussian_mixture_embeddings(300, 8, 3, label_noise=0.0, rng=np.random.default_rng(0))
X, Y = DATA.embeddings, DATA.labels


def curve(strategy, budgets=(6, 20, 60), seed=0, **more):
    return learning_curve(
        X[:200], Y[:200], X[200:], Y[200:], strategy=strategy, budgets=budgets, classes=3,
        rng=np.random.default_rng(seed), **more,
    )  # fmt: skip


def test_all_labels_give_the_head_on_all_labels():
    found = curve("random", (10, 200))
    head = fit_softmax(X[:200], Y[:200], classes=3, l2=penalty_of(X[:200], 0.03), tolerance=1e-6)
    assert found.accuracy[-1] == pytest.approx((head.logits(X[200:]).argmax(axis=1) == Y[200:]).mean(), abs=0.011)
    assert found.nll[-1] < found.nll[0]
    assert found.aurc[-1] < found.aurc[0]


def test_labels_that_were_not_asked_for_are_not_looked_at():
    """Garble the labels of what is never asked: nothing changes."""
    seen: list[int] = []

    def garbled(seed):
        labels = Y[:200].copy()
        outside = np.setdiff1d(np.arange(200), seen)
        labels[outside] = np.random.default_rng(seed).integers(0, 3, len(outside))
        return learning_curve(X[:200], labels, X[200:], Y[200:], strategy="margin", budgets=(6, 20), classes=3,
                              rng=np.random.default_rng(0))  # fmt: skip

    module = importlib.import_module("yori.choose.learning_curve")
    original = module.select

    def spy(pool, budget, **options):
        found = original(pool, budget, **options)
        place = {row.tobytes(): k for k, row in enumerate(X[:200])}
        seen.extend(place[row.tobytes()] for row in pool.embeddings[found.rows])
        return found

    module.select = spy
    try:
        expected = curve("margin", (6, 20))
    finally:
        module.select = original
    assert len(seen) == 20
    assert garbled(1) == expected


def test_a_strategy_without_a_head_begins_like_random():
    assert curve("margin", (6,)) == curve("random", (6,))
    assert curve("automatic", (6,)) != curve("random", (6,))


def test_the_same_seed_draws_the_same_curve():
    assert curve("badge", seed=3) == curve("badge", seed=3)
    assert curve("badge", seed=3) != curve("badge", seed=4)


def test_domains_serve_the_default():
    domains = np.array(["near", "far"] * 100)
    assert curve("automatic", domains=domains) != curve("automatic")
    assert curve("margin", domains=domains) == curve("margin")


def test_area_of_a_straight_line_is_its_middle():
    assert area((10, 30), (0.2, 0.4)) == pytest.approx(0.3)
    assert area((10,), (0.7,)) == 0.7
    assert curve("random").area == area((6, 20, 60), curve("random").accuracy)


@pytest.mark.parametrize("budgets", [(), (0, 5), (5, 5), (9, 3), (5, 201)])
def test_budgets_that_do_not_ascend_or_do_not_fit(budgets):
    with pytest.raises(ValuesError, match="budgets that ascend from 1 to at most 200"):
        curve("random", budgets)
