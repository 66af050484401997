import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.labels import neighbour_shares, neighbour_votes
from yori.labels.neighbours import evenly_spaced_voters


def brute_force(x, labels, groups, asked, classes, k):
    """Sort all others by cosine, take the first k among the first k of other groups."""
    votes = np.zeros((len(asked), classes))
    length = np.linalg.norm(x, axis=1)
    for row, i in enumerate(asked):
        others = [j for j in range(len(x)) if groups[j] != groups[i]]
        others.sort(key=lambda j, i=i: -float(x[i] @ x[j]) / (length[i] * length[j]))
        nearest = others[: min(k, len(x) - 1)]
        for j in nearest:
            votes[row, labels[j]] += 1 / len(nearest)
    return votes


@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30), members=st.integers(1, 4), k=st.integers(1, 12),
    d=st.integers(2, 5),
)  # fmt: skip
def test_equals_brute_force(seed, n, members, k, d):
    rng = np.random.default_rng(seed)
    x, labels, groups = rng.normal(size=(n, d)), rng.integers(0, 3, n), rng.permutation(n) // members
    asked = rng.permutation(n)[: rng.integers(1, n + 1)]
    votes = neighbour_votes(x, labels, groups, asked, classes=3, neighbours=k)
    np.testing.assert_allclose(votes, brute_force(x, labels, groups, asked, 3, k), atol=1e-12)


def test_rows_sum_to_1_unless_nobody_may_vote():
    x = np.random.default_rng(0).normal(size=(6, 2))
    together = neighbour_votes(x, np.arange(6) % 2, np.array(["a"] * 5 + ["b"]), np.arange(6), classes=2)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    alone = neighbour_votes(x, np.arange(6) % 2, np.zeros(6, int), np.arange(6), classes=2)
    np.testing.assert_array_equal(alone, 0)
    np.testing.assert_array_equal(
        neighbour_votes(x[:1], np.array([0]), np.array([0]), np.array([0]), classes=2), [[0, 0]]
    )


def test_an_examples_own_label_and_group_have_no_say():
    rng = np.random.default_rng(1)
    x, labels, groups = rng.normal(size=(40, 3)), rng.integers(0, 2, 40), np.arange(40) // 4
    asked = np.array([8, 9, 10, 11])
    before = neighbour_votes(x, labels, groups, asked, classes=2, neighbours=5)
    flipped = labels.copy()
    flipped[8:12] = 1 - flipped[8:12]
    np.testing.assert_array_equal(neighbour_votes(x, flipped, groups, asked, classes=2, neighbours=5), before)


def test_length_of_an_embedding_does_not_matter_and_zero_is_allowed():
    rng = np.random.default_rng(2)
    x, labels = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    asked = np.arange(30)
    expected = neighbour_votes(x, labels, asked, asked, classes=3)
    scaled = neighbour_votes(x * rng.uniform(0.1, 100, (30, 1)), labels, asked, asked, classes=3)
    np.testing.assert_allclose(scaled, expected)
    x[7] = 0
    assert np.isfinite(neighbour_votes(x, labels, asked, asked, classes=3)).all()


def test_more_examples_than_one_block_holds():
    rng = np.random.default_rng(3)
    x, labels = rng.normal(size=(4500, 2)).astype(np.float32), rng.integers(0, 2, 4500)
    groups, asked = np.arange(4500), np.arange(4500)
    votes = neighbour_votes(x, labels, groups, asked, classes=2, neighbours=3)
    few = np.array([0, 3600, 3800, 4499])  # blocks of 3728 rows
    np.testing.assert_allclose(votes[few], brute_force(x.astype(np.float64), labels, groups, few, 2, 3))


def test_nobody_asked():
    x = np.ones((3, 2))
    assert neighbour_votes(x, np.zeros(3, int), np.arange(3), np.empty(0, int), classes=2).shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_are_not_modified(dtype):
    x, labels = np.random.default_rng(0).normal(size=(10, 2)).astype(dtype), np.arange(10) % 2
    before = x.copy()
    neighbour_votes(x, labels, np.arange(10), np.arange(10), classes=2)
    np.testing.assert_array_equal(x, before)


def test_shares_of_several_labels_equal_the_votes_class_by_class():
    rng = np.random.default_rng(4)
    x, targets, groups = rng.normal(size=(60, 3)), rng.integers(0, 2, (60, 4)), np.arange(60) // 3
    shares = neighbour_shares(x, targets, groups, np.arange(60), neighbours=7)
    for k in range(4):
        votes = neighbour_votes(x, targets[:, k], groups, np.arange(60), classes=2, neighbours=7)
        np.testing.assert_allclose(shares[:, k], votes[:, 1])


def test_only_voters_vote():
    rng = np.random.default_rng(5)
    x, labels, alone = rng.normal(size=(50, 3)), rng.integers(0, 2, 50), np.arange(50)
    voters = np.arange(0, 50, 2)
    votes = neighbour_votes(x, labels, alone, alone, classes=2, neighbours=5, voters=voters)
    for i in (1, 4, 33):
        others = [j for j in voters if j != i]
        expected = brute_force(x[[i, *others]], labels[[i, *others]], np.arange(len(others) + 1), [0], 2, 5)
        np.testing.assert_allclose(votes[i], expected[0])
    assert evenly_spaced_voters(1000) is None
    assert len(np.unique(evenly_spaced_voters(100_000))) == 40_000
