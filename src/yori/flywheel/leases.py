"""Leases: who holds which item until when, so that several people work at once and nobody answers twice.

An item is free for a person while it is open, the person has not answered or skipped it, and answers in force together with
other people's living leases are fewer than the answers wanted. One transaction at a time hands items out.

A lease lives until its time is over; but it never has more left than it was given, so a clock that goes backwards
holds an item for one lease at most, and never gives it to two people.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from yori.errors import ValuesError
from yori.flywheel.database import Database
from yori.flywheel.items import in_chunks, in_force, one_at_a_time
from yori.flywheel.schema import ANSWERS, ITEMS, LEASES

COUNTED = ("accept", "relabel", "unsure", "drop")
"""Verdicts that count towards the answers wanted; who skips leaves the item to others."""

LEASE_SECONDS = 300.0
MOST_AT_ONCE = 50


@dataclass(frozen=True)
class Lease:
    """An item in somebody's hands. ``lease`` is the secret an answer must name; ``item`` is the whole row of the item."""

    lease: str
    item_id: str
    person: str
    expires_at: float
    item: Mapping[str, Any]


def take(
    database: Database,
    person: str,
    *,
    count: int = 1,
    seconds: float = LEASE_SECONDS,
    item_id: str | None = None,
) -> list[Lease]:
    """Give a person items to answer, most urgent first; what they hold already comes first, with its time renewed.

    Parameters
    ----------
    person
        Name of somebody who was added.
    count
        How many items to hold in all.
    seconds
        How long a lease lives.
    item_id
        This item only, if it is free for the person: for a page whose lease ran out while somebody thought.

    Returns
    -------
    At most ``count`` leases; none when nothing is free.

    Raises
    ------
    ValuesError
        If the count is not 1 to 50, or the time is not positive.
    """
    if not 1 <= count <= MOST_AT_ONCE or not 0 < seconds <= 86_400:
        raise ValuesError(f"1 to {MOST_AT_ONCE} items for up to a day", f"{count} for {seconds} s", where="take")
    with database.begin() as connection:
        one_at_a_time(connection)
        now = time.time()
        _shorten(connection, now)
        rows = _held(connection, person, now, count, item_id)
        if len(rows) < count:
            rows += _free(connection, person, now, count - len(rows), item_id)
        return [grant(connection, person, row, now, seconds) for row in rows]


def hold_for(
    database: Database, person: str, *, kind: str, count: int | None = None, seconds: float
) -> list[Mapping[str, Any]]:
    """Put items of one kind into the hands of another tool, for days rather than minutes; what it holds already comes along.

    Returns
    -------
    The items, most urgent first; all that are free where there is no ``count``.
    """
    with database.begin() as connection:
        one_at_a_time(connection)
        now = time.time()
        _shorten(connection, now)
        rows = [row for row in _held(connection, person, now, None, None) if row["kind"] == kind][:count]
        if count is None or len(rows) < count:
            free = _free(connection, person, now, None, None, kind)
            rows += free if count is None else free[: count - len(rows)]
        for row in rows:
            grant(connection, person, row, now, seconds)
    return sorted(rows, key=lambda row: (-row["priority"], row["item_id"]))


def give_back(database: Database, person: str, item_id: str | None = None) -> int:
    """End a person's leases (or the one on an item) before their time; returns how many."""
    with database.begin() as connection:
        one_at_a_time(connection)
        chosen = LEASES.c.person == person
        if item_id is not None:
            chosen &= LEASES.c.item_id == item_id
        return connection.execute(LEASES.delete().where(chosen)).rowcount


def grant(connection: Connection, person: str, row: Mapping[str, Any], now: float, seconds: float) -> Lease:
    """Write a lease, or renew the person's own one; inside a transaction that knows the item to be free."""
    mine = (LEASES.c.item_id == row["item_id"]) & (LEASES.c.person == person)
    known = connection.execute(select(LEASES.c.lease, LEASES.c.expires_at).where(mine)).first()
    times = {"taken_at": now, "expires_at": now + seconds}
    if known is not None and known.expires_at > now:
        secret = known.lease
        connection.execute(update(LEASES).where(mine).values(**times))
    else:
        secret = secrets.token_urlsafe(24)
        connection.execute(LEASES.delete().where(mine))
        connection.execute(LEASES.insert().values(item_id=row["item_id"], person=person, lease=secret, **times))
    return Lease(secret, row["item_id"], person, now + seconds, row)


def is_free(connection: Connection, person: str, item_id: str, now: float) -> Mapping[str, Any] | None:
    """The item, if the person may take it now."""
    found = _free(connection, person, now, 1, item_id)
    return found[0] if found else None


def answers_counted() -> Any:
    """How many answers in force an item has, as a column for a query over items."""
    given = select(func.count()).select_from(ANSWERS)
    return given.where(
        ANSWERS.c.item_id == ITEMS.c.item_id, ANSWERS.c.verdict.in_(COUNTED), in_force()
    ).scalar_subquery()


def _shorten(connection: Connection, now: float) -> None:
    # More left than was given: the clock went back. It starts again from now.
    given = LEASES.c.expires_at - LEASES.c.taken_at
    too_long = LEASES.c.expires_at - now > given + 1e-3
    connection.execute(update(LEASES).where(too_long).values(expires_at=now + given, taken_at=now))


def _held(
    connection: Connection, person: str, now: float, count: int | None, item_id: str | None
) -> list[Mapping[str, Any]]:
    # Leases are few, open items many: start from the leases.
    leases = select(LEASES.c.item_id, LEASES.c.taken_at).where(LEASES.c.person == person, LEASES.c.expires_at > now)
    if item_id is not None:
        leases = leases.where(LEASES.c.item_id == item_id)
    taken = {row.item_id: row.taken_at for row in connection.execute(leases)}
    rows: list[Mapping[str, Any]] = []
    for chunk in in_chunks(list(taken)):
        query = select(ITEMS).where(ITEMS.c.item_id.in_(chunk))
        rows += [dict(row) for row in connection.execute(query).mappings() if row["state"] == "open"]
    return sorted(rows, key=lambda row: (taken[row["item_id"]], -row["priority"], row["item_id"]))[:count]


def _free(
    connection: Connection, person: str, now: float, count: int | None, item_id: str | None, kind: str | None = None
) -> list[Mapping[str, Any]]:
    own = select(ANSWERS.c.answer_id).where(
        ANSWERS.c.item_id == ITEMS.c.item_id, ANSWERS.c.person == person, in_force()
    )
    living = LEASES.c.expires_at > now
    mine = select(LEASES.c.lease).where(LEASES.c.item_id == ITEMS.c.item_id, LEASES.c.person == person, living)
    held = select(func.count()).select_from(LEASES)
    others = held.where(LEASES.c.item_id == ITEMS.c.item_id, LEASES.c.person != person, living).scalar_subquery()
    query = select(ITEMS).where(ITEMS.c.state == "open", ~own.exists(), ~mine.exists())
    if item_id is not None:
        query = query.where(ITEMS.c.item_id == item_id)
    if kind is not None:
        query = query.where(ITEMS.c.kind == kind)
    query = query.where(answers_counted() + others < ITEMS.c.wanted)
    order = (ITEMS.c.priority.desc(), ITEMS.c.item_id)
    return [dict(row) for row in connection.execute(query.order_by(*order).limit(count)).mappings()]
