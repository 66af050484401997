import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from yori.errors import SplitError
from yori.splits import group_folds, merge_groups


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 40), st.integers(1, 4))
def test_no_group_is_cut_and_every_fold_is_used(seed, folds, extra, classes):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, folds + extra, 200)
    if len(np.unique(groups)) < folds:
        return
    labels = rng.integers(0, classes, 200)
    fold = group_folds(labels, groups, folds, rng=rng)
    assert all(len(np.unique(fold[groups == group])) == 1 for group in np.unique(groups))
    assert set(fold) == set(range(folds))


@given(st.integers(0, 1000))
def test_single_examples_are_exactly_stratified(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 301)
    fold = group_folds(labels, np.arange(301), 5, rng=rng)
    table = np.array([np.bincount(fold[labels == k], minlength=5) for k in range(3)])
    assert (table.max(axis=1) - table.min(axis=1) <= 1).all()


def test_as_even_as_scikit_learn_on_grouped_data():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 1000)
    labels = (groups % 7 == 0).astype(int) + rng.integers(0, 2, 1000)

    def unevenness(fold):
        share = np.array([np.bincount(fold[labels == k], minlength=5) / (labels == k).sum() for k in range(3)])
        return np.abs(share - 0.2).max()

    ours = group_folds(labels, groups, 5, rng=rng)
    theirs = np.empty(1000, dtype=int)
    for k, (_, test) in enumerate(StratifiedGroupKFold(5).split(labels, labels, groups)):
        theirs[test] = k
    assert unevenness(ours) <= unevenness(theirs) + 0.02


def test_many_groups_are_quick_and_reproducible():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 10, 50_000), np.arange(50_000) // 2
    one = group_folds(labels, groups, 5, rng=np.random.default_rng(1))
    two = group_folds(labels, groups, 5, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(one, two)
    assert np.abs(np.bincount(one) - 10_000).max() < 50


def test_too_few_groups():
    with pytest.raises(SplitError, match="at least 5 groups for 5 folds, got 2 groups of 10"):
        group_folds(np.zeros(10, dtype=int), np.arange(10) // 5, 5, rng=np.random.default_rng(0))


def test_near_duplicates_join_groups_transitively():
    groups = np.array(["a", "b", "c", "d", "e"])
    clusters = np.array(["x", "x", "y", "", None], dtype=object)
    also = np.array(["", "y", "y", "", None], dtype=object)
    first = merge_groups(groups, clusters)
    np.testing.assert_array_equal(first, [0, 0, 1, 2, 3])
    np.testing.assert_array_equal(merge_groups(first, also), [0, 0, 0, 1, 2])


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["", "x", "y", "z"])), min_size=1, max_size=30))
def test_merging_is_the_graph_closure(pairs):
    groups = np.array([pair[0] for pair in pairs])
    clusters = np.array([pair[1] for pair in pairs], dtype=object)
    merged = merge_groups(groups, clusters)
    n = len(pairs)
    linked = np.array(
        [
            [groups[i] == groups[j] or (clusters[i] != "" and clusters[i] == clusters[j]) for j in range(n)]
            for i in range(n)
        ]
    )
    for _ in range(n):
        linked = (linked.astype(int) @ linked.astype(int)) > 0
    np.testing.assert_array_equal(linked, merged[:, None] == merged[None, :])
