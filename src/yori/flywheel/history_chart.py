"""Shares over the looks of the monitor, as lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.number_text import axis_percent
from yori.report.svg import Canvas, Scale, ticks

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 12, 40


@dataclass(frozen=True)
class Line:
    """One share at every look; NaN where it was not known. ``rings``: places of values that get a ring around their dot."""

    name: str
    style: str
    values: Sequence[float]
    rings: Sequence[int] = ()


def history_chart(
    numbers: Sequence[int], lines: Sequence[Line], *, title: str, description: str, x_title: str, y_title: str
) -> Markup:
    """Draw lines over the numbers of the looks, in ``[0, 1]``, with a dot for each look."""
    canvas = Canvas(WIDTH, HEIGHT + 20)
    low, high = float(min(numbers)), float(max(numbers))
    across = Scale(low, high if high > low else low + 1, LEFT, WIDTH - RIGHT)
    up = Scale(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    for value in ticks(0.0, 1.0):
        canvas.line(LEFT, up(value), WIDTH - RIGHT, up(value), style="grid")
        canvas.text(LEFT - 6, up(value) + 4, axis_percent(value), anchor="end")
    for number in dict.fromkeys(round(value) for value in ticks(low, max(high, low + 1))):
        canvas.text(across(number), HEIGHT - BOTTOM + 16, str(number), anchor="middle")
    canvas.line(LEFT, up(0), WIDTH - RIGHT, up(0), style="axis")
    canvas.text(WIDTH - RIGHT, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, TOP + 9, y_title, style="quiet")
    for place, line in enumerate(lines):
        points = [
            (across(number), up(value))
            for number, value in zip(numbers, line.values, strict=True)
            if math.isfinite(value)
        ]
        if len(points) > 1:
            canvas.path(points, style=f"line {line.style}")
        for x, y in points:
            canvas.dot(x, y, 2.5, style=f"mark {line.style}")
        x, y = 12 + place * (WIDTH - 12) / max(len(lines), 1), HEIGHT + 12
        canvas.line(x, y - 4, x + 22, y - 4, style=f"line {line.style}")
        canvas.text(x + 28, y, line.name, style="small")
    return canvas.markup(title=title, description=description)
