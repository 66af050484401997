import numpy as np

from yori.selection import make_pool, select
from yori.selection.automatic import LABELS_PER_CLASS, automatic, phase
from yori.selection.expected_influence import expected_influence
from yori.selection.typiclust import typiclust


def pool_with(known, **more):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    labels = np.arange(known) % 2
    return make_pool(x, classes=2, known=rng.normal(size=(known, 3)), known_labels=labels, l2=0.1, **more)


def test_typical_until_there_are_enough_labels():
    few, many = pool_with(2 * LABELS_PER_CLASS - 1), pool_with(2 * LABELS_PER_CLASS)
    assert (phase(few), phase(many)) == ("typiclust", "expected_influence")
    for pool, strategy in ((few, typiclust), (many, expected_influence)):
        one = automatic(pool, 7, np.random.default_rng(4))
        np.testing.assert_array_equal(one.rows, strategy(pool, 7, np.random.default_rng(4)).rows)


def test_typical_examples_are_of_every_domain_after_the_first_batch():
    domains = np.array(["near"] * 40 + ["far"] * 20)
    found = select(pool_with(4, domains=domains), 9, rng=np.random.default_rng(0))
    assert (domains[found.rows] == "far").sum() == 3
    first, free = pool_with(0, domains=domains), pool_with(0)
    np.testing.assert_array_equal(*(automatic(one, 9, np.random.default_rng(0)).rows for one in (first, free)))


def test_later_batches_are_not_shared_among_domains():
    domains = np.array(["near"] * 40 + ["far"] * 20)
    pool = pool_with(2 * LABELS_PER_CLASS, domains=domains)
    rows = automatic(pool, 9, np.random.default_rng(0)).rows
    np.testing.assert_array_equal(rows, expected_influence(pool, 9, np.random.default_rng(0)).rows)
