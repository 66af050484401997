import numpy as np

from yori.heads import LINKS
from yori.selection import make_pool
from yori.selection.bald import bald, committee, mutual_information
from yori.selection.uncertainty import entropy_of


def test_mutual_information_by_brute_force():
    rng = np.random.default_rng(0)
    x, heads = rng.normal(size=(7, 3)), rng.normal(size=(5, 4, 4))
    probs = np.stack([LINKS["softmax"].probs(x @ w[:, :-1].T + w[:, -1]) for w in heads])
    expected = entropy_of(probs.mean(axis=0)) - np.mean([entropy_of(p) for p in probs], axis=0)
    np.testing.assert_allclose(mutual_information(x, heads), expected, atol=1e-12)


def test_heads_that_agree_have_nothing_to_say():
    heads = np.tile(np.random.default_rng(0).normal(size=(1, 3, 3)), (4, 1, 1))
    np.testing.assert_allclose(mutual_information(np.random.default_rng(1).normal(size=(9, 2)), heads), 0, atol=1e-12)


def test_disagreement_is_far_from_the_known_examples_and_not_where_all_are_unsure():
    """A dimension that nobody knows anything about separates the heads; noise between two known classes does not."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    known = np.c_[4 * labels - 2 + rng.normal(0, 0.3, 40), rng.normal(0, 0.05, 40)]
    pool = make_pool(
        np.array([[2.0, 0.0], [0.0, 30.0], [-2.0, 0.0]]), classes=2, known=known, known_labels=labels, l2=1e-3
    )
    assert bald(pool, 1, np.random.default_rng(0)).rows[0] == 1
    heads = committee(pool, np.random.default_rng(0), members=3)
    assert heads.shape == (3, 2, 3)
    assert not np.allclose(heads[0], heads[1])
