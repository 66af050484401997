"""A few shares as horizontal bars with their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, text_width

WIDTH, ROW = 440, 34


@dataclass(frozen=True)
class Bar:
    """One share and its name; ``style`` is a class of the style sheet."""

    name: str
    share: float
    style: str


def bar_chart(bars: Sequence[Bar], *, title: str, description: str, percent: Callable[[float], str]) -> Markup:
    """Draw shares in ``[0, 1]`` on one scale."""
    left = max(text_width(each.name) for each in bars) + 14
    canvas = Canvas(WIDTH, ROW * len(bars) + 6)
    across = Scale(0.0, 1.0, left, WIDTH - 60)
    for row, each in enumerate(bars):
        y = ROW * row + 4
        canvas.text(left - 8, y + ROW / 2, each.name, anchor="end")
        canvas.box(left, y + 2, across(each.share) - left, ROW - 12, style=f"bar {each.style}")
        canvas.text(across(each.share) + 6, y + ROW / 2, percent(each.share), style="strong")
    return canvas.markup(title=title, description=description)
