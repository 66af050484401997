"""Reliability diagram: how often answers of a stated confidence are right, with the number of answers below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, ticks

WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 12, 44
COUNTS = 64
"""Pixels for the counts below the diagram."""


@dataclass(frozen=True)
class Bin:
    """One bin of examples: mean confidence, share that is right, number."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class ReliabilityLine:
    """One arm: its name, the class of its colour, its bins from low to high confidence."""

    name: str
    style: str
    bins: Sequence[Bin]


def reliability_chart(
    lines: Sequence[ReliabilityLine],
    *,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    count_title: str,
    percent: Callable[[float], str],
) -> Markup:
    """Draw accuracy over confidence, the diagonal of a calibrated model, and a bar of counts for each bin.

    Both axes start at the same round number below the smallest value, so that the diagonal stays one.
    """
    values = [value for line in lines for each in line.bins for value in (each.confidence, each.accuracy)]
    low = max(0.0, int(10 * min([*values, 0.9]) - 1e-9) / 10)
    canvas = Canvas(WIDTH, HEIGHT + COUNTS + 24)
    across = Scale(low, 1.0, LEFT, WIDTH - RIGHT)
    up = Scale(low, 1.0, HEIGHT - BOTTOM, TOP)
    for value in ticks(low, 1.0):
        canvas.line(LEFT, up(value), WIDTH - RIGHT, up(value), style="grid")
        canvas.text(LEFT - 6, up(value) + 4, percent(value), anchor="end")
        canvas.text(across(value), HEIGHT - BOTTOM + 17, percent(value), anchor="middle")
    canvas.line(LEFT, up(low), WIDTH - RIGHT, up(low), style="axis")
    canvas.line(across(low), up(low), across(1.0), up(1.0), style="diagonal")
    canvas.text(WIDTH - RIGHT, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, TOP + 9, y_title, style="quiet")
    for line in reversed(lines):
        points = [(across(each.confidence), up(each.accuracy)) for each in line.bins]
        if len(points) > 1:
            canvas.path(points, style=f"line {line.style}")
        for x, y in points:
            canvas.dot(x, y, 3.5, style=f"mark {line.style}")
    _counts(canvas, lines, across, count_title)
    for number, line in enumerate(lines):
        x, y = LEFT - 40 + number * (WIDTH / 2 - 6), HEIGHT + COUNTS + 18
        canvas.line(x, y - 4, x + 26, y - 4, style=f"line {line.style}")
        canvas.text(x + 32, y, line.name)
    return canvas.markup(title=title, description=description)


def _counts(canvas: Canvas, lines: Sequence[ReliabilityLine], across: Scale, count_title: str) -> None:
    most = max((each.count for line in lines for each in line.bins), default=1)
    base = HEIGHT + COUNTS - 6
    height = Scale(0, most, 0, COUNTS - 28)
    canvas.line(LEFT, base, WIDTH - RIGHT, base, style="axis")
    canvas.text(LEFT + 4, HEIGHT + 10, count_title, style="quiet")
    canvas.text(LEFT - 6, base - height(most) + 4, str(most), anchor="end")
    canvas.text(LEFT - 6, base + 3, "0", anchor="end")
    for number, line in enumerate(lines):
        for each in line.bins:
            x = across(each.confidence) + 4 * (number - len(lines) / 2)
            canvas.box(x, base - height(each.count), 4, height(each.count), style=f"bar {line.style}")
