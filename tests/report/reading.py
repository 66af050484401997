"""Reading a section back: its texts in the order a reader meets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from yori.report.blocks import Block, Details, Facts, Figures, Gallery, Listing, Source, Table


def texts(blocks: Sequence[Block]) -> str:
    """All words of some blocks, folded ones too."""
    return "\n".join(_words(blocks))


def tables(blocks: Sequence[Block]) -> list[Table]:
    """All tables of some blocks, folded ones too."""
    found: list[Table] = []
    for block in blocks:
        if isinstance(block, Details):
            found += tables(block.blocks)
        elif isinstance(block, Table):
            found.append(block)
    return found


def row(table: Table, first: str) -> list[str]:
    """Texts of the row with this header."""
    return next([cell.text for cell in each] for each in table.rows if each[0].text == first)


def _words(blocks: Sequence[Any]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Details):
            yield block.summary
            yield from _words(block.blocks)
        elif isinstance(block, Facts):
            yield from (f"{term}: {cell.text}" for term, cell in block.items)
        elif isinstance(block, Table):
            yield from (block.caption, " | ".join(block.head))
            yield from (" | ".join(cell.text for cell in each) for each in block.rows)
        elif isinstance(block, Figures):
            yield from (f"{drawing} {caption}" for drawing, caption in block.items)
        elif isinstance(block, Listing):
            yield from block.items
        elif isinstance(block, Gallery):
            yield from (f"{card.title} {card.action} {card.change} {card.note} {card.reason}" for card in block.cards)
        else:
            yield f"{block.label} {block.text}" if isinstance(block, Source) else block.text
