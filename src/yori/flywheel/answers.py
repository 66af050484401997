"""Answers of people. A row is never changed or removed; who takes an answer back adds a row that says so."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from yori.errors import ConflictError, ValuesError
from yori.flywheel.answer_check import check_nonce, check_verdict, clean_note, clean_seconds, settle
from yori.flywheel.database import Database
from yori.flywheel.items import in_force, one_at_a_time
from yori.flywheel.leases import COUNTED, LEASE_SECONDS, Lease, answers_counted, grant, is_free
from yori.flywheel.schema import ANSWERS, ITEMS, LEASES


@dataclass(frozen=True)
class Answer:
    """A stored answer. ``repeated``: the same request came before, and this is what it did then."""

    answer_id: int
    item_id: str
    person: str
    verdict: str
    label: str | None
    repeated: bool = False


def answer(
    database: Database,
    person: str,
    lease: str,
    *,
    nonce: str,
    verdict: str,
    label: str | None = None,
    note: str | None = None,
    seconds: float | None = None,
    classes: Collection[str],
    item_id: str | None = None,
    suggestion_shown: bool = True,
    origin: str = "page",
) -> Answer:
    """Store what a person says about the item they hold, and end the lease.

    Parameters
    ----------
    person, lease
        Who answers, and the secret of their lease.
    nonce
        8 to 64 letters, digits, dashes or underscores, new for each answer: a request that is sent again, because its
        reply was lost, stores nothing twice.
    verdict
        ``accept`` (the suggestion, or the current label where there is none), ``relabel``, ``skip`` (leave it to others),
        ``unsure`` (it cannot be told), ``drop`` (it should not be in the data).
    label
        For ``relabel``; a relabel that gives the suggestion is an accept. Several labels stand apart by `LABELS_APART`.
    note
        Up to 2 000 characters.
    seconds
        From painted to answered.
    classes
        The classes of the task now.
    item_id
        What the page believes to answer; must be the item of the lease.
    suggestion_shown
        Whether the person saw the suggestion.

    Raises
    ------
    ValuesError
        If the lease is nobody's, another person's or another item's; a verdict, label, note or nonce is not usable; or the
        label is no class of the task any more.
    ConflictError
        If the lease has expired, the item was merged or withdrawn, the person answered it already, or the nonce was used
        for something else.
    """
    verdict, label = check_verdict(verdict, label, classes)
    note, seconds = clean_note(note), clean_seconds(seconds)
    check_nonce(nonce)
    with database.begin() as connection:
        one_at_a_time(connection)
        known = _by_nonce(connection, nonce)
        if known is not None:
            return _repeated(known, person, item_id, verdict, label)
        item = _leased_item(connection, person, lease, item_id, time.time())
        verdict, label = settle(item, verdict, label, classes)
        row = {
            **{"nonce": nonce, "item_id": item["item_id"], "person": person, "verdict": verdict, "label": label},
            **{"note": note, "seconds": seconds, "suggestion_shown": suggestion_shown, "origin": origin},
        }
        return store(connection, row)


def undo(
    database: Database, person: str, answer_id: int, *, nonce: str, seconds: float = LEASE_SECONDS
) -> Lease | None:
    """Take an own answer back, and the item into hand again.

    Returns
    -------
    A lease on the item; None if others have taken its place by now, or the same request came before and the item was
    answered anew.

    Raises
    ------
    ValuesError
        If there is no such answer of this person.
    ConflictError
        If it was taken back already, or merged into a data version.
    """
    check_nonce(nonce)
    with database.begin() as connection:
        one_at_a_time(connection)
        now = time.time()
        mine = (ANSWERS.c.answer_id == answer_id) & (ANSWERS.c.person == person) & (ANSWERS.c.verdict != "undo")
        found = connection.execute(select(ANSWERS.c.item_id).where(mine)).first()
        if found is None:
            raise ValuesError("an answer of your own", str(answer_id), where="undo")
        known = _by_nonce(connection, nonce)
        if known is None:
            _take_back(connection, person, found.item_id, answer_id, nonce)
        elif (known["person"], known["undoes"]) != (person, answer_id):
            raise _nonce_used()
        item = is_free(connection, person, found.item_id, now)
        return None if item is None else grant(connection, person, item, now, seconds)


def store(connection: Connection, row: Mapping[str, Any]) -> Answer:
    """Write an answer that was checked; end the lease; close the item once it has the answers wanted."""
    done = connection.execute(ANSWERS.insert().values(**row, at=time.time()))
    item_id, person = row["item_id"], row["person"]
    connection.execute(LEASES.delete().where(LEASES.c.item_id == item_id, LEASES.c.person == person))
    enough = (ITEMS.c.item_id == item_id) & (ITEMS.c.state == "open") & (answers_counted() >= ITEMS.c.wanted)
    if row["verdict"] in COUNTED:
        connection.execute(update(ITEMS).where(enough).values(state="answered"))
    (answer_id,) = done.inserted_primary_key or (0,)
    return Answer(int(answer_id), item_id, person, row["verdict"], row["label"])


def own_answer(connection: Connection, person: str, item_id: str) -> Mapping[str, Any] | None:
    """What a person's answer to an item is now."""
    query = select(ANSWERS).where(ANSWERS.c.item_id == item_id, ANSWERS.c.person == person, in_force())
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def take_back(connection: Connection, row: Mapping[str, Any], nonce: str) -> None:
    """Add the row that undoes an answer; the item is open again."""
    undone = {"item_id": row["item_id"], "person": row["person"], "verdict": "undo", "undoes": row["answer_id"]}
    connection.execute(ANSWERS.insert().values(**undone, nonce=nonce, at=time.time(), origin=row["origin"]))
    closed = (ITEMS.c.item_id == row["item_id"]) & (ITEMS.c.state == "answered") & (answers_counted() < ITEMS.c.wanted)
    connection.execute(update(ITEMS).where(closed).values(state="open"))


