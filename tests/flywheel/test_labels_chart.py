import re

import pytest

from yori.flywheel.history_chart import Line
from yori.flywheel.labels_chart import BOTTOM, HEIGHT, LEFT, RIGHT, RING, WIDTH, labels_chart


def drawn(*lines, labels=(0, 60, 120)):
    return labels_chart(labels, lines, title="t", description="d", x_title="labels", y_title="risk")


def dots(svg, style):
    found = re.findall(r"<circle([^>]+)>", svg)
    inside = [each for each in found if style in each]
    return [tuple(float(re.search(rf'{name}="([^"]+)"', each)[1]) for name in ("cx", "cy")) for each in inside]


def test_dots_lie_where_the_labels_and_risks_are():
    svg = drawn(Line("ours", "arm-after", (0.2, 0.1, 0.0)))
    (left, high), (middle, half), (right, zero) = dots(svg, "arm-after")
    assert (left, right) == (LEFT, WIDTH - RIGHT)
    assert middle == pytest.approx((left + right) / 2)
    assert zero == HEIGHT - BOTTOM
    assert zero - half == pytest.approx((zero - high) / 2, abs=0.02)


def test_a_ring_stands_around_a_promotion_and_nowhere_else():
    svg = drawn(Line("ours", "arm-after", (0.2, 0.1, 0.0), rings=(1,)), Line("theirs", "arm-random", (0.2, 0.2, 0.1)))
    rings = [path for path in re.findall(r'<path d="([^"]+)"', svg) if path.endswith("Z")]
    assert len(rings) == 1
    points = [tuple(map(float, each.split())) for each in rings[0].strip("MZ").split("L")]
    x, y = dots(svg, "arm-after")[1]
    for across, down in points:
        assert (across - x) ** 2 + (down - y) ** 2 == pytest.approx(RING**2, rel=0.02)


def test_names_are_text():
    assert "<b>" not in drawn(Line("<b>ours", "arm-after", (0.2, 0.1, 0.0)))
