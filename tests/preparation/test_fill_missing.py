import math

import pytest

from yori.errors import ValuesError
from yori.preparation import FillMissing


def test_each_way():
    assert FillMissing.fit("x", [1.0, None, 9.0, 2.0], "median").apply([None, 5.0, math.nan]) == [2.0, 5.0, 2.0]
    assert FillMissing.fit("x", ["b", "a", "", "b"], "most_frequent").apply([" ", "c"]) == ["b", "c"]
    assert FillMissing.fit("x", ["b", "a"], "most_frequent").value == "a"  # of equals the same one in every order
    assert FillMissing.fit("x", [], "=unknown").apply([None]) == ["unknown"]


@pytest.mark.parametrize(
    ("values", "how"), [([None], "median"), (["a"], "median"), (["a"], "mean"), ([], "most_frequent")]
)
def test_refusals(values, how):
    with pytest.raises(ValuesError, match="fill x"):
        FillMissing.fit("x", values, how)
