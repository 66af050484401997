import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.selection import shares

DOMAINS = np.array(["a"] * 50 + ["b"] * 30 + ["c"] * 3)


@given(st.integers(1, 83), st.sampled_from(["proportional", "equal"]))
def test_the_whole_budget_and_never_more_than_there_is(budget, policy):
    given_ = shares(DOMAINS, budget, policy)
    assert sum(given_.values()) == budget
    assert all(given_[name] <= (name == DOMAINS).sum() for name in "abc")


@given(st.integers(1, 83))
def test_proportional_is_within_one_of_the_share(budget):
    for name, number in shares(DOMAINS, budget).items():
        assert abs(number - budget * (name == DOMAINS).mean()) <= 1


def test_equal_gives_what_a_small_domain_lacks_to_the_others():
    assert shares(DOMAINS, 33, "equal") == {"a": 15, "b": 15, "c": 3}


def test_weights():
    assert shares(DOMAINS, 10, {"b": 2.0, "a": 0.0, "c": 0.0}) == {"a": 0, "b": 10, "c": 0}


@pytest.mark.parametrize("policy", ["fair", {"z": 1.0}, {"a": -1.0}, {"a": 0.0}, {"a": float("nan")}, {"c": 1.0}])
def test_bad_policies(policy):
    with pytest.raises(ValuesError):
        shares(DOMAINS, 10, policy)
