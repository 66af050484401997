"""Counts in equal steps of a number, as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, ticks

WIDTH, HEIGHT, LEFT, BOTTOM = 440, 250, 52, 44


def column_chart(
    counts: Sequence[int],
    *,
    low: float,
    high: float,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    number: Callable[[int], str],
) -> Markup:
    """Draw counts of equal steps from ``low`` to ``high``.

    Parameters
    ----------
    counts
        At least one.
    number
        How a count is written on the axis.
    """
    canvas = Canvas(WIDTH, HEIGHT)
    across = Scale(low, high, LEFT, WIDTH - 12)
    up = Scale(0, max(*counts, 1) * 1.05, HEIGHT - BOTTOM, 22)
    for value in ticks(0, max(*counts, 1) * 1.05, about=4):
        if value == round(value):
            canvas.line(LEFT, up(value), WIDTH - 12, up(value), style="grid")
            canvas.text(LEFT - 6, up(value) + 4, number(round(value)), anchor="end")
    step = (high - low) / len(counts)
    for place, count in enumerate(counts):
        x = across(low + place * step)
        canvas.box(x + 0.5, up(count), across(low + (place + 1) * step) - x - 1, up(0) - up(count), style="half")
    for value in ticks(low, high):
        canvas.text(across(value), HEIGHT - BOTTOM + 16, f"{value:g}", anchor="middle")
    canvas.line(LEFT, up(0), WIDTH - 12, up(0), style="axis")
    canvas.text(WIDTH - 12, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, 14, y_title, style="quiet")
    return canvas.markup(title=title, description=description)
