"""Merge: answers become labels, labels become the next data version, conflicts go back to the queue.

Nothing is overwritten: rows and label patches are added, answers stay in the log, and an item is only marked. Every step is
the same when it is done again, so a merge that was killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import func, select, update

from yori.flywheel.answer_table import open_answers
from yori.flywheel.database import Database
from yori.flywheel.items import ask_again, in_force, one_at_a_time
from yori.flywheel.new_examples import LoggedInput, groups_of, keep_media, read_logged, rows_of, usable, write_vectors
from yori.flywheel.schema import ANSWERS, ITEMS
from yori.flywheel.verdicts import Decision, People, decide
from yori.store import Project
from yori.task import Task

EVER = ("open", "answered", "merged", "withdrawn")


@dataclass(frozen=True)
class MergeReport:
    """What a merge did.

    Attributes
    ----------
    before, after
        Data versions; equal if nothing changed.
    labelled, confirmed, dropped
        Examples with a new label, with the label they had, and taken out.
    added
        Of the labelled ones, those that are new to the project.
    conflicts, given_up, lost
        Items asked again, items that too many people could not agree on, and items whose input the log has not kept.
    agreement
        Share of items with several answers where all gave the same; None where there are none.
    people
        Estimated share of right answers of each person, how many they gave, and the method.
    examples
        Ids of the examples with a decision, and the quota each was asked under.
    """

    before: int
    after: int
    labelled: int = 0
    confirmed: int = 0
    dropped: int = 0
    added: int = 0
    conflicts: int = 0
    given_up: int = 0
    lost: int = 0
    agreement: float | None = None
    people: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Settled:
    """Items of one kind of outcome, by their id."""

    decisions: dict[str, Decision]
    items: dict[str, Mapping[str, Any]]

    def of(self, word: str) -> list[str]:
        return [one for one, decision in self.decisions.items() if decision.word == word]


def merge(project: Project, database: Database, task: Task, *, who: str = "yori merge") -> MergeReport:
    """Turn every item that has all the answers it wants into the next data version.

    Parameters
    ----------
    who
        Signs the new rows; every label patch is signed by the people who answered.

    Raises
    ------
    StoreError
        If the disk is full or the project cannot be written; nothing is lost, merge again.
    """
    rows = open_answers(database, states=EVER).to_pylist()
    before = project.version()
    # Control questions teach who is how good; their answers change nothing.
    waiting = {row["item_id"]: row for row in rows if row["state"] == "answered"}
    rng = np.random.default_rng(int(before.content_hash[:16], 16))
    everyone = [row for row in rows if row["verdict"] != "skip"]
    decisions, people = decide(everyone, classes=task.class_names, several=task.labels == "multiple", rng=rng)
    settled = _Settled({each.item_id: each for each in decisions if each.item_id in waiting}, waiting)
    again, given_up = settled.of("again"), settled.of("gave up")
    asked = [one for one in settled.of("label") + settled.of("drop") if waiting[one]["gold"] is None]
    logged = _logged(database, waiting, asked)
    audio = task.modality == "audio" and task.backbone.name != "given"
    known = {row["example_id"]: row for row in project.examples(columns=["example_id", "label"]).to_pylist()}
    new, lost = _new_inputs(waiting, settled, asked, logged, known, audio=audio)
    media = keep_media(project, new) if audio else {}
    if audio:
        gone = {each.prediction_id for each in new if each.prediction_id not in media}
        new = [each for each in new if each.prediction_id not in gone]
        lost += [one for one in asked if waiting[one]["prediction_id"] in gone]
    if new:
        if not audio:
            write_vectors(project, new)
        table = rows_of(new, media, groups_of(project, database, new))
        project.add_rows(table, sources={}, message=f"{len(new)} inputs from the log", who=who)
    patch, places = _patch(task, settled, asked, logged, known, set(lost))
    counts = {"relabel": 0, "drop": 0, "confirmed": 0}
    if patch:
        for row in patch:
            counts["confirmed" if row["action"] == "relabel" and row["old"] == row["new"] else row["action"]] += 1
        changed = [row for row in patch if row["action"] == "drop" or row["old"] != row["new"]]
        if changed:
            project.add_labels(_table(changed, several=task.labels == "multiple"), message=f"{len(changed)} answers")
    _close(database, [*asked, *given_up, *(one for one in settled.of("label") if waiting[one]["gold"] is not None)])
    ask_again(database, again)
    return MergeReport(
        before=before.number,
        after=project.version().number,
        labelled=counts["relabel"],
        confirmed=counts["confirmed"],
        dropped=counts["drop"],
        added=len(new),
        conflicts=len(again),
        given_up=len(given_up),
        lost=len(lost),
        agreement=_agreement(rows, waiting),
        people=_people(people),
        examples=places,
    )


def random_examples(database: Database) -> list[str]:
    """Ids of the examples that came out of merged items which were asked for at random."""
    chosen = (ITEMS.c.state == "merged") & (ITEMS.c.share == "random") & ITEMS.c.prediction_id.is_not(None)
    with database.connect() as connection:
        numbers = connection.execute(select(ITEMS.c.prediction_id).where(chosen)).scalars().all()
    return sorted({each.example_id for each in read_logged(database, numbers).values()})


def in_conflict(database: Database) -> int:
    """Items that were answered and still want more answers."""
    answered = select(ANSWERS.c.item_id).where(in_force(), ANSWERS.c.verdict != "skip")
    query = select(func.count()).select_from(ITEMS)
    with database.connect() as connection:
        asked = connection.execute(query.where(ITEMS.c.state == "open", ITEMS.c.item_id.in_(answered)))
        return int(asked.scalar_one())


def _logged(database: Database, items: Mapping[str, Mapping[str, Any]], asked: Sequence[str]) -> dict[int, LoggedInput]:
    wanted = [items[one]["prediction_id"] for one in asked if items[one]["example_id"] is None]
    return read_logged(database, [one for one in wanted if one is not None])


def _new_inputs(
    items: Mapping[str, Mapping[str, Any]],
    settled: _Settled,
    asked: Sequence[str],
    logged: Mapping[int, LoggedInput],
    known: Mapping[str, Any],
    *,
    audio: bool,
) -> tuple[list[LoggedInput], list[str]]:
    """Inputs that become examples, and items that cannot because the log has not kept them."""
    new: dict[str, LoggedInput] = {}
    lost = []
    for one in asked:
        if items[one]["example_id"] is not None or settled.decisions[one].word == "drop":
            continue
        found = logged.get(items[one]["prediction_id"])
        if found is None or not usable(found, audio=audio):
            lost.append(one)
        elif found.example_id not in known:
            new[found.example_id] = found
    return [new[name] for name in sorted(new)], lost


def _patch(
    task: Task,
    settled: _Settled,
    asked: Sequence[str],
    logged: Mapping[int, LoggedInput],
    known: Mapping[str, Any],
    lost: set[str],
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Label patches, and the quota of each example that was decided."""
    patch: list[dict[str, Any]] = []
    places: dict[str, str] = {}
    for one in asked:
        item, decision = settled.items[one], settled.decisions[one]
        example = item["example_id"]
        if example is None:
            found = logged.get(item["prediction_id"])
            if one in lost or found is None or decision.word == "drop":
                continue  # an input that should not be in the data is simply not added
            example = found.example_id
        old = known[example]["label"] if example in known else None
        label: Any = None
        if decision.label is not None:
            label = list(decision.label) if task.labels == "multiple" else decision.label[0]
        if isinstance(old, list):
            old = sorted(old)
        places[example] = item["share"]
        patch.append(
            {
                "example_id": example,
                "action": "drop" if decision.word == "drop" else "relabel",
                "old": old,
                "new": label,
                "who": ", ".join(decision.people),
                "why": f"turn {item['turn']}: {item['share']}, sure by {decision.sureness:.2f}, item {one[:12]}",
            }
        )
    return patch, places


