"""Which release serves: a table that is only added to, so it is also the history of promotions and rollbacks.

A promotion lays a release on a stack, a rollback takes down to an earlier one; what lies on top serves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, insert, select, text

from yori.errors import ConflictError, StoreError
from yori.flywheel.database import Database
from yori.flywheel.released_model import open_release
from yori.flywheel.schema import RELEASES, SERVING
from yori.store import Project

ANY: Literal["any"] = "any"


@dataclass(frozen=True)
class Served:
    """A row of the history."""

    release_id: str
    action: str
    who: str
    why: str
    at: float


def serving_release(database: Database) -> str | None:
    """Id of the release that serves; None before the first promotion."""
    with database.connect() as connection:
        return _top(connection)


def history(database: Database) -> list[Served]:
    """Promotions and rollbacks, oldest first."""
    columns = (SERVING.c.release_id, SERVING.c.action, SERVING.c.who, SERVING.c.why, SERVING.c.at)
    with database.connect() as connection:
        rows = connection.execute(select(*columns).order_by(SERVING.c.serving_id)).all()
    return [Served(*row) for row in rows]


def promote(
    database: Database,
    project: Project,
    release_id: str,
    *,
    who: str,
    why: str,
    instead_of: str | Literal["any"] | None = ANY,
) -> bool:
    """Let a release serve; servers that watch this database swap to it without losing a request.

    Parameters
    ----------
    release_id
        Of a release of the project; every byte of it is checked first.
    who, why
        Kept in the history.
    instead_of
        The release that served when this was decided (None: no release); by default it does not matter.

    Returns
    -------
    False if it serves already: nothing is added then.

    Raises
    ------
    ConflictError
        If meanwhile another release serves than ``instead_of``.
    StoreError, CorruptError
        If the release cannot be opened.
    """
    release = open_release(project, release_id)
    now = time.time()
    with database.begin() as connection:
        _alone(connection)
        before = _top(connection)
        if before == release_id:
            return False
        if instead_of not in (ANY, before):
            raise ConflictError(
                f"{(instead_of or 'no release')[:12]} to serve", f"{(before or 'none')[:12]}", where="promote",
                fix="Somebody else has changed it: look at yori release DIR and decide again.",
            )  # fmt: skip
        if connection.execute(select(RELEASES.c.release_id).where(RELEASES.c.release_id == release_id)).first() is None:
            manifest = release.manifest
            row = {"release_id": release_id, "at": now, "turn": manifest["turn"], "manifest": manifest}
            connection.execute(insert(RELEASES).values(**row, certificate=manifest["certificate"]))
        connection.execute(insert(SERVING).values(release_id=release_id, action="promote", who=who, why=why, at=now))
    return True


def rollback(database: Database, project: Project, *, who: str, why: str, to: str | None = None) -> str:
    """Let the release serve that served before the present one, or an earlier one; returns its id.

    Raises
    ------
    StoreError
        If there is no earlier one, or ``to`` did not serve before; nothing is changed then.
    """
    with database.connect() as connection:
        wanted = _earlier(connection, to)
    open_release(project, wanted)
    with database.begin() as connection:
        _alone(connection)
        if _earlier(connection, to) != wanted:
            raise ConflictError(
                "the release that served a moment ago", "another", where="rollback", fix="Decide again."
            )
        row = {"release_id": wanted, "action": "rollback", "who": who, "why": why, "at": time.time()}
        connection.execute(insert(SERVING).values(**row))
    return wanted


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's writers are alone anyway
        connection.execute(text("LOCK TABLE serving IN EXCLUSIVE MODE"))


def _top(connection: Connection) -> str | None:
    last = select(SERVING.c.release_id).order_by(SERVING.c.serving_id.desc()).limit(1)
    return connection.execute(last).scalar_one_or_none()


def _earlier(connection: Connection, to: str | None) -> str:
    """The release below the top of the stack, or ``to`` if it lies there."""
    stack: list[str] = []
    rows = connection.execute(select(SERVING.c.release_id, SERVING.c.action).order_by(SERVING.c.serving_id))
    for release_id, action in rows:
        if action == "promote":
            stack.append(release_id)
        else:
            while stack and stack[-1] != release_id:
                stack.pop()
    below = stack[:-1]
    if not below or (to is not None and to not in below):
        arrived = repr(to[:12]) if to and below else "none"
        raise StoreError(
            "a release that served before the present one", arrived, where="rollback", fix="See: yori release DIR"
        )
    return below[-1] if to is None else to
