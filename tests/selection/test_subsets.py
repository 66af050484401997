import numpy as np
import pytest

from yori.errors import ValuesError
from yori.selection import DEFAULT, SUBSETS, keep, make_labelled


def test_the_default_and_the_controls_are_there():
    assert {DEFAULT, "random", "stratified"} <= set(SUBSETS)


def test_unknown_method():
    data = make_labelled(np.eye(3), np.array([0, 1, 0]), classes=2, l2=0.1)
    with pytest.raises(ValuesError, match="a method out of"):
        keep(data, 1, method="best", rng=np.random.default_rng(0))
