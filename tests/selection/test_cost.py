import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.selection import make_pool, within_spend
from yori.selection.cost import cost_aware

ITEMS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 10)), min_size=1, max_size=7)


@given(ITEMS, st.floats(10, 30))
def test_at_least_half_of_the_best_value_within_the_sum(items, spend):
    value, cost = (np.array(column) for column in zip(*items, strict=True))
    found = within_spend(value, cost, spend)
    assert cost[found.rows].sum() <= spend + 1e-6
    best = max(
        value[list(some)].sum()
        for size in range(len(items) + 1)
        for some in itertools.combinations(range(len(items)), size)
        if cost[list(some)].sum() <= spend
    )
    assert value[found.rows].sum() >= best / 2 - 1e-9


def test_nothing_can_be_paid_for():
    with pytest.raises(ValuesError, match="at least 2"):
        within_spend(np.ones(2), np.array([2.0, 3.0]), 1.0)


def test_of_equally_unsure_examples_the_cheap_ones():
    known = np.array([[-1.0, 0.0], [1.0, 0.0]])
    x = np.array([[0.0, float(k)] for k in range(100)])
    cost = np.where(np.arange(100) < 50, 10.0, 1.0)
    pool = make_pool(x, classes=2, known=known, known_labels=np.array([0, 1]), l2=0.1, cost=cost)
    assert (cost_aware(pool, 3, np.random.default_rng(0)).rows >= 50).all()
