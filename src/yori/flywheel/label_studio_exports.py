"""Exports of Label Studio read back as answers: JSON, JSON-MIN, CSV and TSV.

Only JSON says who skipped. The other three are flat: a row for each annotation, the newest first, and one for a task without.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yori.errors import AlignmentError, SourceError
from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.given_answers import GivenAnswer
from yori.flywheel.label_studio import LABEL, NOTE, VERDICT, VERDICTS_SHOWN
from yori.flywheel.people import check_person
from yori.store.tables import some_ids

MOST_BYTES = 2_000_000_000
SEPARATORS = {".csv": ",", ".tsv": "\t"}
_HELD = {"choices": "choices", "textarea": "text"}
"""Type of a result → where its value holds the words."""


def read_export(file: Path) -> Any:
    """What a file holds: CSV and TSV by their extension as a list of rows, anything else as JSON.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SourceError(f"a file under {MOST_BYTES:,} bytes", f"{file.stat().st_size:,}", where=str(file))
        content = file.read_bytes()
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(file)) from error
    separator = SEPARATORS.get(file.suffix.lower())
    fix = "Export as JSON, JSON-MIN, CSV or TSV from Label Studio."
    if separator is not None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise SourceError("UTF-8 text", "something else", where=str(file), fix=fix) from None
        return _rows(text, separator, file)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError("JSON", "something else", where=str(file), fix=fix) from None


def _rows(text: str, separator: str, file: Path) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values():
                where = f"{file}:{reader.line_num}"
                raise SourceError("as many cells as columns", "more or fewer", where=where)
            rows.append(row)
    except csv.Error as error:
        raise SourceError("a table", str(error), where=f"{file}:{reader.line_num}") from error
    return rows


def read_annotations(exported: Any, *, project: str, where: str) -> list[GivenAnswer]:
    """Answers out of an export.

    A cancelled annotation is a skip; one without a choice says nothing and is left out. Regions, spans and other results
    that our configuration does not ask for are left out, too. Of several annotations of a person on one task the one that was
    changed last counts. In an export the predictions are ids only, and are not read.

    Parameters
    ----------
    exported
        What `read_export` or the API gives: a list of tasks, or of flat rows.
    project
        What `project_key` gives for this project.
    where
        Name of the file, for errors.

    Raises
    ------
    SourceError
        If it is no export of Label Studio.
    AlignmentError
        If the tasks are not those that yori pushed from this project.
    """
    if not isinstance(exported, list) or not all(isinstance(one, dict) for one in exported):
        fix = "Export as JSON, JSON-MIN, CSV or TSV."
        raise SourceError("a list of tasks as Label Studio exports it", "something else", where=where, fix=fix)
    rows = [one.get("data", one) for one in exported]
    if not all(isinstance(row, dict) for row in rows):
        raise SourceError("tasks with data", "a task without", where=where)
    strangers = [str(one.get("id", place)) for place, (one, row) in enumerate(zip(exported, rows, strict=True))
                 if not isinstance(row.get("yori_item"), str) or row.get("yori_project") != project]  # fmt: skip
    if strangers:
        known = sum(isinstance(row.get("yori_item"), str) for row in rows)
        arrived = "tasks of another yori project" if known else "tasks that yori did not push"
        fix = "Choose the export of the project that `yori labelstudio push` filled."
        raise AlignmentError("tasks of this project", f"{arrived}: {some_ids(strangers)}", where=where, fix=fix)
    latest: dict[tuple[str, str], tuple[tuple[str, int], GivenAnswer]] = {}
    for one, row in zip(exported, rows, strict=True):
        flat = "annotations" not in one
        for annotation in [one] if flat else _list(one["annotations"], where):
            found = _flat(annotation) if flat else _results(annotation, where)
            answer = _answer(row, annotation, found, where)
            if answer is not None:
                place, age = (answer.item_id, answer.person), _age(annotation)
                if place not in latest or latest[place][0] <= age:
                    latest[place] = (age, answer)
    return [answer for _, answer in latest.values()]


