"""A small canvas for charts: SVG text without a plotting library, coloured by the page's style sheet.

Every chart has a title and a description that a screen reader speaks. Text is escaped here and nowhere else.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

FONT_SIZE = 12


@dataclass(frozen=True)
class Scale:
    """A straight map from data to pixels.

    Examples
    --------
    >>> Scale(0.0, 1.0, 40.0, 240.0)(0.25)
    90.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of a value."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.start + share * (self.end - self.start), 2)


def ticks(low: float, high: float, *, about: int = 5) -> tuple[float, ...]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from ``low`` to ``high``.

    Examples
    --------
    >>> ticks(0.0, 1.0)
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    >>> ticks(-0.013, 0.004)
    (-0.01, -0.005, 0.0)
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return (low,)
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each for each in (1, 2, 5, 10) if each * power >= 0.8 * raw) * power
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(float(f"{number * step:.12g}") + 0.0 for number in range(first, last + 1))


@dataclass
class Canvas:
    """Elements in drawing order; coordinates are pixels of a drawing that scales with the page."""

    width: float
    height: float
    elements: list[Markup] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, *, style: str) -> None:
        """A straight line; ``style`` is a class of the style sheet."""
        self._add('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>', x1, y1, x2, y2, style)

    def path(self, points: Sequence[tuple[float, float]], *, style: str, closed: bool = False) -> None:
        """A line through points, or the area they enclose."""
        drawn = "L".join(f"{x:.5g} {y:.5g}" for x, y in points)
        self._add('<path d="M{}{}" class="{}"/>', drawn, "Z" if closed else "", style)

    def box(self, x: float, y: float, width: float, height: float, *, style: str, opacity: float | None = None) -> None:
        """A rectangle."""
        seen = Markup("") if opacity is None else Markup(' fill-opacity="{}"').format(round(opacity, 3))
        place = (round(x, 2), round(y, 2), round(width, 2), round(max(height, 0), 2))
        self._add('<rect x="{}" y="{}" width="{}" height="{}" class="{}"{}/>', *place, style, seen)

    def dot(self, x: float, y: float, radius: float, *, style: str) -> None:
        """A circle."""
        self._add('<circle cx="{}" cy="{}" r="{}" class="{}"/>', x, y, radius, style)

    def text(self, x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> None:
        """Words at a point; ``anchor`` is ``start``, ``middle`` or ``end``."""
        self._add('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>', x, y, anchor, style, words)

    def markup(self, *, title: str, description: str) -> Markup:
        """The whole drawing with its title and description."""
        content = Markup("").join(self.elements)
        name = "c" + hashlib.sha256(f"{title}\x00{description}\x00{content}".encode()).hexdigest()[:10]
        return Markup(
            '<svg viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}t {n}d" style="max-width:{m}px">'
            '<title id="{n}t">{t}</title><desc id="{n}d">{d}</desc>{c}</svg>'
        ).format(
            w=round(self.width), h=round(self.height), m=round(1.25 * self.width), n=name, t=title, d=description,
            c=content,
        )  # fmt: skip

    def _add(self, template: str, *values: object) -> None:
        self.elements.append(Markup(template).format(*(escape(value) for value in values)))


def text_width(words: str) -> float:
    """About how wide words are, in pixels: a Korean letter is twice as wide as a Latin one.

    Examples
    --------
    >>> text_width("far") < text_width("도메인")
    True
    """
    return sum(0.98 if ord(letter) > 0x2E80 else 0.6 for letter in words) * FONT_SIZE


def shortened(words: str, width: float) -> str:
    """Words that fit a width, with an ellipsis where some had to go.

    Examples
    --------
    >>> shortened("leave-one-domain-out", 60)
    'leave-o…'
    """
    if text_width(words) <= width:
        return words
    while words and text_width(words + "…") > width:
        words = words[:-1]
    return words + "…"
