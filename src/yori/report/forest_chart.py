"""Forest plot: one effect with its interval in each row, and a line where nothing changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, shortened, text_width, ticks

WIDTH, ROW = 400, 22
TOP, BOTTOM, RIGHT = 8, 46, 16
WIDEST_NAME = 170


@dataclass(frozen=True)
class Effect:
    """One row: a change and, where it is known, its interval. The summary row is drawn as a diamond."""

    name: str
    change: float
    low: float | None
    high: float | None
    summary: bool = False


def forest_chart(
    effects: Sequence[Effect],
    *,
    direction: Literal["lower", "higher"],
    title: str,
    description: str,
    better: str,
    x_title: str,
    number: Callable[[float], str],
) -> Markup:
    """Draw changes around zero; a row whose interval leaves out zero is filled and coloured.

    Parameters
    ----------
    direction
        Which way is better; ``better`` is written on that side of the axis.
    number
        How a change is written on the axis.
    """
    ends = [end for each in effects for end in (each.low, each.change, each.high) if end is not None]
    finite = [end for end in ends if math.isfinite(end)]
    lowest, highest = min([0.0, *finite]), max([0.0, *finite])
    edge = 0.12 * (highest - lowest) or 1.0  # both signs are always there, so that "better" has a side
    left = (
        min(WIDEST_NAME, max([text_width(each.name) * (1.08 if each.summary else 1) for each in effects] or [0])) + 14
    )
    height = TOP + ROW * len(effects) + BOTTOM
    canvas = Canvas(WIDTH, height)
    across = Scale(lowest - edge, highest + edge, left, WIDTH - RIGHT)
    floor = TOP + ROW * len(effects) + 2
    for value in ticks(across.low, across.high, about=4):
        canvas.line(across(value), TOP, across(value), floor, style="grid" if value else "zero")
        canvas.text(across(value), floor + 15, number(value), anchor="middle", style="small")
    for row, each in enumerate(effects):
        _draw(canvas, each, TOP + ROW * (row + 0.5), across, left, direction)
    canvas.text(left, floor + 34, f"← {better}" if direction == "lower" else x_title, style="quiet")
    other = x_title if direction == "lower" else f"{better} →"
    canvas.text(WIDTH - RIGHT, floor + 34, other, anchor="end", style="quiet")
    return canvas.markup(title=title, description=description)


def tone(change: float, low: float | None, high: float | None, direction: str) -> str:
    """Which class a change gets: ``good`` or ``bad`` when its interval leaves out zero, otherwise ``open``.

    Examples
    --------
    >>> tone(-0.1, -0.2, -0.05, "lower"), tone(-0.1, -0.2, 0.05, "lower"), tone(-0.1, None, None, "lower")
    ('good', 'open', 'open')
    """
    if low is None or high is None or low <= 0 <= high:
        return "open"
    return "good" if (change < 0) == (direction == "lower") else "bad"


def _draw(canvas: Canvas, each: Effect, y: float, across: Scale, left: float, direction: str) -> None:
    style = tone(each.change, each.low, each.high, direction)
    canvas.text(
        left - 10, y + 4, shortened(each.name, WIDEST_NAME), anchor="end", style="strong" if each.summary else ""
    )
    if each.low is not None and each.high is not None:
        low, high = max(each.low, across.low), min(each.high, across.high)
        canvas.line(across(low), y, across(high), y, style=f"whisker {style}")
    x = across(each.change)
    if each.summary:
        canvas.path([(x - 7, y), (x, y - 6), (x + 7, y), (x, y + 6)], style=f"point {style}", closed=True)
    else:
        canvas.dot(x, y, 4, style=f"point {style}")
