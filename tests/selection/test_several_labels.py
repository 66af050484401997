"""Several labels per example: the numbers of every strategy, against brute force over label sets."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS, fit_sigmoid
from yori.selection import STRATEGIES, SUBSETS, can_fit, keep, make_labelled, make_pool, select
from yori.selection.badge import residuals
from yori.selection.bald import mutual_information
from yori.selection.expected_influence import curvature_of, directions, drawn_labels, expected_change
from yori.selection.feature_scores import feature_influence, l1_scores, mutual_information_scores
from yori.selection.gradients import gradients_of
from yori.selection.uncertainty import closeness_of, decision_entropy, least_confidence, uncertainty_of

SETS = np.array(list(product((0, 1), repeat=3)), dtype=float)


def make(n=40, k=20, seed=0, **more):
    rng = np.random.default_rng(seed)
    labels = (rng.random((n + k, 3)) < 0.4).astype(np.float32)
    x = 2 * labels @ np.eye(3, 4) + rng.normal(size=(n + k, 4))
    pool = make_pool(x[k:], classes=3, known=x[:k], known_labels=labels[:k], l2=0.05, link="sigmoid", **more)
    return pool, x, labels


def chances(row):
    """Probability of each label set of one row."""
    return np.prod(np.where(SETS > 0, row, 1 - row), axis=1)


def test_doubt_is_that_over_whole_label_sets():
    pool, _, _ = make()
    whole = [chances(row) for row in pool.probs]
    np.testing.assert_allclose(uncertainty_of(pool), [scipy_entropy(each) for each in whole])
    found = least_confidence(pool, 40, np.random.default_rng(0))
    np.testing.assert_allclose(found.scores, np.sort([1 - each.max() for each in whole])[::-1])
    np.testing.assert_allclose(closeness_of(pool), [1 - min(abs(2 * p - 1) for p in row) for row in pool.probs])


def test_the_head_is_that_of_each_class_alone():
    pool, x, labels = make()
    for k in range(3):
        # The penalty is on the sum over the classes of the mean loss, so each class has the same problem alone.
        alone = fit_sigmoid(x[:20], labels[:20, [k]], l2=0.05, tolerance=1e-9).probs(pool.embeddings)
        np.testing.assert_allclose(pool.probs[:, k], alone[:, 0], atol=2e-3)


def test_heads_of_opposite_opinion_disagree_by_ln_2_for_each_class():
    heads = np.array([[[5.0, 0.0], [5.0, 0.0]], [[-5.0, 0.0], [-5.0, 0.0]]])
    found = mutual_information(np.array([[9.0], [0.0]]), heads, link="sigmoid")
    np.testing.assert_allclose(found, [2 * np.log(2), 0], atol=1e-6)


def test_the_gradient_of_the_likeliest_label_set():
    pool, _, _ = make()
    likeliest = np.array([SETS[chances(row).argmax()] for row in pool.probs])
    np.testing.assert_allclose(residuals(pool.probs, link="sigmoid"), pool.probs - likeliest)


def test_expected_change_is_the_variance_over_label_sets():
    pool, _, _ = make()
    solved = [curvature_of(pool).solve(one) for one in directions(pool, np.random.default_rng(0))[:2]]
    found = expected_change(pool.embeddings, pool.probs, solved, link="sigmoid")
    for row in range(5):
        h, p, total = np.append(pool.embeddings[row], 1), pool.probs[row], 0.0
        for one in solved:
            changes = np.array([((p - each)[:, None] * h * one).sum() for each in SETS])
            assert chances(p) @ changes == pytest.approx(0, abs=1e-9)
            total += chances(p) @ changes**2 / 2
        assert found[row] == pytest.approx(total)


def test_drawn_label_sets_have_the_probabilities_of_the_head():
    probs = np.tile([0.1, 0.5, 0.9], (4000, 1))
    np.testing.assert_allclose(
        drawn_labels(probs, "sigmoid", np.random.default_rng(0)).mean(axis=0), probs[0], atol=0.03
    )
    soft = np.tile([0.1, 0.3, 0.6], (4000, 1))
    found = drawn_labels(soft, "softmax", np.random.default_rng(0))
    np.testing.assert_array_equal(found.sum(axis=1), 1)
    np.testing.assert_allclose(found.mean(axis=0), soft[0], atol=0.03)


def test_gradients_are_those_of_the_loss():
    _, x, labels = make(n=5, k=5)
    weight = np.random.default_rng(1).normal(size=(3, 5))
    found = gradients_of(x, labels, weight).total()
    step = np.zeros_like(weight)
    step[1, 2] = 1e-6

    def loss(w):
        return LINKS["sigmoid"].losses(np.c_[x, np.ones(len(x))] @ w.T, labels).sum()

    assert found[1, 2] == pytest.approx((loss(weight + step) - loss(weight - step)) / 2e-6, rel=1e-5)


def test_the_dimension_that_shows_a_class_scores_highest():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 2)) < 0.4).astype(np.float32)
    x = rng.normal(size=(400, 5))
    x[:, 1] += 3 * labels[:, 0]
    x[:, 3] += 2 * labels[:, 1]
    weight = fit_sigmoid(x, labels, l2=0.01).weight
    for scores in (
        mutual_information_scores(x, labels, classes=2), l1_scores(x, labels, classes=2, ratio=0.3),
        feature_influence(weight, x, labels),
    ):  # fmt: skip
        assert set(np.argsort(-scores)[:2].tolist()) == {1, 3}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_picks_each_once_and_again_the_same(name):
    pool, _, _ = make(domains=np.arange(40) % 2)
    one, two = (select(pool, 9, strategy=name, rng=np.random.default_rng(3)) for _ in range(2))
    assert len(set(one.rows.tolist())) == 9
    assert np.isfinite(one.scores).all()
    np.testing.assert_array_equal(one.rows, two.rows)


@pytest.mark.parametrize("name", SUBSETS)
@pytest.mark.parametrize("labels", ["mixed", "none", "one"])
def test_every_subset_method_keeps_exactly_the_budget(name, labels):
    _, x, hot = make()
    given = {"mixed": hot, "none": 0 * hot, "one": np.eye(1, 3, dtype=np.float32).repeat(60, 0)}[labels]
    data = make_labelled(x, given, classes=3, l2=0.05, link="sigmoid")
    found = keep(data, 12, method=name, rng=np.random.default_rng(0))
    assert len(set(found.rows.tolist())) == 12
    assert found.weights.mean() == pytest.approx(1)


def test_a_stratum_is_the_rarest_label():
    hot = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=np.float32)
    data = make_labelled(np.eye(5), hot, classes=3, l2=1.0, link="sigmoid")
    np.testing.assert_array_equal(data.strata, [0, 1, 2, 1, 3])


def test_what_can_be_told_apart():
    assert not can_fit(np.empty((0, 3)))
    assert not can_fit(np.ones((4, 3)))
    assert can_fit(np.array([[1, 0], [0, 0]]))
    assert decision_entropy(np.full((1, 3), 0.5))[0] == pytest.approx(3 * np.log(2))


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (np.zeros((20, 2)), ShapeError, "shape"),
        (np.full((20, 3), 0.5), ValuesError, "0 and 1"),
        (np.zeros(20), ShapeError, "shape"),
    ],
)
def test_labels_of_another_kind_are_refused(labels, error, words):
    _, x, _ = make()
    with pytest.raises(error, match=words):
        make_pool(x[20:], classes=3, known=x[:20], known_labels=labels, l2=0.05, link="sigmoid")


def test_an_unknown_link_is_refused():
    with pytest.raises(ValuesError, match="a link out of"):
        make_pool(np.eye(3), classes=2, l2=0.1, link="probit")
