import numpy as np

from yori.selection import keep, make_labelled
from yori.selection.gradients import gradients_of


def make(n=120, wrong=0):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    x = 2.5 * np.eye(3, 5)[labels] + rng.normal(size=(n, 5))
    given = labels.copy()
    given[:wrong] = (given[:wrong] + 1) % 3
    return x, given, labels


def test_the_first_round_is_the_steepest_descent_of_the_query_loss():
    x, labels, _ = make()
    data = make_labelled(x, labels, classes=3, l2=0.05, query=x[:30], query_labels=labels[:30])
    found = keep(data, 3, method="glister", rng=np.random.default_rng(0))
    zero = np.zeros((3, 6))
    gain = gradients_of(x, labels, zero).along(gradients_of(x[:30], labels[:30], zero).total())
    assert gain[found.rows[0]] == gain[labels == labels[found.rows[0]]].max()


def test_with_clean_query_examples_wrong_labels_are_left_out():
    x, given, labels = make(wrong=30)
    data = make_labelled(x, given, classes=3, l2=0.05, query=x[60:], query_labels=labels[60:])
    found = keep(data, 30, method="glister", rng=np.random.default_rng(0))
    luck = 30 / 120 * 30
    assert (found.rows < 30).sum() < luck / 2
