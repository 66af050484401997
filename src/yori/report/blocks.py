"""What a section is made of. The template knows how to draw each kind, and holds no words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """One cell of a table, or one value of a fact; ``tone`` is ``good``, ``bad``, ``open`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``quiet`` = small print; ``language`` where it is not that of the page."""

    kind: ClassVar[str] = "paragraph"
    text: str
    quiet: bool = False
    alert: bool = False
    language: str | None = None


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Facts:
    """Terms and their values side by side."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its header, the last ``len(head) − text_columns`` columns are numbers."""

    kind: ClassVar[str] = "table"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    text_columns: int = 1


@dataclass(frozen=True)
class Figures:
    """Drawings beside each other, each with its caption."""

    kind: ClassVar[str] = "figures"
    items: Sequence[tuple[Markup, str]]


@dataclass(frozen=True)
class Listing:
    """A list of sentences; ``steps`` = numbered."""

    kind: ClassVar[str] = "listing"
    items: Sequence[str]
    steps: bool = False
    language: str | None = None


@dataclass(frozen=True)
class Source:
    """Text to copy as it is, and a link that saves it as a file."""

    kind: ClassVar[str] = "source"
    label: str
    text: str
    link: str = ""
    file_name: str = ""
    file_uri: str = ""


@dataclass(frozen=True)
class Witness:
    """An example an edit helps or hurts: its name, by how much, and its player if it is not heard elsewhere in the file."""

    name: str
    effect: str
    sound: str = ""
    sound_words: str = ""


@dataclass(frozen=True)
class Card:
    """One edit of the gallery: what was done, the facts, what there is to see and hear, and whom it helps and hurts."""

    title: str
    action: str
    change: str
    facts: Sequence[tuple[str, Cell]]
    reason: str
    reason_language: str = "en"
    picture: str = ""
    picture_words: str = ""
    sound: str = ""
    sound_words: str = ""
    note: str = ""
    witnesses: Sequence[tuple[str, Sequence[Witness]]] = ()


@dataclass(frozen=True)
class Gallery:
    """All edits."""

    kind: ClassVar[str] = "gallery"
    cards: Sequence[Card]


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away until asked for."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: Sequence[Block] = field(default_factory=tuple)


Block: TypeAlias = Paragraph | Heading | Facts | Table | Figures | Listing | Source | Gallery | Details


@dataclass(frozen=True)
class Section:
    """A part of the report with its heading; ``name`` is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block]


def cells(*texts: str | Cell) -> tuple[Cell, ...]:
    """A row of a table from plain texts and toned cells."""
    return tuple(each if isinstance(each, Cell) else Cell(each) for each in texts)


@dataclass(frozen=True)
class Headline:
    """What stands on top of a page: a word in the colour of its tone (``good``, ``few``, ``bad``), and a sentence."""

    title: str
    tone: str
    word: str
    sentence: str
    blocks: Sequence[Block] = ()
