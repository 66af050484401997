"""Heat map of a small square table of shares, every value written in its cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from yori.report.svg import Canvas, shortened, text_width

CELL = 44
WIDEST_NAME = 110
MOST = 12
"""With more rows than this the numbers would not fit and are left out; the table below the chart has them."""


def heat_map(
    names: Sequence[str],
    shares: Sequence[Sequence[float]],
    *,
    title: str,
    description: str,
    number: Callable[[float], str],
) -> Markup:
    """Draw ``shares[i][j]`` in ``[0, 1]``; darker = larger, never so dark that the numbers could not be read."""
    left = min(WIDEST_NAME, max(text_width(name) for name in names)) + 14
    side = CELL if len(names) <= MOST else max(10, 400 / len(names))
    canvas = Canvas(max(left + side * len(names) + 4, 200), side * len(names) + 30)
    for row, name in enumerate(names):
        canvas.text(left - 8, 20 + side * (row + 0.5) + 4, shortened(name, WIDEST_NAME), anchor="end")
        if len(names) <= MOST:
            canvas.text(left + side * (row + 0.5), 14, shortened(name, side), anchor="middle")
        for column, share in enumerate(shares[row]):
            x, y = left + side * column, 20 + side * row
            canvas.box(x, y, side - 2, side - 2, style="heat", opacity=0.04 + 0.5 * min(max(share, 0), 1))
            if len(names) <= MOST:
                canvas.text(x + side / 2 - 1, y + side / 2 + 4, number(share), anchor="middle")
    return canvas.markup(title=title, description=description)
