from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.report import number_text as text


def read(words: str) -> float:
    return float(words.replace(text.MINUS, "-").replace(text.NARROW, "").removesuffix("%").removesuffix("pp"))


@given(number=st.floats(-50, 50))
def test_a_change_reads_back_to_two_digits_with_its_sign(number: float) -> None:
    shown = text.change("aurc", number, points="pp")
    if abs(number) > 1e-7:
        assert math.isclose(read(shown), number, rel_tol=0.06)
        assert shown[0] == (text.MINUS if number < 0 else "+")
    assert "-" not in shown


@given(number=st.floats(0, 1))
def test_a_share_reads_back(number: float) -> None:
    assert abs(read(text.value("accuracy", number)) - 100 * number) <= 0.0501


@given(number=st.integers(0, 10**12))
def test_counts_read_back(number: int) -> None:
    assert read(text.count(number)) == number


@pytest.mark.parametrize("number", [None, float("nan")])
def test_what_is_unknown_is_a_dash(number: float | None) -> None:
    assert {text.value("aurc", number), text.change("aurc", number, points=""), text.p_value(number),
            text.percent(number)} == {text.NONE}  # fmt: skip


def test_infinite_and_large() -> None:
    assert text.value("nll", math.inf) == "inf"
    assert text.flops(2 * 10**18).replace(text.NARROW, " ") == "2 EFLOP"
    assert text.p_value(0.001) == "0.001"
    assert text.value("aurc", 0.0) == text.value("accuracy", 0.0) == "0"
