"""Exports of a real Label Studio come home; what is none is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flywheel.round_trip import AFTER_ALL, ask

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.database import Database
from yori.flywheel.label_studio_exchange import project_key, pull
from yori.flywheel.label_studio_exports import people_of, read_annotations, read_export
from yori.flywheel.merge import merge
from yori.flywheel.queue import open_answers
from yori.store import Project
from yori.task import parse_task, read_task

RECORDED = Path(__file__).with_name("recorded")
FORMATS = {"json": "json", "min.json": "json", "csv": "csv", "tsv": "tsv"}
"""Format → extension of the file."""


@pytest.fixture
def filled(project: Project, database: Database) -> Database:
    """The seven questions that were pushed where the exports come from."""
    ask(project, database)
    return database


def recorded(project: Project, folder: Path, name: str, kind: str = "json") -> Path:
    """A recorded export as if this project had been pushed there."""
    text = (RECORDED / f"{name}.{kind}").read_bytes().decode().replace("PROJECT", project_key(project))
    path = folder / f"{name}-{kind.replace('.', '-')}.{FORMATS[kind]}"
    path.write_bytes(text.encode())
    return path


def saved(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def in_force(database: Database) -> list[tuple[Any, ...]]:
    """Answers in the words of the round trip."""
    rows = open_answers(database).to_pylist()
    found = [
        (row["item_id"], int(row["person"].removeprefix("label studio ")), row["verdict"], row["label"], row["note"])
        for row in rows
    ]
    return sorted(found, key=lambda one: one[:2])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_recorded_export_comes_home(project: Project, filled: Database, tmp_path: Path, kind: str) -> None:
    expected = AFTER_ALL if kind == "json" else [one for one in AFTER_ALL if one[2] != "skip"]
    file = recorded(project, tmp_path, "bells", kind)
    taken = pull(project, filled, file=file)
    assert (taken.given.added, taken.given.replaced, taken.given.repeated, taken.gone) == (len(expected), 0, 0, ())
    assert in_force(filled) == expected
    rows = open_answers(filled).to_pylist()
    assert {row["seconds"] for row in rows} == {1.5}
    assert {row["suggestion_shown"] for row in rows} == {True}
    assert {row["origin"] for row in rows} == {"label_studio"}
    again = pull(project, filled, file=file)
    assert (again.given.added, again.given.replaced, again.given.repeated) == (0, 0, len(expected))


def test_every_format_is_the_same_answers(project: Project, filled: Database, tmp_path: Path) -> None:
    pull(project, filled, file=recorded(project, tmp_path, "bells"))
    for kind in FORMATS:
        taken = pull(project, filled, file=recorded(project, tmp_path, "bells", kind)).given
        assert (taken.added, taken.replaced) == (0, 0)
    assert in_force(filled) == AFTER_ALL


@pytest.mark.parametrize("kind", FORMATS)
def test_several_labels_come_home(project: Project, tmp_path: Path, kind: str) -> None:
    exported = read_export(recorded(project, tmp_path, "several", kind))
    found = read_annotations(exported, project=project_key(project), where="x")
    assert sorted(one.label or "" for one in found) == [f"bell{LABELS_APART}whistle", "horn"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_of_another_project_is_refused(project: Project, filled: Database, tmp_path: Path, kind: str) -> None:
    with pytest.raises(AlignmentError, match="tasks that yori did not push"):
        pull(project, filled, file=recorded(project, tmp_path, "another", kind))
    other = tmp_path / f"other.{FORMATS[kind]}"
    other.write_bytes((RECORDED / f"bells.{kind}").read_bytes().replace(b"PROJECT", b"0123456789abcdef"))
    with pytest.raises(AlignmentError, match="tasks of another yori project"):
        pull(project, filled, file=other)
    assert len(open_answers(filled)) == 0


def test_one_stranger_among_our_tasks_is_named(project: Project, filled: Database, tmp_path: Path) -> None:
    exported = json.loads(recorded(project, tmp_path, "bells").read_bytes())
    exported[3]["data"]["yori_project"] = "0123456789abcdef"
    with pytest.raises(AlignmentError, match=f"tasks of another yori project: '{exported[3]['id']}'"):
        pull(project, filled, file=saved(tmp_path / "a.json", exported))
    stranger = json.loads(recorded(project, tmp_path, "bells").read_bytes())
    stranger[0]["data"]["yori_item"] = "of another queue"
    with pytest.raises(AlignmentError, match="of another queue"):
        pull(project, filled, file=saved(tmp_path / "c.json", stranger))
    assert len(open_answers(filled)) == 0


def test_a_changed_annotation_takes_the_place_of_its_earlier_self(
    project: Project, filled: Database, tmp_path: Path
) -> None:
    file = recorded(project, tmp_path, "bells")
    pull(project, filled, file=file)
    exported = json.loads(file.read_bytes())
    task = next(one for one in exported if one["data"]["yori_item"] == "item0")
    task["annotations"][0]["result"][0]["value"]["choices"] = ["bell"]
    task["annotations"][0]["updated_at"] = "2099-11-21T00:00:00Z"
    report = pull(project, filled, file=saved(tmp_path / "2.json", exported)).given
    assert (report.added, report.replaced) == (0, 1)
    assert in_force(filled)[0][3] == "bell"


def test_of_two_annotations_of_a_person_the_later_counts_whatever_the_order(
    project: Project, filled: Database, tmp_path: Path
) -> None:
    exported = json.loads(recorded(project, tmp_path, "bells").read_bytes())
    for task in exported:
        task["annotations"].reverse()
    pull(project, filled, file=saved(tmp_path / "back.json", exported))
    assert in_force(filled) == AFTER_ALL


def test_what_was_removed_there_is_told_and_taken_back_on_demand(
    project: Project, filled: Database, tmp_path: Path
) -> None:
    file = recorded(project, tmp_path, "bells")
    pull(project, filled, file=file)
    exported = json.loads(file.read_bytes())
    task = next(one for one in exported if one["data"]["yori_item"] == "item1")
    gone = next(one for one in task["annotations"] if one["completed_by"] == 2)
    task["annotations"].remove(gone)
    less = saved(tmp_path / "less.json", exported)
    told = pull(project, filled, file=less)
    assert (told.gone, told.taken_back) == ((("item1", "label studio 2"),), False)
    assert in_force(filled) == AFTER_ALL
    done = pull(project, filled, file=less, take_gone_back=True)
    assert (done.gone, done.taken_back) == (told.gone, True)
    assert in_force(filled) == [one for one in AFTER_ALL if one[:2] != ("item1", 2)]
    assert pull(project, filled, file=less, take_gone_back=True).gone == ()
    # a part of the tasks says nothing about the others, and a flat export nothing at all
    assert pull(project, filled, file=saved(tmp_path / "part.json", exported[:1])).gone == ()
    assert people_of([{"id": 1}]) is None


def test_what_is_said_after_merging_comes_too_late_and_stops_nobody(
    project: Project, filled: Database, tmp_path: Path
) -> None:
    pull(project, filled, file=recorded(project, tmp_path, "bells"))
    merge(project, filled, read_task(project.path / "task.yaml"))
    exported = json.loads(recorded(project, tmp_path, "bells").read_bytes())
    for task in exported:
        for annotation in task["annotations"]:
            annotation["updated_at"] = "2099-11-21T00:00:00Z"
            annotation["result"] = [
                {"from_name": "label", "to_name": "media", "type": "choices", "value": {"choices": ["bell"]}}
            ]
            annotation["was_cancelled"] = False
    states = open_answers(filled, states=("merged", "withdrawn"))["item_id"].to_pylist()
    late = pull(project, filled, file=saved(tmp_path / "late.json", exported)).given
    assert late.late >= len(states) > 0
    after = {row["item_id"]: row["label"] for row in open_answers(filled, states=("merged",)).to_pylist()}
    assert after.get("item0", "horn") == "horn"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", SourceError),
        (b"{", SourceError),
        (b"[" * 100_000, SourceError),
        (b"{}", SourceError),
        (b"[1]", SourceError),
        (b'[{"data": 1}]', SourceError),
        (b'[{"data": {"yori_item": "item0", "yori_project": "KEY"}, "annotations": 5}]', SourceError),
        (b'[{"data": {"yori_item": "item0", "yori_project": "KEY"}, "annotations": [5]}]', SourceError),
        (b'[{"data": {"yori_item": "item0", "yori_project": "KEY"}, "annotations": [{"result": [{}]}]}]', SourceError),
        (
            b'[{"data": {"yori_item": "item0", "yori_project": "KEY"}, "annotations": [{"id": 1, "result": '
            b'[{"from_name": "label", "type": "choices", "value": {"choices": ["gong"]}}]}]}]',
            ValuesError,
        ),
        (
            b'[{"data": {"yori_item": "item0", "yori_project": "KEY"}, "annotations": [{"id": 1, "result": '
            b'[{"from_name": "verdict", "type": "choices", "value": {"choices": ["explode"]}}]}]}]',
            SourceError,
        ),
    ],
)
def test_what_is_no_export_is_refused(
    project: Project, filled: Database, tmp_path: Path, content: bytes, error: type[Exception]
) -> None:
    (tmp_path / "x.json").write_bytes(content.replace(b"KEY", project_key(project).encode()))
    with pytest.raises(error):
        pull(project, filled, file=tmp_path / "x.json")
    assert len(open_answers(filled)) == 0
    with pytest.raises(SourceError, match="read"):
        pull(project, filled, file=tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"yori_item,label\r\nitem0,horn,more\r\n", "as many cells"),
        (b'yori_item,label\r\n"item0,horn', "a table"),
        ("yori_item,label\r\nitem0,horn\r\n".encode("utf-16"), "UTF-8"),
        (b"label\r\n" + b"x" * 200_000 + b"\r\n", "a table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(SourceError, match=says):
        read_export(tmp_path / "x.csv")


CLASSES = parse_task("name: t\nclasses: ['1', '[a]', '{\"choices\": 1}', 'x, y']").class_names


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.text(st.characters(codec="utf-8", exclude_characters="\r\0")))),
    st.sampled_from([("csv", ","), ("tsv", "\t")]),
)
def test_whatever_a_class_or_note_looks_like_it_stays_itself(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str]], how: tuple[str, str]
) -> None:
    path = tmp_path_factory.mktemp("notes") / f"x.{how[0]}"
    names = ["annotation_id", "annotator", "label", "lead_time", "note", "yori_item", "yori_project", "yori_suggestion"]
    with path.open("w", newline="", encoding="utf-8") as file:  # as Label Studio writes it
        writer = csv.DictWriter(file, names, quoting=csv.QUOTE_NONNUMERIC, delimiter=how[1])
        writer.writeheader()
        for number, (label, note) in enumerate(said):
            row = {"annotation_id": number, "annotator": "1", "label": label, "lead_time": 0.5, "note": note}
            writer.writerow({**row, "yori_item": f"i{number}", "yori_project": "p", "yori_suggestion": False})
    found = read_annotations(read_export(path), project="p", where="x")
    assert [(one.label, one.note, one.seconds, one.suggestion_shown) for one in found] == [
        (label, note[:2000] or None, 0.5, False) for label, note in said
    ]
