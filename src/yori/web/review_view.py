"""What a person gets to see of an item: enough to answer, nothing that would answer for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from yori.flywheel.leases import LEASE_SECONDS

Suggestions = Literal["shown", "hidden", "half"]
SUGGESTIONS: tuple[Suggestions, ...] = ("shown", "hidden", "half")

TELLING = frozenset({"gold", "double", "random"})
"""Kinds of reasons that tell how an item was chosen and not why it matters; never shown."""

MOST_NEIGHBOURS = 8
MOST_FIELDS = 200


@dataclass(frozen=True)
class ReviewSettings:
    """How the page asks.

    Parameters
    ----------
    suggestions
        ``shown``; ``hidden``, so that nobody is led by the machine; ``half``: hidden for a random half of items and people, so
        that the difference can be measured. The labels of neighbours stay: they are examples, not the machine's opinion.
    hold
        Items in one person's hands: the one on the page and those preloaded.
    lease_seconds
        How long they are held while nothing is heard of the page.
    """

    suggestions: Suggestions = "shown"
    hold: int = 5
    lease_seconds: float = LEASE_SECONDS


def is_suggestion_shown(suggestions: Suggestions, item_id: str, person: str) -> bool:
    """Whether this person sees the suggestion of this item; the same whenever it is asked.

    Examples
    --------
    >>> is_suggestion_shown("shown", "a", "ann"), is_suggestion_shown("hidden", "a", "ann")
    (True, False)
    """
    if suggestions == "half":
        return hashlib.sha256(f"{item_id}\0{person}".encode()).digest()[0] < 128
    return suggestions == "shown"


def shown_item(
    item: Mapping[str, Any], person: str, settings: ReviewSettings, text: str | None = None
) -> dict[str, Any]:
    """The fields of an item that its page gets.

    Never there: the gold answer, the share and the priority it was taken under, how many answers are wanted, what others
    said. With a hidden suggestion also not: the suggestion, the current label, the confidence, the words of the reasons, and
    the name, which often holds the label.
    """
    shown = is_suggestion_shown(settings.suggestions, item["item_id"], person)
    content = item["content"]
    fields = content.get("fields") or {}
    return {
        "item_id": item["item_id"],
        "kind": item["kind"],
        "name": _last_part(content.get("name") or item["example_id"] or item["media"]) if shown else "",
        "domain": item["domain"],
        "start": item["start"],
        "duration": item["duration"],
        "text": text if text is not None else content.get("text"),
        "fields": [[str(name), _cell(value)] for name, value in list(fields.items())[:MOST_FIELDS]],
        "neighbours": _neighbours(content.get("neighbours") or []),
        "suggestion_shown": shown,
        "suggested": item["suggested"] if shown else None,
        "current": item["current"] if shown else None,
        "confidence": item["confidence"] if shown else None,
        "reasons": _reasons(item["reasons"], shown),
    }


def _reasons(reasons: Sequence[Mapping[str, Any]], shown: bool) -> list[dict[str, Any]]:
    told = [one for one in reasons if one.get("kind") not in TELLING]
    return [{"kind": str(one.get("kind", "")), "text": str(one.get("text", "")) if shown else ""} for one in told]


def _neighbours(neighbours: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "label": _cell(one.get("label")),
            "similarity": one.get("similarity"),
            "name": _last_part(one.get("example_id")),
        }
        for one in neighbours[:MOST_NEIGHBOURS]
    ]


def _last_part(name: str | None) -> str:
    """The end of a path: its beginning often is the label."""
    return str(name or "").rsplit("/", 1)[-1][-120:]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)[:1000]
