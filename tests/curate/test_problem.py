from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yori.curate import FoldedProblem, Problem
from yori.curate.problem import strata_of


@given(targets=arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 1)))
def test_stratum_of_several_labels_is_the_rarest_one_it_has(targets):
    classes = targets.shape[1]
    often = Counter({label: int(targets[:, label].sum()) for label in range(classes)})
    for row, stratum in zip(targets, strata_of(targets, classes).tolist(), strict=True):
        own = np.flatnonzero(row).tolist()
        if not own:
            assert stratum == classes
        else:
            assert stratum in own
            assert often[stratum] == min(often[label] for label in own)


def test_of_equally_rare_labels_all_examples_take_the_same_one():
    targets = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert len(set(strata_of(targets, 3)[:2].tolist())) == 1


def test_stratum_of_one_label_is_the_label():
    labels = np.array([2, 0, 1, 2], dtype=np.int32)
    found = strata_of(labels, 3)
    np.testing.assert_array_equal(found, labels)
    assert found.dtype == np.int64


def test_everybody_weighs_one_unless_it_is_said():
    x, y, folds = np.zeros((4, 2), dtype=np.float32), np.array([0, 1, 0, 1]), np.arange(4)
    everyone, given_weight = np.ones(4, dtype=bool), np.array([0.0, 1.0, 2.0, 0.5])
    for weight, expected in ((None, np.ones(4)), (given_weight, given_weight)):
        options = {} if weight is None else {"weight": weight}
        plain = Problem(x, y, x[:2], y[:2], folds[:2], 2, 0.1, **options)
        folded = FoldedProblem(x, y, y, folds, everyone, everyone, folds, 2, 0.1, **options)
        for each in (plain, folded):
            np.testing.assert_array_equal(each.weight, expected)
            np.testing.assert_array_equal(each.strata, y)
