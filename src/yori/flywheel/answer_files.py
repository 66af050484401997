"""Questions out and answers in as CSV or JSON Lines: for spreadsheets, scripts, and tools we do not know."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.flywheel.answer_table import open_answers
from yori.flywheel.database import Database
from yori.flywheel.given_answers import GivenAnswer, GivenReport, give_answers
from yori.flywheel.schema import ITEMS
from yori.store import atomic
from yori.store.content_key import content_key

QUESTION_COLUMNS = (
    *(
        "item_id",
        "kind",
        "media",
        "example_id",
        "start",
        "duration",
        "domain",
        "suggested",
        "current",
        "confidence",
        "why",
    ),
    *("person", "verdict", "label", "note"),
)
"""Columns of a file of questions; the last four are empty, for people to fill in."""

READ = ("item_id", "example_id", "person", "verdict", "label", "note", "seconds")
"""Columns that count when answers are read; others are left alone."""

MOST_BYTES = 500_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_questions(database: Database, path: Path, *, suggestions: bool = True) -> int:
    """Write the open items, most urgent first; returns how many. ``.csv`` or ``.jsonl`` decides the format.

    Gold answers, shares and what others said are not in the file; without ``suggestions`` neither are the suggestions, the
    current labels and the reasons.
    """
    query = select(ITEMS).where(ITEMS.c.state == "open").order_by(ITEMS.c.priority.desc(), ITEMS.c.item_id)
    with database.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        row["why"] = "; ".join(str(one.get("text", "")) for one in row["reasons"])
        if not suggestions:
            row.update(suggested=None, current=None, confidence=None, why="")
    _write(path, QUESTION_COLUMNS, rows)
    return len(rows)


def write_answers(database: Database, path: Path) -> int:
    """Write every answer in force, those merged already included; returns how many."""
    table = open_answers(database, states=("open", "answered", "merged", "withdrawn"))
    _write(path, tuple(table.column_names), table.to_pylist())
    return table.num_rows


def read_answers(database: Database, path: Path, *, classes: Iterable[str], person: str | None = None) -> GivenReport:
    """Store the answers of a file; rows without verdict and label are unanswered and left out.

    A row names its item by ``item_id``, or by ``example_id`` where one item asks about that example. A label without a
    verdict is an answer with that label. Reading the same file again changes nothing.

    Parameters
    ----------
    person
        Who answered, where the file does not say.

    Raises
    ------
    SourceError
        If the file cannot be read as CSV or JSON Lines with these columns.
    AlignmentError
        If a row names no item of this queue.
    ValuesError
        If a verdict, label, note or person is not usable; nothing is stored then.
    """
    by_example = _by_example(database)
    answers = []
    for line, row in _read(path):
        where = f"{path}:{line}"
        cells = {name: _text(row.get(name), where) for name in READ}
        verdict, label = cells["verdict"], cells["label"]
        if verdict is None and label is None:
            continue
        who = cells["person"] or person
        if who is None:
            raise ValuesError(
                "who answered", "an empty person", where=where, fix="Fill the column in, or name them: --who."
            )
        item_id = cells["item_id"] or by_example.get(cells["example_id"] or "")
        if item_id is None:
            raise AlignmentError("an item_id, or an example_id that one item asks about", "neither", where=where)
        given = GivenAnswer(
            item_id=item_id,
            person=who,
            verdict=verdict or "relabel",
            label=label,
            note=cells["note"],
            seconds=_seconds(cells["seconds"], where),
            key="",
        )
        answers.append(replace(given, key=content_key(**asdict(given))))
    return give_answers(database, answers, classes=list(classes), origin="file")


def _by_example(database: Database) -> dict[str, str]:
    """The one item that asks about an example: among those that wait for answers or for merging, else among all."""
    asked = select(ITEMS.c.example_id, ITEMS.c.item_id, ITEMS.c.state)
    asked = asked.where(ITEMS.c.example_id.is_not(None), ITEMS.c.state != "withdrawn")
    found: dict[str, tuple[list[str], list[str]]] = {}
    with database.connect() as connection:
        for example_id, item_id, state in connection.execute(asked):
            found.setdefault(example_id, ([], []))[state == "merged"].append(item_id)
    return {name: (waiting or merged)[0] for name, (waiting, merged) in found.items() if len(waiting or merged) == 1}


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    kind, out = _kind(path), io.StringIO(newline="")
    if kind == ".csv":
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name), name) for name in columns] for row in rows)
    else:
        for row in rows:
            out.write(json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False, allow_nan=False) + "\n")
    atomic.replace_file(path, out.getvalue().encode("utf-8", "replace"))


def _cell(value: Any, name: str) -> Any:
    # A spreadsheet runs a note that begins like a formula; labels and ids must come back as they are.
    if name in ("note", "why") and isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _read(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    kind = _kind(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SourceError(f"a file under {MOST_BYTES:,} bytes", f"{path.stat().st_size:,}", where=str(path))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error
    except UnicodeDecodeError as error:
        raise SourceError("UTF-8 text", f"byte {error.object[error.start]:#x}", where=str(path)) from None
    rows = _csv_rows(text, path) if kind == ".csv" else _json_rows(text, path)
    return list(rows)


def _csv_rows(text: str, path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = set(reader.fieldnames or ())
        if not names & {"item_id", "example_id"} or not names & {"label", "verdict"}:
            arrived = ", ".join(sorted(map(str, names))[:10]) or "none"
            raise SourceError("columns item_id and label or verdict", arrived, where=str(path))
        for row in reader:
            if None in row or None in row.values():
                raise SourceError("as many cells as columns", "more or fewer", where=f"{path}:{reader.line_num}")
            yield reader.line_num, row
    except csv.Error as error:
        raise SourceError("CSV", str(error), where=f"{path}:{reader.line_num}") from error


def _json_rows(text: str, path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise SourceError("one JSON object in each line", repr(line[:60]), where=f"{path}:{number}")
        yield number, row


def _text(value: Any, where: str) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool | list | dict):
        raise SourceError("text or a number in a cell", type(value).__name__, where=where)
    return value if isinstance(value, str) else str(value)


def _seconds(text: str | None, where: str) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        raise SourceError("seconds as a number", repr(text)[:60], where=where) from None


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in (".csv", ".jsonl"):
        raise SourceError("a file .csv or .jsonl", repr(path.suffix), where=str(path))
    return kind
