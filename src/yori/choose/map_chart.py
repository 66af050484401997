"""A map of examples as a drawing: a dot in the colour of its class, a ring around what was picked, words on hovering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from yori.report.svg import Canvas, Scale, shortened

SIDE, EDGE = 560, 12
COLUMNS = 4
COLOURS = (
    "#0b5a8a", "#a65f00", "#3d7a34", "#8a3f8f", "#b1402f", "#0a8a86", "#6b5b00", "#c2478f",
    "#4f63c9", "#7a4a2b", "#5f8f00", "#1d252c",
)  # fmt: skip
"""Of the most frequent classes; all others share grey."""


@dataclass(frozen=True)
class Place:
    """One example: where it lies in ``[−1, 1]²``, its class (None: no label, or not shown), whether it was picked, and
    its words."""

    x: float
    y: float
    colour: int | None
    picked: bool
    words: str


def map_chart(
    places: Sequence[Place], names: Sequence[str], *, grey: str, picked: str, title: str, description: str
) -> Markup:
    """Draw the places, the picked ones last, and the names of the colours below.

    Parameters
    ----------
    places
        In any order.
    names
        Of the classes, one for each colour used, at most ``len(COLOURS)``.
    grey, picked
        What grey and a ring mean.
    """
    canvas = Canvas(SIDE, SIDE + 8 + 20 * -(-(len(names) + 2) // COLUMNS))
    across, up = Scale(-1.0, 1.0, EDGE, SIDE - EDGE), Scale(-1.0, 1.0, SIDE - EDGE, EDGE)
    for place in sorted(places, key=lambda each: (each.picked, each.colour is not None)):
        look = "spot" + (f" k{place.colour}" if place.colour is not None else "") + (" ring" if place.picked else "")
        canvas.elements.append(
            Markup('<circle cx="{}" cy="{}" r="{}" class="{}"><title>{}</title></circle>').format(
                across(place.x), up(place.y), 5 if place.picked else 3, look, place.words
            )
        )
    entries = [(name, f"spot k{k}") for k, name in enumerate(names)]
    for number, (name, look) in enumerate([*entries, (grey, "spot"), (picked, "spot ring")]):
        row, column = divmod(number, COLUMNS)
        x, y = EDGE + column * (SIDE - EDGE) / COLUMNS, SIDE + 16 + 20 * row
        canvas.dot(x + 4, y - 4, 5 if "ring" in look else 4, style=look)
        canvas.text(x + 14, y, shortened(name, (SIDE - EDGE) / COLUMNS - 18), style="small")
    return canvas.markup(title=title, description=description)


def map_styles() -> str:
    """Style sheet lines of the map."""
    colours = " ".join(f".spot.k{k} {{ fill: {colour}; fill-opacity: .75; }}" for k, colour in enumerate(COLOURS))
    return (
        ".spot { fill: #9aa5ad; fill-opacity: .55; } "
        + colours
        + " .spot.ring { stroke: currentColor; stroke-width: 2; "
        "fill-opacity: 1; } .spot:hover { stroke: currentColor; stroke-width: 2; }"
    )