def _table(patch: Sequence[Mapping[str, Any]], *, several: bool) -> pa.Table:
    kind = pa.list_(pa.string()) if several else pa.string()
    types = {"old": kind, "new": kind}
    return pa.table({name: pa.array([row[name] for row in patch], types.get(name, pa.string())) for name in patch[0]})


def _close(database: Database, item_ids: Sequence[str]) -> None:
    """Mark items as merged, unless an answer was taken back meanwhile: the item is then open again and waits."""
    with database.begin() as connection:
        one_at_a_time(connection)
        for first in range(0, len(item_ids), 500):
            chosen = ITEMS.c.item_id.in_(item_ids[first : first + 500]) & (ITEMS.c.state == "answered")
            connection.execute(update(ITEMS).where(chosen).values(state="merged"))


def _agreement(rows: Sequence[Mapping[str, Any]], items: Mapping[str, Any]) -> float | None:
    said: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row["item_id"] in items and row["verdict"] not in ("skip", "unsure"):
            said.setdefault(row["item_id"], []).append((row["verdict"] == "drop", row["label"]))
    several = [answers for answers in said.values() if len(answers) > 1]
    return None if not several else sum(len(set(answers)) == 1 for answers in several) / len(several)


def _people(people: People) -> dict[str, Any]:
    return {
        "method": people.method,
        "reason": people.reason,
        "answers": dict(people.answers),
        "skill": {name: round(value, 4) for name, value in people.skill.items()},
    }
