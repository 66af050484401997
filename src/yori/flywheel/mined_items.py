"""From what was picked to items of the queue: the question, what the page shows beside it, and why it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.candidates import Neighbourhood, Reason, shown_neighbours
from yori.flywheel.doubtful_examples import Doubt
from yori.flywheel.items import Item, Kind, item_key
from yori.flywheel.logged import Logged
from yori.flywheel.picking import RANDOM, Pick
from yori.flywheel.reference import Reference
from yori.flywheel.released_model import LABEL_SEPARATOR
from yori.store import Project
from yori.task import Task

AUDIT, GOLD = "audit", "gold"
BY_CHANCE: dict[str, Any] = {
    "kind": RANDOM,
    "text": "picked by chance, to see how the model does as a whole",
    "value": None,
}


@dataclass(frozen=True)
class Fact:
    """What the project says about an example; labels as text, several joined."""

    label: str | None
    verified: str | None
    domain: str | None


def facts_of(project: Project) -> dict[str, Fact]:
    """Every example of the latest version."""
    table = project.examples(columns=["example_id", "label", "verified", "domain"]).to_pylist()
    return {row["example_id"]: Fact(_text(row["label"]), _text(row["verified"]), row["domain"]) for row in table}


def logged_key(rows: Logged, row: int) -> str:
    """The item that asks about a logged input."""
    start, duration = rows["start"][row], rows["duration"][row]
    return item_key(
        input_sha256=rows["input_sha256"][row], start=start, duration=duration if start is not None else None
    )


def example_key(example_id: str, label: str | None) -> str:
    """The item that doubts the label an example has now; another label makes it another question."""
    return item_key(example_id=example_id, question=f"label, now {label!r}")


def pick_gold(facts: Mapping[str, Fact], count: int, rng: np.random.Generator) -> list[str]:
    """Examples with a verified label, by chance."""
    there = sorted(name for name, fact in facts.items() if fact.verified is not None)
    return [there[row] for row in rng.permutation(len(there))[: max(count, 0)]]


def logged_item(
    reference: Reference,
    rows: Logged,
    reasons: Mapping[str, Reason],
    near: Neighbourhood | None,
    one: Pick,
    turn: int,
    wanted: int,
    task: Task,
) -> Item:
    """A logged prediction that was picked."""
    row = one.row
    embedded = int(np.cumsum(rows.embedded)[row] - 1) if rows.embedded[row] else -1
    first = [BY_CHANCE] if one.share == RANDOM else [reasons[one.share].fields(one.share, row)]
    others = [
        each.fields(name, row) for name, each in reasons.items() if name != one.share and np.isfinite(each.score[row])
        and name not in ("influence", "uncertain")
    ]  # fmt: skip
    start, duration, path = rows["start"][row], rows["duration"][row], rows["input_path"][row]
    content: dict[str, Any] = {"neighbours": shown_neighbours(reference, near, embedded)}
    kind: Kind = "audio"
    if task.modality != "audio":
        kind = "row"
        content["fields"] = {"source": rows["source"][row], "domain": rows["domain"][row]}
    return Item(
        item_id=logged_key(rows, row),
        turn=turn,
        kind=kind,
        share=one.share,
        priority=1 - one.place,
        reasons=[*first, *others],
        content=content,
        media=path if kind == "audio" else None,
        start=None if start is None else float(start),
        duration=None if duration is None or start is None else float(duration),
        prediction_id=int(rows["prediction_id"][row]),
        domain=rows["domain"][row],
        suggested=rows["label"][row].replace(LABEL_SEPARATOR, LABELS_APART)
        if not reference.single
        else rows["label"][row],
        confidence=float(rows["confidence"][row]),
        wanted=wanted,
    )


def example_item(doubt: Doubt, fact: Fact, place: float, turn: int, wanted: int, task: Task) -> Item:
    """An example whose label is doubted."""
    sound = task.modality == "audio"
    return Item(
        item_id=example_key(doubt.example_id, fact.label),
        turn=turn,
        kind="audio" if sound else "row",
        share=AUDIT,
        priority=1 - place,
        reasons=[{"kind": doubt.kind, "text": doubt.text, "value": round(doubt.score, 6)}],
        content={} if sound else {"fields": {"example": doubt.example_id, "domain": fact.domain}},
        example_id=doubt.example_id,
        domain=fact.domain,
        suggested=doubt.suggested,
        current=fact.label,
        wanted=wanted,
    )


def gold_items(gold: Sequence[str], facts: Mapping[str, Fact], turn: int, task: Task) -> list[Item]:
    """Questions whose answer is known, spread over the queue; they look like those picked by chance."""
    sound = task.modality == "audio"
    return [
        Item(
            item_id=item_key(example_id=name, question=f"gold of turn {turn}"),
            turn=turn,
            kind="audio" if sound else "row",
            share=GOLD,
            priority=1 - (place + 0.5) / len(gold),
            reasons=[BY_CHANCE],
            content={} if sound else {"fields": {"example": name, "domain": facts[name].domain}},
            example_id=name,
            domain=facts[name].domain,
            suggested=_text(facts[name].label),  # as other items have one
            gold=facts[name].verified,
        )
        for place, name in enumerate(gold)
    ]


def _text(label: str | list[str] | None) -> str | None:
    return LABELS_APART.join(label) if isinstance(label, list) else label
