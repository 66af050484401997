"""Dots on a plane, coloured by class, some of them large: a map of the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, shortened

WIDTH, HEIGHT, EDGE = 440, 330, 22
COLOURS = 8
"""Classes beyond these share a colour; which class a dot is of matters less than where it lies."""


@dataclass(frozen=True)
class Dot:
    """One example: its place in ``[−1, 1]²``, its class (None = no label), and whether to draw it large."""

    x: float
    y: float
    colour: int | None
    large: bool = False


def scatter_chart(
    dots: Sequence[Dot], names: Sequence[str], *, title: str, description: str, x_title: str, y_title: str
) -> Markup:
    """Draw dots, the large ones on top, and the names of the classes below.

    Parameters
    ----------
    dots
        In any order.
    names
        Of the classes.
    """
    shown = [*names][:COLOURS]
    canvas = Canvas(WIDTH, HEIGHT + 18 * -(-len(shown) // 4) + 8)
    across, up = Scale(-1.05, 1.05, EDGE, WIDTH - 8), Scale(-1.05, 1.05, HEIGHT - EDGE, 8)
    canvas.line(EDGE, HEIGHT - EDGE, WIDTH - 8, HEIGHT - EDGE, style="axis")
    canvas.line(EDGE, 8, EDGE, HEIGHT - EDGE, style="axis")
    canvas.text(WIDTH - 8, HEIGHT - 6, x_title, anchor="end", style="quiet")
    canvas.text(EDGE + 5, 18, y_title, style="quiet")
    for dot in sorted(dots, key=lambda each: each.large):
        style = "dot none" if dot.colour is None else f"dot class-{dot.colour % COLOURS}"
        canvas.dot(across(dot.x), up(dot.y), 4.5 if dot.large else 2, style=style + (" large" if dot.large else ""))
    for number, name in enumerate(shown):
        row, column = divmod(number, 4)
        x, y = EDGE + column * (WIDTH - EDGE) / 4, HEIGHT + 10 + 18 * row
        canvas.dot(x + 4, y - 4, 4, style=f"dot class-{number}")
        canvas.text(x + 12, y, shortened(name, (WIDTH - EDGE) / 4 - 18), style="small")
    return canvas.markup(title=title, description=description)
