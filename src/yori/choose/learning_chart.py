"""Learning curves as a drawing: accuracy over the number of labels, with bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, text_width, ticks

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 12, 44
COLOURS = ("#a65f00", "#0b5a8a", "#3d7a34", "#8a3f8f", "#b1402f", "#1d252c", "#5b6770", "#0a8a86")
"""The first is for random."""


@dataclass(frozen=True)
class DrawnCurve:
    """A name, a height at each budget, and a band (may hold NaN)."""

    name: str
    height: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def learning_chart(
    budgets: Sequence[int], curves: Sequence[DrawnCurve], *, title: str, description: str, x_title: str, y_title: str
) -> Markup:
    """Draw curves over budgets; the first two have a band and a strong line."""
    seen = [value for curve in curves for value in curve.height]
    low, high = max(0.0, min(seen) - 0.05), min(1.0, max(seen) + 0.03)
    canvas = Canvas(WIDTH, HEIGHT + 18 * -(-len(curves) // 2))
    across = Scale(0.0, float(budgets[-1]), LEFT, WIDTH - RIGHT)
    up = Scale(low, high, HEIGHT - BOTTOM, TOP)
    for value in ticks(low, high):
        canvas.line(LEFT, up(value), WIDTH - RIGHT, up(value), style="grid")
        canvas.text(LEFT - 6, up(value) + 4, f"{100 * value:.3g} %", anchor="end")
    for value in ticks(0.0, float(budgets[-1])):
        canvas.text(across(value), HEIGHT - BOTTOM + 17, f"{value:g}", anchor="middle")
    canvas.line(LEFT, up(low), WIDTH - RIGHT, up(low), style="axis")
    canvas.text(WIDTH - RIGHT, HEIGHT - 8, x_title, anchor="end", style="quiet")
    canvas.text(LEFT + 4, TOP + 9, y_title, style="quiet")
    for number, curve in list(enumerate(curves))[:2]:
        edge = [(b, v) for b, v in zip(budgets, curve.high, strict=True) if v == v]
        back = [(b, v) for b, v in zip(budgets, curve.low, strict=True) if v == v][::-1]
        if edge and back:
            points = [(across(x), up(min(max(y, low), high))) for x, y in [*edge, *back]]
            canvas.path(points, style=f"band s{number}", closed=True)
    for number, curve in reversed(list(enumerate(curves))):
        points = [(across(x), up(y)) for x, y in zip(budgets, curve.height, strict=True)]
        canvas.path(points, style=f"curve s{number % len(COLOURS)}{' thick' if number < 2 else ''}")
    for number, curve in enumerate(curves):
        row, column = divmod(number, 2)
        x, y = LEFT - 40 + column * (WIDTH / 2 - 6), HEIGHT + 6 + 18 * row
        canvas.line(x, y - 4, x + 26, y - 4, style=f"curve s{number % len(COLOURS)}{' thick' if number < 2 else ''}")
        canvas.text(x + 32, y, curve.name, style="small" if text_width(curve.name) > WIDTH / 2 - 50 else "")
    return canvas.markup(title=title, description=description)


def chart_styles() -> str:
    """Style sheet lines of the curves."""
    colours = " ".join(f".s{k} {{ --arm: {colour}; }}" for k, colour in enumerate(COLOURS))
    return f"{colours} .curve {{ fill: none; stroke: var(--arm); stroke-width: 1.3; }} .curve.thick {{ stroke-width: 2.6; }}"
