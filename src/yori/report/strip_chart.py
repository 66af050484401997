"""How a number is spread in each of several groups: median, middle half and 90 %, one line a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, shortened, text_width, ticks

WIDTH, ROW, BOTTOM = 440, 26, 40
WIDEST_NAME = 130


def strip_chart(spreads: Mapping[str, Sequence[float]], *, title: str, description: str, x_title: str) -> Markup:
    """Draw the spreads.

    Parameters
    ----------
    spreads
        Name of the group → its 5, 25, 50, 75 and 95 % quantiles. At least one group.
    x_title
        Name and unit of the number.
    """
    left = min(WIDEST_NAME, max(text_width(name) for name in spreads)) + 14
    low = min(values[0] for values in spreads.values())
    high = max(values[-1] for values in spreads.values())
    across = Scale(low, high, left + 6, WIDTH - 12)
    bottom = 8 + ROW * len(spreads)
    canvas = Canvas(WIDTH, bottom + BOTTOM)
    for value in ticks(low, high):
        canvas.line(across(value), 4, across(value), bottom, style="grid")
        canvas.text(across(value), bottom + 15, f"{value:g}".replace("-", "\u2212"), anchor="middle")
    canvas.text(WIDTH - 8, bottom + 33, x_title, anchor="end", style="quiet")
    for row, (name, values) in enumerate(spreads.items()):
        y = 8 + ROW * (row + 0.5)
        canvas.text(left - 4, y + 4, shortened(name, WIDEST_NAME), anchor="end")
        canvas.line(across(values[0]), y, across(values[4]), y, style="whisker")
        canvas.box(across(values[1]), y - 6, across(values[3]) - across(values[1]), 12, style="half")
        canvas.line(across(values[2]), y - 8, across(values[2]), y + 8, style="zero")
    return canvas.markup(title=title, description=description)
