from __future__ import annotations

from xml.etree import ElementTree

from yori.report.bar_chart import Bar, bar_chart
from yori.report.number_text import percent


def test_bars_are_proportional_from_zero() -> None:
    drawn = ElementTree.fromstring(
        bar_chart([Bar("a", 0.9, "x"), Bar("b", 0.3, "y")], title="t", description="d", percent=percent)
    )
    a, b = [float(each.attrib["width"]) for each in drawn.iter() if each.tag.endswith("rect")]
    assert abs(a - 3 * b) < 0.05