def people_of(exported: Any) -> set[tuple[str, str]] | None:
    """Item and person of every annotation, also of those that say nothing; None for flat rows, which do not hold them all."""
    if any("annotations" not in one for one in exported):
        return None
    return {
        (one["data"]["yori_item"], _person(annotation.get("completed_by")))
        for one in exported
        for annotation in one["annotations"]
    }


def _answer(
    row: Mapping[str, Any], annotation: Mapping[str, Any], found: Mapping[str, list[str]], where: str
) -> GivenAnswer | None:
    verdict, label = _said(annotation, found, where)
    if verdict is None:
        return None
    number = annotation.get("annotation_id", annotation.get("id"))
    note = "\n".join(found.get(NOTE, []))[:2000]
    return GivenAnswer(
        item_id=row["yori_item"],
        person=_person(annotation.get("completed_by", annotation.get("annotator"))),
        verdict=verdict,
        label=label,
        note=note or None,
        seconds=_seconds(annotation.get("lead_time")),
        suggestion_shown=row.get("yori_suggestion") in (True, "True", "true"),
        key=f"{number} {annotation.get('updated_at') or annotation.get('created_at')}",
    )


def _said(annotation: Mapping[str, Any], found: Mapping[str, list[str]], where: str) -> tuple[str | None, str | None]:
    if annotation.get("was_cancelled"):
        return "skip", None
    if found.get(VERDICT):
        verdict = found[VERDICT][0]
        shown = {sentence: name for name, (sentence, _) in VERDICTS_SHOWN.items()}
        verdict = shown.get(verdict, verdict)
        if verdict not in VERDICTS_SHOWN:
            expected = f"a verdict out of {', '.join(VERDICTS_SHOWN)}"
            raise SourceError(expected, repr(verdict[:80]), where=where, fix="Was the configuration changed?")
        return verdict, None
    labels = found.get(LABEL)
    return ("relabel", LABELS_APART.join(labels)) if labels else (None, None)


def _results(annotation: Any, where: str) -> dict[str, list[str]]:
    """Choices and texts of an annotation by the name of their control."""
    if not isinstance(annotation, dict):
        raise SourceError("an annotation", "something else", where=where)
    found: dict[str, list[str]] = {}
    for one in _list(annotation.get("result") or [], where):
        value = one.get("value") if isinstance(one, dict) else None
        if not isinstance(value, dict):
            raise SourceError("results with a value", "one without", where=where)
        kind = _HELD.get(str(one.get("type")))
        if kind is not None and one.get("from_name") in (LABEL, VERDICT, NOTE):
            found.setdefault(one["from_name"], []).extend(_texts(value.get(kind)))
    return found


def _flat(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """The same out of a flat row, where one word is a text and several are a mapping; in a table that is JSON in a cell."""
    return {name: _texts(_parsed(row.get(name))) for name in (LABEL, VERDICT, NOTE)}


def _parsed(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(("{", "[")):
        return cell
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    several = found if isinstance(found, list) else [found]
    held = all(isinstance(one, dict) and isinstance(one.get("choices", one.get("text")), list) for one in several)
    return found if held and several else cell  # a note may look like JSON, too


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, dict):
        return _texts(next((value[kind] for kind in _HELD.values() if kind in value), None))
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else [str(value)]


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise SourceError("a list", type(value).__name__, where=where)
    return value


def _age(annotation: Mapping[str, Any]) -> tuple[str, int]:
    number = str(annotation.get("annotation_id", annotation.get("id")))
    changed = annotation.get("updated_at") or annotation.get("created_at") or ""
    return str(changed), int(number) if number.isascii() and number.isdigit() and len(number) < 20 else 0


def _seconds(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _person(completed_by: Any) -> str:
    """A name for whoever annotated: the address if it is there, else the number."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    if isinstance(completed_by, str) and "@" in completed_by:
        return check_person(completed_by)
    return check_person(f"label studio {completed_by}" if completed_by not in (None, "") else "label studio")
