from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.report.svg import Canvas, Scale, shortened, text_width, ticks


@given(shift=st.floats(-50, 50), span=st.floats(1e-6, 1e6))
def test_ticks_are_round_inside_and_evenly_apart(shift: float, span: float) -> None:
    low = shift * span
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 9
    assert low - 1e-6 * span <= found[0]
    assert found[-1] <= low + span * (1 + 1e-6)
    steps = {round((b - a) / span, 4) for a, b in pairwise(found)}
    assert max(steps) - min(steps) <= 2e-4


@pytest.mark.parametrize("high", [1.0, float("nan"), float("inf"), 0.5])
def test_ticks_without_a_span(high: float) -> None:
    assert ticks(1.0, high) == (1.0,)


def test_scale_maps_ends_and_a_point_without_a_span_to_the_middle() -> None:
    scale = Scale(-1.0, 3.0, 10.0, 110.0)
    assert (scale(-1), scale(3), scale(0)) == (10, 110, 35)
    assert Scale(2.0, 2.0, 0.0, 10.0)(2.0) == 5


def test_words_are_escaped_and_spoken() -> None:
    canvas = Canvas(100, 50)
    canvas.text(1, 2, '<script>"&')
    canvas.box(0, 0, 5, -1, style="bar", opacity=0.5)
    drawn = ElementTree.fromstring(canvas.markup(title="a<b", description="x&y"))
    assert [child.text for child in drawn][:2] == ["a<b", "x&y"]
    assert drawn[2].text == '<script>"&'
    assert drawn.attrib["role"] == "img"
    assert drawn.attrib["aria-labelledby"].split() == [drawn[0].attrib["id"], drawn[1].attrib["id"]]
    assert drawn[3].attrib["height"] == "0"
    assert drawn[3].attrib["fill-opacity"] == "0.5"


def test_different_drawings_have_different_ids() -> None:
    def name(x: float) -> str:
        canvas = Canvas(10, 10)
        canvas.dot(x, 1, 1, style="")
        return ElementTree.fromstring(canvas.markup(title="t", description="d"))[0].attrib["id"]

    assert name(1) != name(2)
    assert name(1) == name(1)


@given(words=st.text(max_size=60), width=st.floats(12, 300))
def test_shortened_fits(words: str, width: float) -> None:
    short = shortened(words, width)
    assert text_width(short) <= max(width, text_width("…"))
    assert short == words or (short.endswith("…") and words.startswith(short[:-1]))
