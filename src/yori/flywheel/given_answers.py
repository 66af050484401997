"""Answers that were given elsewhere: in another tool, in a file, by a simulation. They need no lease."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from yori.errors import AlignmentError, ConflictError
from yori.flywheel.answer_check import check_verdict, clean_note, clean_seconds, settle
from yori.flywheel.answers import own_answer, store, take_back
from yori.flywheel.database import Database
from yori.flywheel.items import in_chunks, one_at_a_time
from yori.flywheel.people import check_person, known_or_added
from yori.flywheel.schema import ANSWERS, ITEMS
from yori.store.tables import some_ids


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """One answer as another tool gives it.

    Parameters
    ----------
    item_id, person, verdict, label, note, seconds
        As in `yori.flywheel.answers.answer`.
    key
        What makes this answer this one and no other where it comes from, such as the number of an annotation and the time it
        was last changed. The same key is stored once.
    """

    item_id: str
    person: str
    verdict: str
    key: str
    label: str | None = None
    note: str | None = None
    seconds: float | None = None
    suggestion_shown: bool = True


@dataclass(frozen=True)
class GivenReport:
    """How many answers were new, took the place of an earlier one of the same person, were there already, or came too late."""

    added: int
    replaced: int
    repeated: int
    late: int = 0


def give_answers(
    database: Database,
    answers: Sequence[GivenAnswer],
    *,
    classes: Collection[str],
    origin: str,
    leave_late_out: bool = False,
) -> GivenReport:
    """Store answers from elsewhere, all or none; giving them again changes nothing.

    A person has one answer to an item: another one later in the list, or under a new key, takes the place of the earlier
    one, which stays in the log as taken back. People who are not known are added, but cannot log in.

    Parameters
    ----------
    classes
        The classes of the task now.
    origin
        ``label_studio``, ``file`` or ``simulated``.
    leave_late_out
        Count an answer to an item that was merged or withdrawn, and go on, where the source cannot be told to leave it out.

    Raises
    ------
    AlignmentError
        If an item is not in the queue.
    ConflictError
        If an item was merged or withdrawn and its answer changed since, unless late ones are left out.
    ValuesError
        If a person, verdict, label or note is not usable; naming the item.
    """
    checked = [(one, *check_verdict(one.verdict, one.label, classes)) for one in answers]
    for name in dict.fromkeys(one.person for one in answers):
        check_person(name)
        known_or_added(database, name)
    counts = {"added": 0, "replaced": 0, "repeated": 0, "late": 0}
    with database.begin() as connection:
        one_at_a_time(connection)
        items = _items(connection, {one.item_id for one in answers})
        for given, verdict, label in checked:
            verdict, label = settle(items[given.item_id], verdict, label, classes)
            row = {
                **{"item_id": given.item_id, "person": given.person, "verdict": verdict, "label": label},
                **{"note": clean_note(given.note), "seconds": clean_seconds(given.seconds)},
                **{"suggestion_shown": given.suggestion_shown, "origin": origin},
            }
            done = _give(connection, items[given.item_id]["state"], row, given.key)
            if done == "late" and not leave_late_out:
                fix = "Leave it out: what is in a data version is changed by a new label patch."
                state = items[given.item_id]["state"]
                raise ConflictError(
                    "an item that is still asked", f"one that was {state}", where=given.item_id, fix=fix
                )
            counts[done] += 1
    return GivenReport(**counts)


def _give(connection: Connection, state: str, row: dict[str, Any], key: str) -> str:
    nonce = _nonce(row["origin"], row["item_id"], row["person"], key)
    if connection.execute(select(ANSWERS.c.answer_id).where(ANSWERS.c.nonce == nonce)).first():
        return "repeated"
    earlier = own_answer(connection, row["person"], row["item_id"])
    if earlier is not None and all(earlier[name] == row[name] for name in ("verdict", "label", "note", "origin")):
        return "repeated"
    if state not in ("open", "answered"):
        return "late"
    if earlier is not None:
        take_back(connection, earlier, _nonce("undo", nonce))
    store(connection, {**row, "nonce": nonce})
    return "added" if earlier is None else "replaced"


def _items(connection: Connection, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    wanted = sorted(ids)
    columns = (ITEMS.c.item_id, ITEMS.c.suggested, ITEMS.c.current, ITEMS.c.state)
    for chunk in in_chunks(wanted):
        query = select(*columns).where(ITEMS.c.item_id.in_(chunk))
        found.update({row["item_id"]: dict(row) for row in connection.execute(query).mappings()})
    missing = [one for one in wanted if one not in found]
    if missing:
        fix = "Was the file made for another project?"
        raise AlignmentError("items of this queue", some_ids(missing), where="answers", fix=fix)
    return found


def _nonce(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
