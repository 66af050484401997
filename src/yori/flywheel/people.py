"""People who answer, and how they show who they are: a token each, of which only the hash is kept."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update

from yori.errors import ConflictError, ValuesError
from yori.flywheel.database import Database
from yori.flywheel.schema import PEOPLE
from yori.store.hashes import sha256_bytes

Role = Literal["annotator", "owner"]
ROLES: tuple[Role, ...] = ("annotator", "owner")
"""An owner also sees how everybody does."""

_NAME = re.compile(r"\w[\w .@+-]{0,62}\w|\w")


@dataclass(frozen=True)
class Person:
    """Somebody who may answer while ``active``."""

    name: str
    role: Role
    active: bool = True


def check_person(name: str) -> str:
    """Return a person's name, or refuse one that cannot be shown and stored everywhere.

    Raises
    ------
    ValuesError
        Unless it is 1 to 64 letters (of any script), digits, spaces, dots, dashes, ``+`` or ``@``.

    Examples
    --------
    >>> check_person("김 하나")
    '김 하나'
    """
    if not _NAME.fullmatch(name):
        raise ValuesError(
            "a name of 1 to 64 letters, digits, spaces, dots, dashes, + or @", repr(name[:80]), where="people"
        )
    return name


def add_person(database: Database, person: str, *, role: Role = "annotator") -> str:
    """Let a person answer; returns their token, which is kept nowhere and cannot be shown again.

    Raises
    ------
    ConflictError
        If the name is taken.
    ValuesError
        If the name or the role is not usable.
    """
    check_person(person)
    if role not in ROLES:
        raise ValuesError(f"a role out of {', '.join(ROLES)}", repr(role), where="people")
    token, now = _new_token(), time.time()
    with database.begin() as connection:
        if connection.execute(select(PEOPLE.c.person).where(PEOPLE.c.person == person)).first():
            raise ConflictError(
                "a new name", f"{person!r}, who is there already", where="people", fix="Make a new token instead."
            )
        row = {"person": person, "token_sha256": _hashed(token), "role": role, "at": now, "active": True}
        connection.execute(PEOPLE.insert().values(**row))
    return token


def known_or_added(database: Database, person: str) -> None:
    """See that a name has a row, for answers that come from a file or another tool; nobody can log in as it yet.

    Raises
    ------
    ValuesError
        If the name is not usable.
    """
    check_person(person)
    with database.begin() as connection:
        if not connection.execute(select(PEOPLE.c.person).where(PEOPLE.c.person == person)).first():
            row = {"person": person, "token_sha256": _hashed(_new_token()), "role": "annotator", "at": time.time()}
            connection.execute(PEOPLE.insert().values(**row, active=False))


def new_token(database: Database, person: str) -> str:
    """Give a person a new token; the old one stops working at once. A person who was put out is let in again."""
    token = _new_token()
    with database.begin() as connection:
        values = {"token_sha256": _hashed(token), "active": True}
        changed = connection.execute(update(PEOPLE).where(PEOPLE.c.person == person).values(**values)).rowcount
    _refuse_unknown(changed, person)
    return token


def deactivate(database: Database, person: str) -> None:
    """Put a person out: the token stops working, the answers stay."""
    with database.begin() as connection:
        changed = connection.execute(update(PEOPLE).where(PEOPLE.c.person == person).values(active=False)).rowcount
    _refuse_unknown(changed, person)


def list_people(database: Database) -> list[Person]:
    """Everybody, in the order of their names."""
    with database.connect() as connection:
        rows = connection.execute(select(PEOPLE.c.person, PEOPLE.c.role, PEOPLE.c.active).order_by(PEOPLE.c.person))
        return [Person(name, role, bool(active)) for name, role, active in rows]


def person_of(database: Database, token: str) -> Person | None:
    """Whose token this is; None if nobody's, or of somebody who was put out."""
    if not 1 <= len(token) <= 200:
        return None
    hashed = _hashed(token)
    with database.connect() as connection:
        columns = (PEOPLE.c.person, PEOPLE.c.role, PEOPLE.c.active, PEOPLE.c.token_sha256)
        row = connection.execute(select(*columns).where(PEOPLE.c.token_sha256 == hashed)).first()
    if row is None or not row.active or not hmac.compare_digest(row.token_sha256, hashed):
        return None
    return Person(row.person, row.role)


def _new_token() -> str:
    return secrets.token_urlsafe(24)


def _hashed(token: str) -> str:
    return sha256_bytes(token.encode("utf-8", "surrogatepass"))


def _refuse_unknown(changed: int, person: str) -> None:
    if not changed:
        raise ValuesError("somebody who was added", repr(person), where="people", fix="Add them first.")
