import numpy as np
import pytest

from yori.errors import ValuesError
from yori.selection import STRATEGIES, find_strategy, make_pool, reason, select
from yori.selection.strategies import REASONS, effective

POOL = make_pool(np.random.default_rng(0).normal(size=(20, 3)), classes=2, l2=0.1)


def test_every_strategy_can_say_why():
    assert set(REASONS) == set(STRATEGIES) - {"automatic"}
    for name in REASONS:
        assert "{" not in reason(name, 0.123)


def test_automatic_speaks_for_what_it_takes():
    assert effective("automatic", POOL) == "typiclust"
    assert effective("badge", POOL) == "badge"


def test_unknown_names_and_quotas_without_domains():
    with pytest.raises(ValuesError, match="a strategy out of automatic"):
        find_strategy("best")
    with pytest.raises(ValuesError, match="domain of each candidate"):
        select(POOL, 3, strategy="random", quotas="equal", rng=np.random.default_rng(0))


def test_random_takes_every_candidate_equally_often():
    rng = np.random.default_rng(0)
    counts = np.bincount(
        np.concatenate([select(POOL, 5, strategy="random", rng=rng).rows for _ in range(400)]), minlength=20
    )
    assert counts.min() > 60
    assert counts.max() < 140
