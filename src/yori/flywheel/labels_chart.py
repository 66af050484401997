"""Risk over the labels spent, one line for each way to ask."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from yori.flywheel.history_chart import Line
from yori.report.number_text import axis_percent
from yori.report.svg import Canvas, Scale, ticks

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 12, 40
RING = 7.0


def labels_chart(
    labels: Sequence[int], lines: Sequence[Line], *, title: str, description: str, x_title: str, y_title: str
) -> Markup:
    """Draw risks over numbers of labels, with a dot after each turn and a ring around those whose gate promoted."""
    canvas = Canvas(WIDTH, HEIGHT + 20)
    top = max([*(value for line in lines for value in line.values), 0.05]) * 1.08
    across = Scale(0.0, float(max(max(labels), 1)), LEFT, WIDTH - RIGHT)
    up = Scale(0.0, top, HEIGHT - BOTTOM, TOP)
    for value in ticks(0.0, top):
        canvas.line(LEFT, up(value), WIDTH - RIGHT, up(value), style="grid")
        canvas.text(LEFT - 6, up(value) + 4, axis_percent(value), anchor="end")
    for number in labels:
        canvas.text(across(number), HEIGHT - BOTTOM + 16, str(number), anchor="middle")
    canvas.line(LEFT, up(0), WIDTH - RIGHT, up(0), style="axis")
    canvas.text(WIDTH - RIGHT, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, TOP + 9, y_title, style="quiet")
    for place, line in reversed(list(enumerate(lines))):
        points = [(across(number), up(value)) for number, value in zip(labels, line.values, strict=True)]
        if len(points) > 1:
            canvas.path(points, style=f"line {line.style}")
        for number, (x, y) in enumerate(points):
            canvas.dot(x, y, 3.0, style=f"mark {line.style}")
            if number in line.rings:
                turned = [2 * math.pi * step / 24 for step in range(24)]
                ring = [(x + RING * math.cos(angle), y + RING * math.sin(angle)) for angle in turned]
                canvas.path(ring, style=f"line {line.style}", closed=True)
        x, y = 12 + place * (WIDTH - 12) / max(len(lines), 1), HEIGHT + 12
        canvas.line(x, y - 4, x + 22, y - 4, style=f"line {line.style}")
        canvas.text(x + 28, y, line.name)
    return canvas.markup(title=title, description=description)
