"""Questions and answers as CSV and JSON Lines."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from yori.errors import AlignmentError, ConflictError, SourceError, ValuesError
from yori.flywheel.answer_files import read_answers, write_answers, write_questions
from yori.flywheel.database import Database
from yori.flywheel.queue import Item, add_items, open_answers
from yori.flywheel.schema import ITEMS

CLASSES = ("bell", "horn", "whistle")


@pytest.fixture
def filled(database: Database) -> Database:
    items = [
        Item(
            item_id=f"item{number}", turn=1, kind="audio", share="secret", priority=1 - number / 10, media=f"{number}.wav",
            example_id=f"example {number}", suggested="horn", current="bell", gold="secret",
            reasons=[{"kind": "x", "text": "=1+1, because"}],
        )
        for number in range(4)
    ]  # fmt: skip
    add_items(database, items)
    return database


def rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines()))


def write(path: Path, content: list[dict[str, Any]] | str) -> Path:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, content)), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, sorted({name for row in content for name in row}))
            writer.writeheader()
            writer.writerows(content)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_questions_go_out_and_answers_come_in(filled: Database, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"questions.{kind}"
    assert write_questions(filled, path) == 4
    assert "secret" not in path.read_text(encoding="utf-8")
    filled_in = rows(path)
    for row, (verdict, label) in zip(
        filled_in, (("", "horn"), ("relabel", "bell"), ("drop", ""), ("", "")), strict=True
    ):
        row.update(verdict=verdict, label=label, person="ann", note="far, 멀리\nsecond line")
    write(path, filled_in)
    report = read_answers(filled, path, classes=CLASSES)
    assert (report.added, report.replaced, report.repeated) == (3, 0, 0)
    table = open_answers(filled).to_pylist()
    assert [(one["item_id"], one["person"], one["verdict"], one["label"]) for one in table] == [
        ("item0", "ann", "accept", "horn"),
        ("item1", "ann", "relabel", "bell"),
        ("item2", "ann", "drop", None),
    ]
    assert {one["note"] for one in table} == {"far, 멀리\nsecond line"}
    assert {one["origin"] for one in table} == {"file"}
    assert read_answers(filled, path, classes=CLASSES).repeated == 3
    assert write_questions(filled, path) == 1
    assert write_answers(filled, tmp_path / f"answers.{kind}") == 3
    assert [row["item_id"] for row in rows(tmp_path / f"answers.{kind}")] == ["item0", "item1", "item2"]


def test_without_suggestions_a_file_tells_nothing(filled: Database, tmp_path: Path) -> None:
    write_questions(filled, tmp_path / "q.jsonl", suggestions=False)
    text = (tmp_path / "q.jsonl").read_text(encoding="utf-8")
    assert "horn" not in text
    assert "because" not in text
    assert "bell" not in text


def test_a_spreadsheet_gets_no_formula(filled: Database, tmp_path: Path) -> None:
    write_questions(filled, tmp_path / "q.csv")
    assert rows(tmp_path / "q.csv")[0]["why"] == "'=1+1, because"
    write(tmp_path / "a.csv", [{"item_id": "item0", "label": "bell", "person": "ann", "note": "=HYPERLINK(1)"}])
    read_answers(filled, tmp_path / "a.csv", classes=CLASSES)
    write_answers(filled, tmp_path / "out.csv")
    assert rows(tmp_path / "out.csv")[0]["note"] == "'=HYPERLINK(1)"


def test_an_example_names_its_item_and_a_person_can_be_named_once(filled: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"example_id": "example 2", "label": "bell", "seconds": "2.5"}])
    read_answers(filled, path, classes=CLASSES, person="ann")
    assert read_answers(filled, path, classes=CLASSES, person="ann").repeated == 1
    (row,) = open_answers(filled).to_pylist()
    assert (row["item_id"], row["person"], row["seconds"]) == ("item2", "ann", 2.5)
    with filled.begin() as connection:
        connection.execute(ITEMS.update().values(state="merged"))
    assert read_answers(filled, path, classes=CLASSES, person="ann").repeated == 1
    write(path, [{"example_id": "example 2", "label": "whistle"}])
    with pytest.raises(ConflictError, match="merged"):
        read_answers(filled, path, classes=CLASSES, person="ann")


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("a.csv", "", SourceError, "columns item_id"),
        ("a.csv", "x,y\n1,2\n", SourceError, "columns item_id"),
        ("a.csv", "item_id,label,person\nitem0,bell,ann,more\n", SourceError, "cells"),
        ("a.csv", "item_id,label,person\nitem0,bell\n", SourceError, "cells"),
        ("a.csv", 'item_id,label,person\n"item0,bell,ann\n', SourceError, "CSV"),
        ("a.csv", "item_id,label,person\nitem0,gong,ann\n", ValuesError, "gong"),
        ("a.csv", "item_id,label,person\nitem0,bell,\n", ValuesError, "who answered"),
        ("a.csv", "item_id,label,person\nitem0,bell,<b>\n", ValuesError, "<b>"),
        ("a.csv", "item_id,verdict,person\nitem0,explode,ann\n", ValuesError, "explode"),
        ("a.csv", "item_id,verdict,person\nitem9,drop,ann\n", AlignmentError, "item9"),
        ("a.csv", "example_id,verdict,person\nexample 9,drop,ann\n", AlignmentError, "example_id"),
        ("a.csv", "item_id,verdict,person,seconds\nitem0,drop,ann,long\n", SourceError, "seconds"),
        ("a.jsonl", "[]\n", SourceError, "a.jsonl:1"),
        ("a.jsonl", '{"item_id": "item0"\n', SourceError, "a.jsonl:1"),
        ("a.jsonl", '{"item_id": "item0", "label": ["bell"], "person": "ann"}', SourceError, "list"),
        ("a.xlsx", "", SourceError, ".csv or .jsonl"),
    ],
)
def test_a_file_that_cannot_be_meant_stores_nothing(
    filled: Database, tmp_path: Path, name: str, content: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        read_answers(filled, write(tmp_path / name, content), classes=CLASSES)
    assert len(open_answers(filled)) == 0


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"item_id,label\n\xff\xfe,x\n")
    with pytest.raises(SourceError, match="UTF-8"):
        read_answers(filled, tmp_path / "a.csv", classes=CLASSES)
    with pytest.raises(SourceError, match="read"):
        read_answers(filled, tmp_path / "none.csv", classes=CLASSES)
