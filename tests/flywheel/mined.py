"""A world whose stream was logged and asked about, and people who know the truth, or do not."""

from __future__ import annotations

import hashlib

import numpy as np
from sqlalchemy import select
from tests.flywheel import mixture_world
from tests.flywheel.mixture_world import CLASSES, Stream

from yori.flywheel.database import Database
from yori.flywheel.given_answers import GivenAnswer, give_answers
from yori.flywheel.items import Item, add_items, item_key
from yori.flywheel.schema import ITEMS, PREDICTIONS


def truth_of(arrived: Stream) -> dict[str, str]:
    """True class by the hash of the input."""
    return {
        hashlib.sha256(vector.tobytes()).hexdigest(): CLASSES[label]
        for vector, label in zip(arrived.embeddings, arrived.truth, strict=True)
    }


def answer_all(database: Database, truth: dict[str, str], *, people: int = 2, wrong: float = 0.0) -> int:
    """Every open item that comes from the log is answered by as many people as it wants."""
    columns = (ITEMS.c.item_id, ITEMS.c.wanted, PREDICTIONS.c.input_sha256)
    query = select(*columns).join(PREDICTIONS, PREDICTIONS.c.prediction_id == ITEMS.c.prediction_id)
    with database.connect() as connection:
        rows = connection.execute(query.where(ITEMS.c.state == "open").order_by(ITEMS.c.item_id)).all()
    rng = np.random.default_rng(3)
    given = []
    for item_id, wanted, digest in rows:
        for person in range(max(wanted, 1)):
            label = truth[digest]
            if rng.random() < wrong:
                label = CLASSES[(CLASSES.index(label) + 1 + rng.integers(0, 3)) % 4]
            given.append(
                GivenAnswer(
                    item_id=item_id, person=f"p{person % people}", verdict="relabel", label=label, key="1", seconds=4.0
                )
            )
    return give_answers(database, given, classes=CLASSES, origin="simulated").added


def ask_about_log(database: Database, count: int, *, turn: int = 1, share: str = "uncertain") -> list[str]:
    """Items about the first logged predictions that are not asked yet; their ids."""
    asked = select(ITEMS.c.prediction_id).where(ITEMS.c.prediction_id.is_not(None))
    query = select(PREDICTIONS.c.prediction_id, PREDICTIONS.c.input_sha256, PREDICTIONS.c.label)
    query = query.where(PREDICTIONS.c.prediction_id.not_in(asked)).order_by(PREDICTIONS.c.prediction_id).limit(count)
    with database.connect() as connection:
        rows = connection.execute(query).all()
    items = [
        Item(
            item_id=item_key(input_sha256=digest), turn=turn, kind="row", share=share, priority=1.0,
            prediction_id=number, suggested=label,
        )
        for number, digest, label in rows
    ]  # fmt: skip
    add_items(database, items)
    return [item.item_id for item in items]


__all__ = ["answer_all", "ask_about_log", "mixture_world", "truth_of"]
