"""What the monitor found, kept: every look with the level it spent, and every alert.

A look takes its level *before* it computes anything, in one transaction. Two monitors at once, or one that is killed and
started again, cannot spend the same level twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, desc, insert, select, text

from yori.flywheel.database import Database
from yori.flywheel.json_file import finite
from yori.flywheel.schema import ALERTS
from yori.shift.false_alarms import BUDGET, level_of_look

LOOK, FOUND = "look", "look_result"
"""Kinds of rows that are no alerts: a look that began, and what it found."""

_STEP = 1e-6


@dataclass(frozen=True)
class Alert:
    """One finding. ``severity``: ``alarm`` (somebody must act), ``warning`` (somebody should know), ``note``."""

    kind: str
    severity: str
    text: str
    facts: Mapping[str, Any]

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind, "severity": self.severity, "text": self.text, **self.facts}


@dataclass(frozen=True)
class Look:
    """A look that has taken its level. ``number``: counts from 1 for each release."""

    number: int
    at: float
    level: float
    release_id: str


def begin_look(
    database: Database, release_id: str, *, now: float, budget: float = BUDGET, cadence_days: float = 1.0
) -> Look:
    """Take the level that this moment has earned, see `yori.shift.level_of_look`."""
    with database.begin() as connection:
        _alone(connection)
        last = _last_look(connection)
        number = 1 if last is None else int(last["number"]) + 1
        level = level_of_look(now, None if last is None else last["at"], budget=budget, cadence_days=cadence_days)
        at = _free(connection, LOOK, now)
        facts = {"number": number, "at": now, "level": level, "budget": budget, "release": release_id}
        connection.execute(insert(ALERTS).values(at=at, kind=LOOK, severity="note", facts=facts))
    return Look(number, now, level, release_id)


def end_look(database: Database, look: Look, found: Mapping[str, Any], alerts: tuple[Alert, ...]) -> None:
    """Keep what a look found, and its alerts."""
    with database.begin() as connection:
        _alone(connection)
        facts = finite({"number": look.number, "at": look.at, "level": look.level, "release": look.release_id, **found})
        at = _free(connection, FOUND, look.at)
        connection.execute(insert(ALERTS).values(at=at, kind=FOUND, severity="note", facts=facts))
        for each in alerts:
            at = _free(connection, each.kind, look.at)
            facts = finite({"look": look.number, "release": look.release_id, "text": each.text, **each.facts})
            connection.execute(insert(ALERTS).values(at=at, kind=each.kind, severity=each.severity, facts=facts))


def earlier_looks(database: Database, release_id: str, *, limit: int = 90) -> list[dict[str, Any]]:
    """What the last looks at a release found, oldest first."""
    query = select(ALERTS.c.facts).where(ALERTS.c.kind == FOUND).order_by(desc(ALERTS.c.alert_id)).limit(4 * limit)
    with database.connect() as connection:
        rows = [dict(facts) for facts in connection.execute(query).scalars()]
    return [facts for facts in rows if facts.get("release") == release_id][:limit][::-1]


def open_alerts(database: Database, *, since: float = 0.0) -> list[dict[str, Any]]:
    """Alerts after a time, oldest first."""
    columns = (ALERTS.c.alert_id, ALERTS.c.at, ALERTS.c.kind, ALERTS.c.severity, ALERTS.c.facts)
    query = select(*columns).where(ALERTS.c.kind.not_in((LOOK, FOUND)), ALERTS.c.at >= since)
    with database.connect() as connection:
        rows = connection.execute(query.order_by(ALERTS.c.alert_id)).all()
    return [{"alert_id": row[0], "at": row[1], "kind": row[2], "severity": row[3], **row[4]} for row in rows]


def _last_look(connection: Connection) -> Mapping[str, Any] | None:
    query = select(ALERTS.c.facts).where(ALERTS.c.kind == LOOK).order_by(desc(ALERTS.c.alert_id)).limit(1)
    facts: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
    return facts


def _free(connection: Connection, kind: str, at: float) -> float:
    """A time that no row of this kind has: clocks stand still and go back."""
    while connection.execute(select(ALERTS.c.alert_id).where(ALERTS.c.kind == kind, ALERTS.c.at == at)).first():
        at += _STEP
    return at


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's writers are alone anyway
        connection.execute(text("LOCK TABLE alerts IN EXCLUSIVE MODE"))
