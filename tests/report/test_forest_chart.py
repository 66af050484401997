from __future__ import annotations

from typing import Literal
from xml.etree import ElementTree

import pytest

from yori.report.forest_chart import Effect, forest_chart, tone
from yori.report.number_text import axis_number


def draw(effects: list[Effect], direction: Literal["lower", "higher"] = "lower") -> ElementTree.Element:
    return ElementTree.fromstring(
        forest_chart(
            effects, direction=direction, title="t", description="d", better="better", x_title="change",
            number=axis_number,
        )
    )  # fmt: skip


def of_class(drawn: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in drawn.iter() if each.attrib.get("class", "") == name]


def test_points_lie_on_the_right_side_of_zero_inside_their_whiskers() -> None:
    drawn = draw([Effect("near", -0.2, -0.3, -0.1), Effect("far", 0.1, -0.1, 0.3)])
    zero = float(of_class(drawn, "zero")[0].attrib["x1"])
    (good,), (unclear,) = of_class(drawn, "point good"), of_class(drawn, "point open")
    assert float(good.attrib["cx"]) < zero < float(unclear.attrib["cx"])
    whisker = of_class(drawn, "whisker good")[0]
    assert float(whisker.attrib["x1"]) < float(good.attrib["cx"]) < float(whisker.attrib["x2"]) < zero


@pytest.mark.parametrize(("direction", "words"), [("lower", "← better"), ("higher", "better →")])
def test_the_better_side_is_named(direction: Literal["lower", "higher"], words: str) -> None:
    drawn = draw([Effect("a", 0.1, 0.0, 0.2)], direction)
    assert words in [each.text for each in drawn.iter()]


def test_no_change_at_all_and_no_interval_can_be_drawn() -> None:
    drawn = draw([Effect("a", 0.0, 0.0, 0.0), Effect("b", 0.0, None, None), Effect("all", 0.0, 0.0, 0.0, summary=True)])
    assert len(of_class(drawn, "point open")) == 3
    assert len(of_class(drawn, "whisker open")) == 2


def test_zero_on_the_edge_of_an_interval_is_open() -> None:
    assert tone(0.1, 0.0, 0.2, "higher") == "open"
    assert tone(0.1, 0.01, 0.2, "higher") == "good"
    assert tone(0.1, 0.01, 0.2, "lower") == "bad"
