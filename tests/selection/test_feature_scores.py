import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_classif

from yori.errors import ValuesError
from yori.heads import LINKS, fit_softmax
from yori.selection import feature_influence, l1_scores, mutual_information_scores

RNG = np.random.default_rng(0)
Y = np.arange(900) % 3
X = np.c_[2.0 * np.eye(3)[Y][:, :2], np.zeros((900, 4))] + RNG.normal(size=(900, 6))
"""Two dimensions that tell classes apart, four of noise."""


def test_mutual_information_is_that_of_scikit_learn_and_none_for_noise():
    found = mutual_information_scores(X, Y, classes=3)
    np.testing.assert_allclose(found, mutual_info_classif(X, Y, random_state=0), atol=0.06)
    assert found[2:].max() < 0.02 < found[:2].min()


def test_mutual_information_of_a_copy_of_the_label_is_its_entropy():
    found = mutual_information_scores(Y[:, None].astype(float), Y, classes=3)
    assert found[0] == pytest.approx(np.log(3), abs=0.01)


def test_a_constant_dimension_says_nothing():
    x = np.c_[X[:, 0], np.ones(900)]
    assert mutual_information_scores(x, Y, classes=3)[1] == 0
    assert l1_scores(x, Y, classes=3)[1] == 0


def test_l1_leaves_noise_at_exactly_zero_and_meets_the_optimality_condition():
    found = l1_scores(X, Y, classes=3, ratio=0.3)
    assert (found[:2] > 0.1).all()
    assert (found[2:] == 0).all()
    everything = l1_scores(X, Y, classes=3, ratio=1e-3, iterations=2000)
    assert (everything > 0).all()
    with pytest.raises(ValuesError):
        l1_scores(X, Y, classes=3, ratio=1.5)


def test_influence_is_the_rise_of_the_loss_without_the_dimension():
    head = fit_softmax(X, Y, l2=0.01)
    found = feature_influence(head.weight, X, Y)
    link = LINKS["softmax"]
    base = link.losses(head.logits(X), Y).mean()
    for j in range(6):
        changed = X.copy()
        changed[:, j] = X[:, j].mean()
        assert found[j] == pytest.approx(link.losses(head.logits(changed), Y).mean() - base)
    assert set(np.argsort(-found)[:2]) == {0, 1}