def _leased_item(connection: Connection, person: str, lease: str, item_id: str | None, now: float) -> dict[str, Any]:
    query = select(LEASES.c.person.label("holder"), LEASES.c.expires_at, ITEMS)
    query = query.join(ITEMS, ITEMS.c.item_id == LEASES.c.item_id).where(LEASES.c.lease == lease)
    row = connection.execute(query).mappings().first()
    if row is None or row["holder"] != person or (item_id is not None and row["item_id"] != item_id):
        raise ValuesError("the lease of an item in your hands", "another", where="answer", fix="Load the page again.")
    if row["state"] not in ("open", "answered"):
        raise ConflictError("an item that is still asked", f"one that was {row['state']}", where="answer")
    if row["expires_at"] <= now:
        fix = "Take the item again; if it is free, the answer can be sent once more."
        raise ConflictError("a lease that lives", "one whose time is over", where="answer", fix=fix)
    if own_answer(connection, person, row["item_id"]) is not None:
        raise ConflictError("one answer of a person to an item", "a second one", where="answer", fix="Undo the first.")
    return dict(row)


def _by_nonce(connection: Connection, nonce: str) -> Mapping[str, Any] | None:
    row = connection.execute(select(ANSWERS).where(ANSWERS.c.nonce == nonce)).mappings().first()
    return None if row is None else dict(row)


def _repeated(known: Mapping[str, Any], person: str, item_id: str | None, verdict: str, label: str | None) -> Answer:
    same = known["person"] == person and item_id in (None, known["item_id"]) and label in (None, known["label"])
    choice = ("accept", "relabel")
    if not same or not (known["verdict"] == verdict or (known["verdict"] in choice and verdict in choice)):
        raise _nonce_used()
    return Answer(known["answer_id"], known["item_id"], person, known["verdict"], known["label"], repeated=True)


def _take_back(connection: Connection, person: str, item_id: str, answer_id: int, nonce: str) -> None:
    row = own_answer(connection, person, item_id)
    if row is None or row["answer_id"] != answer_id:
        raise ConflictError("an answer that stands", "one that was taken back", where="undo")
    state = connection.execute(select(ITEMS.c.state).where(ITEMS.c.item_id == item_id)).scalar_one()
    if state not in ("open", "answered"):
        fix = "What is in a data version is changed by a new label patch."
        raise ConflictError("an answer that is still open", f"one whose item was {state}", where="undo", fix=fix)
    take_back(connection, row, nonce)


def _nonce_used() -> ConflictError:
    return ConflictError("a new nonce", "one that was used for another answer", where="answer")
