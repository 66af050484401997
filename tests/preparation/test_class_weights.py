from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.preparation import ClassWeights
from yori.preparation.class_weights import LARGEST


@given(st.lists(st.sampled_from("abcd"), min_size=2).filter(lambda each: len(set(each)) > 1), st.floats(0, 1))
def test_the_mean_weight_is_one_and_smaller_classes_weigh_no_less(labels, power):
    step = ClassWeights.fit(labels, power=power)
    weights = step.apply(labels)
    assert sum(weights) == pytest.approx(len(labels))
    known = dict(step.weights)
    order = sorted(known, key=labels.count)
    assert all(known[a] >= known[b] - 1e-12 for a, b in pairwise(order))
    assert max(known.values()) <= LARGEST * min(known.values()) * (1 + 1e-9)


def test_power_one_makes_classes_equal():
    labels = ["a"] * 8 + ["b"] * 2
    weights = ClassWeights.fit(labels).apply(labels)
    assert sum(weights[:8]) == pytest.approx(sum(weights[8:]))
    assert ClassWeights.fit(labels, power=0).apply(labels) == [1.0] * 10
    assert ClassWeights.fit(labels).apply(["new"]) == [1.0]


def test_refusals():
    with pytest.raises(ShapeError):
        ClassWeights.fit([])
    with pytest.raises(ValuesError, match="two classes"):
        ClassWeights.fit(["a", "a"])
    with pytest.raises(ValuesError, match="0 to 1"):
        ClassWeights.fit(["a", "b"], power=2)
