"""From the answers of several people to one decision per item: a label, a drop, or ask again.

People can say more than a label. *Drop* competes with the labels by simple majority, because it is about the input and not
about the class. Labels go through `yori.labels.guarded_consensus`: every answer ever given tells how good each person is, and
where that would be worse than counting heads, heads are counted. *Unsure* and *skip* are no votes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from yori.flywheel.answer_check import LABELS_APART
from yori.labels import Consensus, Gold, Votes, guarded_consensus

SURE = 0.7
"""Posterior below which answers count as in conflict."""

MOST_ANSWERS = 5
"""With this many answers an item that is still in conflict is given up."""

Word = Literal["label", "drop", "again", "gave up"]


@dataclass(frozen=True)
class Decision:
    """What became of one item.

    ``word``: ``label``, ``drop``, ``again`` (its answers are in conflict or say nothing: ask one more person) or ``gave up``
    (too many have been asked). ``label`` as text, several in alphabetical order. ``sureness``: posterior of the label, or the
    share of people who would drop it.
    """

    item_id: str
    word: Word
    label: tuple[str, ...] | None
    sureness: float
    people: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """How the people agree: ``skill`` and answers by person, ``method`` that decided, and why it did."""

    skill: Mapping[str, float]
    answers: Mapping[str, int]
    method: str
    reason: str


def decide(
    answers: Sequence[Mapping[str, Any]], *, classes: Sequence[str], several: bool, rng: np.random.Generator
) -> tuple[list[Decision], People]:
    """Decide every item that has an answer.

    Parameters
    ----------
    answers
        Rows of `yori.flywheel.answer_table.open_answers`, of all items ever asked: ``item_id``, ``person``, ``verdict``,
        ``label``, ``gold``.
    classes
        Of the task.
    several
        Whether an example may have several labels; each class is then decided for itself.
    rng
        For the parts of the control questions that decide whether heads are counted.

    Returns
    -------
    decisions, people
        Decisions in the order in which the items first occur.
    """
    by_item: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in answers:
        by_item[row["item_id"]].append(row)
    counts: dict[str, int] = defaultdict(int)
    for row in answers:
        counts[row["person"]] += 1
    found = [
        *(_votes_of(by_item, classes, name) for name in classes),
    ] if several else [_votes_of(by_item, classes, None)]  # fmt: skip
    labels: dict[str, list[str]] = defaultdict(list)
    sure: dict[str, float] = {}
    skill: dict[str, list[float]] = defaultdict(list)
    method, reason = "none", "No label was given."
    for name, question in zip(classes if several else [None], found, strict=True):
        if question is None:
            continue
        votes, items, people, gold = question
        guarded = guarded_consensus(votes, rng=rng, gold=gold)
        consensus: Consensus = guarded.consensus
        method, reason = consensus.method, guarded.reason
        for person, each in zip(people, guarded.candidate.skill, strict=True):
            skill[person].append(float(each))
        for item, row in zip(items, consensus.probs, strict=True):
            best = int(row.argmax())
            sure[item] = min(sure.get(item, 1.0), float(row[best]))
            if name is None:
                labels[item] = [classes[best]]
            elif best == 1:
                labels[item].append(name)
    decisions = [_decision(item, rows, labels.get(item, []), sure.get(item)) for item, rows in by_item.items()]
    return decisions, People({p: float(np.mean(v)) for p, v in skill.items()}, dict(counts), method, reason)


def _decision(item: str, rows: Sequence[Mapping[str, Any]], label: Sequence[str], sureness: float | None) -> Decision:
    people = tuple(sorted({row["person"] for row in rows}))
    drops = sum(row["verdict"] == "drop" for row in rows)
    named = sum(row["verdict"] in ("accept", "relabel") for row in rows)
    if drops > named:
        return Decision(item, "drop", None, drops / (drops + named), people)
    if named and drops < named and sureness is not None and sureness >= SURE:
        return Decision(item, "label", tuple(sorted(label)), sureness, people)
    return Decision(item, "gave up" if len(people) >= MOST_ANSWERS else "again", None, sureness or 0.0, people)


def _votes_of(
    by_item: Mapping[str, Sequence[Mapping[str, Any]]], classes: Sequence[str], one: str | None
) -> tuple[Votes, list[str], list[str], Gold | None] | None:
    """Votes about the class, or about whether ``one`` class applies; None where nobody named a label."""
    items: list[str] = []
    people: dict[str, int] = {}
    triples: list[tuple[int, int, int]] = []
    gold: list[tuple[int, int]] = []
    place = {name: number for number, name in enumerate(classes)}

    def code(label: str) -> int | None:
        names = label.split(LABELS_APART)
        return int(one in names) if one is not None else place.get(names[0])

    for item, rows in by_item.items():
        given = [(row["person"], code(row["label"])) for row in rows if row["verdict"] in ("accept", "relabel")]
        known = [(person, answer) for person, answer in given if answer is not None]  # a class may be gone by now
        if not known:
            continue
        number = len(items)
        items.append(item)
        triples += [(number, people.setdefault(person, len(people)), answer) for person, answer in known]
        right = code(rows[0]["gold"]) if rows[0]["gold"] is not None else None
        if right is not None:
            gold.append((number, right))
    if not triples:
        return None
    example, annotator, answer = (np.array(column, dtype=np.int64) for column in zip(*triples, strict=True))
    votes = Votes(example, annotator, answer, len(items), len(people), 2 if one is not None else len(classes))
    known_gold = None
    if gold:
        known_gold = Gold(*(np.array(column, dtype=np.int64) for column in zip(*gold, strict=True)))
    return votes, items, list(people), known_gold
