"""From the tables of an older yori to those of `yori.flywheel.schema`: named, ordered steps, all in one transaction.

A new database gets the tables as they are now and the names of all steps; an older one gets the steps it lacks, in order. A
name nobody here knows was written by a newer yori, and nothing is touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, MetaData, String, Table, inspect, select, text

from yori.errors import NewerVersionError
from yori.flywheel.schema import METADATA

STEPS = Table(
    "migrations", MetaData(), Column("name", String(64), primary_key=True), Column("at", Float, nullable=False)
)
"""Which steps a database has behind it."""

_POSTGRES_LOCK = 7_961_726_951_973
"""Any number; who holds it may change tables."""


@dataclass(frozen=True)
class Migration:
    """One step. ``name`` never changes once it is released; ``apply`` changes tables or rows of a database that lacks it."""

    name: str
    apply: Callable[[Connection], None]


def _add_group_name(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE predictions ADD COLUMN group_name TEXT"))


MIGRATIONS: tuple[Migration, ...] = (
    Migration("0001-first-tables", METADATA.create_all),
    Migration("0002-group-of-predictions", _add_group_name),
)
"""Every step there ever was, oldest first. Add at the end; never change or remove one."""


def is_current(connection: Connection) -> bool:
    """Whether a database has exactly the steps behind it that are known here; looks without waiting for writers."""
    if not inspect(connection).has_table(STEPS.name):
        return False
    return set(connection.execute(select(STEPS.c.name)).scalars()) == {step.name for step in MIGRATIONS}


def migrate(
    connection: Connection,
    *,
    metadata: MetaData = METADATA,
    migrations: Sequence[Migration] = MIGRATIONS,
    where: str = "",
) -> list[str]:
    """Bring a database to the tables of ``metadata``, inside the transaction of ``connection``.

    Returns
    -------
    Names of the steps that were taken; empty if nothing was missing.

    Raises
    ------
    NewerVersionError
        If the database has a step behind it that is not among ``migrations``.
    """
    if connection.dialect.name == "postgresql":  # SQLite: the transaction itself keeps others out
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
    fresh = not inspect(connection).has_table(STEPS.name)
    if fresh:
        STEPS.create(connection)
    behind = set(connection.execute(select(STEPS.c.name)).scalars())
    unknown = sorted(behind - {step.name for step in migrations})
    if unknown:
        raise NewerVersionError(
            f"a database with steps up to {migrations[-1].name}", f"one with {unknown[-1]}", where=where,
            fix="Install the yori that wrote it, or a newer one.",
        )  # fmt: skip
    missing = [step for step in migrations if step.name not in behind]
    if fresh:
        metadata.create_all(connection)
    for step in missing:
        if not fresh:
            step.apply(connection)
        connection.execute(STEPS.insert().values(name=step.name, at=time.time()))
    return [step.name for step in missing]
