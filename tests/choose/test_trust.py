import pytest

from yori.choose.trust import trusted

NAN = float("nan")


@pytest.mark.parametrize(
    ("compared", "strategy", "shown"),
    [
        ([("random", NAN, NAN, NAN), ("automatic", 0.02, 0.01, 0.03), ("margin", 0.09, 0.08, 0.1)], "automatic", True),
        ([("automatic", 0.02, -0.01, 0.03), ("margin", 0.03, 0.01, 0.1), ("badge", 0.03, 0.02, 0.1)], "badge", True),
        ([("automatic", 0.02, -0.01, 0.03), ("margin", 0.03, -0.01, 0.1)], "automatic", False),
        ([("automatic", 0.02, NAN, NAN)], "automatic", False),
        ([("automatic", -0.02, -0.04, 0.01), ("margin", 0.03, -0.01, 0.1)], "random", False),
        ([("random", NAN, NAN, NAN)], "random", False),
    ],
)
def test_the_rules_in_their_order(compared, strategy, shown):
    found = trusted(compared, (20, 500))
    assert (found.strategy, found.shown) == (strategy, shown)
    assert "from 20 to 500 labels" in found.reason
