import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.curate import ClassGuard
from yori.curate.guard import LARGEST_SHARE, SMALLEST_CLASS


@given(counts=st.lists(st.integers(0, 300), min_size=1, max_size=5), seed=st.integers(0, 1000))
def test_no_class_falls_below_its_floor_however_greedy_the_edits(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    guard = ClassGuard(labels, classes=len(counts))
    left = list(counts)
    for label in np.random.default_rng(seed).integers(0, len(counts), 200).tolist():
        if guard.allows(label):
            guard.take(label)
            left[label] -= 1
    for before, after in zip(counts, left, strict=True):
        assert after >= min(before, SMALLEST_CLASS)
        assert before - after <= max(1, LARGEST_SHARE * before)


@pytest.mark.parametrize(
    ("count", "share", "bears"), [(5, 0.1, 0), (6, 0.1, 1), (100, 0.1, 10), (8, 0.9, 3), (0, 0.1, 0)]
)
def test_how_many_a_class_bears(count, share, bears):
    guard = ClassGuard(np.full(count, 1, dtype=np.int64), classes=3, largest_share=share)
    taken = 0
    while guard.allows(1):
        guard.take(1)
        taken += 1
    assert taken == bears
    assert bears <= max(1, math.floor(share * count))
    assert not guard.allows(0)  # nobody there to take
    assert not guard.allows(2)


def test_a_copy_counts_for_itself():
    guard = ClassGuard(np.zeros(20, dtype=np.int64), classes=1)
    guard.take(0)
    other = guard.copy()
    assert other.allows(0)
    other.take(0)
    assert not other.allows(0)
    assert guard.allows(0)
