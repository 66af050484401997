"""Items of the queue: what people should hear, read or look at, and why."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, select, text, update

from yori.errors import ValuesError
from yori.flywheel.database import Database
from yori.flywheel.schema import ANSWERS, ITEMS, LEASES
from yori.store.content_key import content_key

Kind = Literal["audio", "image", "text", "row"]
KINDS: tuple[Kind, ...] = ("audio", "image", "text", "row")

_AT_ONCE = 500
"""Ids named in one statement; databases limit the number of parameters."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question to a person. Fields are the columns of `yori.flywheel.schema.ITEMS`.

    Parameters
    ----------
    item_id
        What `item_key` gives: the same question about the same input has the same id, and is asked once.
    turn
        Round of the flywheel that asks.
    kind
        ``audio``, ``image``, ``text`` or ``row``.
    share
        The quota it was taken under: ``abstained``, ``random``, ``gold`` … Never shown before the answer.
    priority
        Higher is asked earlier.
    reasons
        Why it is asked: ``{"kind": "abstained", "text": "confidence 0.31, below 0.62", "value": 0.31}``.
    content
        What the page shows beside the media: ``text`` (a text), ``fields`` (a mapping, for rows), ``neighbours`` (a list of
        ``{"example_id": …, "label": …, "similarity": …}``, most similar first).
    media
        Path inside the project. None where ``example_id`` names an example with a file of its own, and for rows and texts.
    start, duration
        Window of the media, seconds; None = the beginning, to the end.
    example_id, prediction_id
        The example or the logged prediction that is asked about.
    suggested, current
        Label that the model proposes, and the one that the project holds.
    wanted
        How many people must answer independently.
    gold
        The known answer, for items that measure the annotators.

    Raises
    ------
    ValuesError
        If the kind is unknown, nobody is wanted, or the priority is no number.
    """

    item_id: str
    turn: int
    kind: Kind
    share: str
    priority: float
    reasons: Sequence[Mapping[str, Any]] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    media: str | None = None
    start: float | None = None
    duration: float | None = None
    example_id: str | None = None
    prediction_id: int | None = None
    domain: str | None = None
    suggested: str | None = None
    current: str | None = None
    confidence: float | None = None
    wanted: int = 1
    gold: str | None = None

    def __post_init__(self) -> None:
        where = f"item {self.item_id[:12]}"
        if self.kind not in KINDS:
            raise ValuesError(f"a kind out of {', '.join(KINDS)}", repr(self.kind), where=where)
        if not 1 <= self.wanted <= 100:
            raise ValuesError("between 1 and 100 wanted answers", str(self.wanted), where=where)
        if not math.isfinite(self.priority):
            raise ValuesError("a finite priority", str(self.priority), where=where)


def item_key(
    *,
    input_sha256: str | None = None,
    example_id: str | None = None,
    start: float | None = None,
    duration: float | None = None,
    question: str = "label",
) -> str:
    """The id of an item: a hash of the input (its bytes or its example) and of what is asked about it.

    Parameters
    ----------
    question
        What makes two questions about one input different, such as the data version whose label is in doubt.

    Examples
    --------
    >>> item_key(example_id="a")[:12]
    'a1cb7c6975a4'
    >>> item_key(example_id="a") == item_key(example_id="a", question="label of version 3")
    False
    """
    if input_sha256 is None and example_id is None:
        raise ValuesError("the hash of an input or an example id", "neither", where="item_key")
    return content_key(
        input=input_sha256, example=example_id, start=start, duration=duration, question=question, format=1
    )


def one_at_a_time(connection: Connection) -> None:
    """Let one transaction at a time change the queue, as SQLite does by itself; readers go on."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE"))


def add_items(database: Database, items: Sequence[Item]) -> int:
    """Put items into the queue; one whose id is there already is left as it is.

    Returns
    -------
    How many are new.
    """
    new = {item.item_id: item for item in reversed(items)}
    now = time.time()
    with database.begin() as connection:
        one_at_a_time(connection)
        for chunk in in_chunks(list(new)):
            known = connection.execute(select(ITEMS.c.item_id).where(ITEMS.c.item_id.in_(chunk)))
            for item_id in known.scalars():
                del new[item_id]
        rows = [_row(item, now) for item in new.values()]
        if rows:
            connection.execute(ITEMS.insert(), rows)
    return len(rows)


def ask_again(database: Database, item_ids: Iterable[str], *, more: int = 1) -> int:
    """Want more answers for items whose answers are in conflict; people who answered are not asked again.

    Returns
    -------
    How many items are open again; those merged or withdrawn stay as they are.
    """
    return _change(database, item_ids, ("open", "answered"), wanted=ITEMS.c.wanted + more, state="open")


def withdraw_items(database: Database, item_ids: Iterable[str]) -> int:
    """Take items out of the queue; answers given so far stay. Returns how many were open."""
    return _change(database, item_ids, ("open",), state="withdrawn")


def count_items(database: Database) -> dict[str, int]:
    """How many items are in which state."""
    from sqlalchemy import func

    with database.connect() as connection:
        rows = connection.execute(select(ITEMS.c.state, func.count()).group_by(ITEMS.c.state)).all()
    return {state: int(count) for state, count in rows}


def in_force() -> Any:
    """Condition on `yori.flywheel.schema.ANSWERS`: a row that is no undo and was not taken back."""
    later = ANSWERS.alias("later")
    undone = select(later.c.answer_id).where(
        later.c.item_id == ANSWERS.c.item_id, later.c.undoes == ANSWERS.c.answer_id, later.c.verdict == "undo"
    )
    return (ANSWERS.c.verdict != "undo") & ~undone.exists()


def _change(database: Database, item_ids: Iterable[str], states: tuple[str, ...], **values: Any) -> int:
    changed = 0
    with database.begin() as connection:
        one_at_a_time(connection)
        for chunk in in_chunks(list(dict.fromkeys(item_ids))):
            chosen = ITEMS.c.item_id.in_(chunk) & ITEMS.c.state.in_(states)
            changed += connection.execute(update(ITEMS).where(chosen).values(**values)).rowcount
            if values.get("state") == "withdrawn":
                connection.execute(LEASES.delete().where(LEASES.c.item_id.in_(chunk)))
    return changed


def _row(item: Item, now: float) -> dict[str, Any]:
    fields = asdict(item)
    return {
        **fields,
        "content": dict(item.content),
        "reasons": [dict(one) for one in item.reasons],
        "at": now,
        "state": "open",
    }


def in_chunks(ids: list[str]) -> Iterable[list[str]]:
    """Ids in lists short enough for one statement."""
    return (ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE))
