"""How far the review is, how fast, and how much people agree with each other and with what is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from yori.errors import ValuesError
from yori.flywheel.database import Database
from yori.flywheel.items import in_force
from yori.flywheel.leases import COUNTED
from yori.flywheel.schema import ANSWERS, ITEMS
from yori.statistics.raters import krippendorff_alpha

PACE_OVER = 50
"""Last answers that the pace is measured on."""

FEWEST_GOLD = 5
"""Below so many gold items nothing is said about them: it would tell which item was one."""


@dataclass(frozen=True)
class Agreement:
    """Of the items that two or more people answered: how many, share of agreeing pairs, Krippendorff's alpha (None where
    all answers are one class)."""

    items: int
    share: float
    alpha: float | None


@dataclass(frozen=True)
class Progress:
    """One person's view of the queue.

    Parameters
    ----------
    answered, skipped
        By the person, in force.
    left
        Open items that the person may still be asked.
    done, all
        Items with all the answers wanted, and items in all (without withdrawn ones).
    per_hour
        3 600 / median seconds of the person's last `PACE_OVER` answers; None before the first.
    agreement
        Between this person and others; None while no item has two answers.
    gold_items, gold_right
        Gold items answered, and how many rightly; 0 of 0 below `FEWEST_GOLD`.
    """

    answered: int
    skipped: int
    left: int
    done: int
    all: int
    per_hour: float | None
    agreement: Agreement | None
    gold_items: int
    gold_right: int


def progress(database: Database, person: str) -> Progress:
    """What a person has done and what is left."""
    with database.connect() as connection:
        states = select(ITEMS.c.state, func.count()).where(ITEMS.c.state != "withdrawn").group_by(ITEMS.c.state)
        by_state = {state: int(count) for state, count in connection.execute(states)}
        mine = select(ANSWERS.c.verdict, func.count()).where(ANSWERS.c.person == person, in_force())
        verdicts = {verdict: int(count) for verdict, count in connection.execute(mine.group_by(ANSWERS.c.verdict))}
        own = select(func.count(ANSWERS.c.item_id.distinct())).join(ITEMS, ITEMS.c.item_id == ANSWERS.c.item_id)
        own = own.where(ANSWERS.c.person == person, ITEMS.c.state == "open", in_force())
        gold, right = _gold(connection, person)
        return Progress(
            answered=sum(verdicts.get(one, 0) for one in COUNTED),
            skipped=verdicts.get("skip", 0),
            left=by_state.get("open", 0) - int(connection.execute(own).scalar_one()),
            done=sum(count for state, count in by_state.items() if state != "open"),
            all=sum(by_state.values()),
            per_hour=_pace(connection, person),
            agreement=agreement(connection, person),
            gold_items=gold if gold >= FEWEST_GOLD else 0,
            gold_right=right if gold >= FEWEST_GOLD else 0,
        )


def agreement(connection: Connection, person: str | None = None) -> Agreement | None:
    """How much people agree on items that several of them answered; with a person: on items that person answered.

    An ``unsure`` and a ``drop`` are answers like labels: two people who both drop agree.
    """
    query = select(ANSWERS.c.item_id, ANSWERS.c.person, ANSWERS.c.verdict, ANSWERS.c.label)
    query = query.join(ITEMS, ITEMS.c.item_id == ANSWERS.c.item_id)
    query = query.where(ITEMS.c.wanted > 1, ANSWERS.c.verdict.in_(COUNTED), in_force())
    votes: dict[str, dict[str, str]] = {}
    for item_id, who, verdict, label in connection.execute(query):
        votes.setdefault(item_id, {})[who] = f"={label}" if label is not None else verdict
    shared = [one for one in votes.values() if len(one) > 1 and (person is None or person in one)]
    if not shared:
        return None
    pairs = agreeing = 0
    for one in shared:
        for who, vote in one.items():
            others = [other for name, other in one.items() if name != who]
            if person is None or who == person:
                pairs += len(others)
                agreeing += sum(other == vote for other in others)
    return Agreement(len(shared), agreeing / pairs, _alpha(shared))


def _alpha(shared: list[dict[str, str]]) -> float | None:
    people = sorted({name for one in shared for name in one})
    ratings = np.array([[one.get(name, "") for name in people] for one in shared])
    try:
        return float(krippendorff_alpha(ratings, rated=ratings != ""))
    except ValuesError:  # all answers are one class
        return None


def _gold(connection: Connection, person: str) -> tuple[int, int]:
    query = select(ANSWERS.c.label, ITEMS.c.gold).join(ITEMS, ITEMS.c.item_id == ANSWERS.c.item_id)
    query = query.where(
        ANSWERS.c.person == person, ITEMS.c.gold.is_not(None), ANSWERS.c.verdict.in_(COUNTED), in_force()
    )
    rows = connection.execute(query).all()
    return len(rows), sum(label == gold for label, gold in rows)


def _pace(connection: Connection, person: str) -> float | None:
    query = select(ANSWERS.c.seconds).where(ANSWERS.c.person == person, ANSWERS.c.seconds > 0, in_force())
    last = connection.execute(query.order_by(ANSWERS.c.answer_id.desc()).limit(PACE_OVER)).scalars().all()
    return 3600 / float(np.median(last)) if last else None
