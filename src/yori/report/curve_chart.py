"""Risk–coverage curves: how often the model errs among the examples it trusts most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, text_width, ticks

WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 12, 44


@dataclass(frozen=True)
class Curve:
    """One line: its name, the class of its colour, and its height at each coverage; optionally a band around it."""

    name: str
    style: str
    height: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def curve_chart(
    coverage: Sequence[float],
    curves: Sequence[Curve],
    *,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    percent: Callable[[float], str],
) -> Markup:
    """Draw curves over coverage, the first one on top.

    Parameters
    ----------
    coverage
        Shares of the test examples that are answered, in ascending order.
    curves
        Lines over the same grid.
    percent
        How a share is written on an axis.
    """
    heights = [value for curve in curves for line in (curve.height, curve.high or ()) for value in line]
    top = max([*heights, 1e-3]) * 1.05
    canvas = Canvas(WIDTH, HEIGHT + 18 * -(-len(curves) // 2))
    across = Scale(0.0, 1.0, LEFT, WIDTH - RIGHT)
    up = Scale(0.0, top, HEIGHT - BOTTOM, TOP)
    for value in ticks(0.0, top):
        canvas.line(LEFT, up(value), WIDTH - RIGHT, up(value), style="grid")
        canvas.text(LEFT - 6, up(value) + 4, percent(value), anchor="end")
    for value in ticks(0.0, 1.0):
        canvas.text(across(value), HEIGHT - BOTTOM + 17, percent(value), anchor="middle")
    canvas.line(LEFT, up(0), WIDTH - RIGHT, up(0), style="axis")
    canvas.text(WIDTH - RIGHT, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, TOP + 9, y_title, style="quiet")
    for curve in curves:
        if curve.low is not None and curve.high is not None:
            edge = [*zip(coverage, curve.high, strict=True)]
            back = [*zip(reversed(coverage), reversed(curve.low), strict=True)]
            canvas.path([(across(x), up(y)) for x, y in [*edge, *back]], style=f"band {curve.style}", closed=True)
    for curve in reversed(curves):
        points = [(across(x), up(y)) for x, y in zip(coverage, curve.height, strict=True)]
        canvas.path(points, style=f"line {curve.style}")
    _legend(canvas, curves)
    return canvas.markup(title=title, description=description)


def _legend(canvas: Canvas, curves: Sequence[Curve]) -> None:
    """Two names in a row below the chart; a name too long for its half takes a smaller letter."""
    for number, curve in enumerate(curves):
        row, column = divmod(number, 2)
        x, y = LEFT - 40 + column * (WIDTH / 2 - 6), HEIGHT + 6 + 18 * row
        canvas.line(x, y - 4, x + 26, y - 4, style=f"line {curve.style}")
        canvas.text(x + 32, y, curve.name, style="small" if text_width(curve.name) > WIDTH / 2 - 50 else "")
