from __future__ import annotations

from xml.etree import ElementTree

from yori.report.number_text import axis_percent
from yori.report.reliability_chart import Bin, ReliabilityLine, reliability_chart


def draw(lines: list[ReliabilityLine]) -> ElementTree.Element:
    return ElementTree.fromstring(
        reliability_chart(
            lines, title="t", description="d", x_title="x", y_title="y", count_title="n", percent=axis_percent
        )
    )


def test_a_calibrated_bin_lies_on_the_diagonal_and_counts_are_proportional() -> None:
    drawn = draw([ReliabilityLine("A", "arm-a", [Bin(0.45, 0.45, 10), Bin(0.9, 0.8, 40)])])
    diagonal = next(each for each in drawn.iter() if each.attrib.get("class") == "diagonal")
    x1, y1, x2, y2 = (float(diagonal.attrib[name]) for name in ("x1", "y1", "x2", "y2"))
    on, under = [each for each in drawn.iter() if each.attrib.get("class") == "mark arm-a"]

    def height_of_diagonal(x: float) -> float:
        return y1 + (x - x1) / (x2 - x1) * (y2 - y1)

    assert abs(float(on.attrib["cy"]) - height_of_diagonal(float(on.attrib["cx"]))) < 0.05
    assert float(under.attrib["cy"]) > height_of_diagonal(float(under.attrib["cx"])) + 5
    few, many = [float(each.attrib["height"]) for each in drawn.iter() if each.attrib.get("class") == "bar arm-a"]
    assert many == 4 * few > 0
    words = [each.text for each in drawn.iter() if each.tag.endswith("text")]
    assert "40%" in words  # the axes start at the round number below the smallest value
    assert "30%" not in words


def test_one_bin_is_a_dot_without_a_line() -> None:
    drawn = draw([ReliabilityLine("A", "arm-a", [Bin(1.0, 1.0, 3)]), ReliabilityLine("B", "arm-b", [])])
    assert not [each for each in drawn.iter() if each.tag.endswith("path")]
