from __future__ import annotations

from xml.etree import ElementTree

from yori.report.curve_chart import Curve, curve_chart
from yori.report.number_text import axis_percent

GRID = [0.5, 1.0]


def draw(curves: list[Curve]) -> ElementTree.Element:
    return ElementTree.fromstring(
        curve_chart(GRID, curves, title="t", description="d", x_title="x", y_title="y", percent=axis_percent)
    )


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = path.attrib["d"].removeprefix("M").removesuffix("Z").split("L")
    return [(float(x), float(y)) for x, y in (pair.split() for pair in pairs)]


def paths(drawn: ElementTree.Element, style: str) -> list[ElementTree.Element]:
    return [each for each in drawn.iter() if each.attrib.get("class", "") == style and each.tag.endswith("path")]


def test_higher_risk_is_drawn_higher_and_the_band_encloses_the_line() -> None:
    drawn = draw([Curve("After", "arm-after", [0.1, 0.2], [0.05, 0.1], [0.2, 0.3]), Curve("B", "arm-b", [0.2, 0.4])])
    ((line,), (band,), (other,)) = (
        paths(drawn, f"{name}") for name in ("line arm-after", "band arm-after", "line arm-b")
    )
    (x0, y0), (x1, y1) = points(line)
    assert x0 < x1
    assert y0 > y1
    assert points(other)[1][1] < y1
    edge = [y for x, y in points(band) if x == x1]
    assert min(edge) < y1 < max(edge)
    # The first curve is drawn last, on top.
    order = [each.attrib["class"] for each in drawn.iter() if each.attrib.get("class", "").startswith("line")]
    assert order[:2] == ["line arm-b", "line arm-after"]


def test_all_right_draws_a_flat_line_on_the_axis() -> None:
    drawn = draw([Curve("A", "arm-a", [0.0, 0.0])])
    heights = {y for _, y in points(paths(drawn, "line arm-a")[0])}
    axis = next(each for each in drawn.iter() if each.attrib.get("class") == "axis")
    assert heights == {float(axis.attrib["y1"])}
