"""Items out to Label Studio, answers back: by its API, or by a file for teams without access to it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yori.errors import ValuesError
from yori.flywheel.answers import own_answer, take_back
from yori.flywheel.database import Database
from yori.flywheel.given_answers import GivenReport, give_answers
from yori.flywheel.item_files import ItemFiles
from yori.flywheel.items import one_at_a_time
from yori.flywheel.label_studio import MEDIA_FIELDS, labeling_config, pushed_items, task_of
from yori.flywheel.label_studio_api import LabelStudio
from yori.flywheel.label_studio_exports import people_of, read_annotations, read_export
from yori.flywheel.leases import give_back, hold_for
from yori.flywheel.people import known_or_added
from yori.flywheel.queue import open_answers
from yori.store import Project, atomic, content_key, wav_bytes
from yori.task import Task, read_task

ORIGIN = "label_studio"
"""What the answers from there say about where they come from."""

HOLDER = "label studio"
"""The name under which items are held while they are there, so that the review page does not ask them, too."""

MEDIA_FOLDER = "labelstudio/media"
MEDIA_URL = "/data/local-files/?d=labelstudio/media/"
"""Where Label Studio finds the files if its document root is the project folder."""


@dataclass(frozen=True)
class PushReport:
    """What was sent: items, those that were there already, the Label Studio project or the file, and where the files lie.

    ``served``: whether Label Studio hands the files out; None where that was not asked.
    """

    pushed: int
    there: int
    project: int | None
    file: Path | None
    media: Path | None
    served: bool | None = None


@dataclass(frozen=True)
class PullReport:
    """What came back.

    ``gone``: item and person of the answers that came from Label Studio once and are not in the export, though their task
    is: the annotation was removed there. ``taken_back``: whether they do not count here any more.
    """

    given: GivenReport
    gone: tuple[tuple[str, str], ...]
    taken_back: bool


def project_key(project: Project) -> str:
    """What tells the exports of one project from those of another; copies of a project share it.

    It is made of the task's name and of the first data version.
    """
    name = read_task(project.path / "task.yaml").name
    first = project.version(1).content_hash if project.version().number >= 1 else ""
    return content_key(task=name, first=first)[:16]


def push(
    project: Project,
    database: Database,
    *,
    kind: str = "audio",
    count: int | None = None,
    days: float = 7.0,
    suggestions: bool = True,
    media_folder: Path | None = None,
    media_url: str = MEDIA_URL,
    file: Path | None = None,
    studio: LabelStudio | None = None,
    studio_project: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PushReport:
    """Send open items of one kind; they are held for some days, so that nobody is asked them elsewhere.

    Items that are there already are not sent again. With the default ``media_url`` the folder of the files is made a local
    storage of the Label Studio project, without which it hands none of them out. Sounds are written as WAV, cut to their
    windows and named by their item: a file name often holds the label.

    Parameters
    ----------
    kind, count
        Which items, and how many at most.
    days
        How long they are held.
    suggestions
        Whether suggestions travel as predictions.
    media_folder, media_url
        Where files are written, and what stands before their names in a task. Default: ``labelstudio/media`` in the project,
        as Label Studio sees it when its document root is the project folder.
    file
        A JSON file to write; the configuration goes beside it, with the extension ``.xml``.
    studio, studio_project
        Label Studio itself, and the number of a project there; a new one is made by default.
    progress
        Called with the number of items prepared, and of all.

    Raises
    ------
    ValuesError
        If neither or both of file and Label Studio are there, or no item of this kind is free.
    SourceError
        If the file of an item cannot be read.
    """
    if (file is None) == (studio is None):
        raise ValuesError("a file or a Label Studio", "both or neither", where="labelstudio push")
    task = read_task(project.path / "task.yaml")
    config = labeling_config(task, kind)
    there = pushed_items(studio.export(studio_project)) if studio is not None and studio_project is not None else set()
    known_or_added(database, HOLDER)
    items = hold_for(database, HOLDER, kind=kind, count=count, seconds=days * 86_400)
    if not items:
        raise ValuesError(f"open items of kind {kind}", "none", where="labelstudio push", fix="Fill the queue first.")
    new = [item for item in items if item["item_id"] not in there]
    folder = (media_folder or project.path / MEDIA_FOLDER) if kind in ("audio", "image") else None
    files, key, version = ItemFiles(project), project_key(project), project.version().number
    tasks = []
    for place, item in enumerate(new):
        media = _media(files, item, folder, media_url)
        tasks.append(task_of(item, media, project=key, version=version, suggestions=suggestions))
        progress(place + 1, len(new))
    if file is not None:
        atomic.replace_file(file.with_suffix(".xml"), config.encode())
        atomic.replace_file(file, json.dumps(tasks, ensure_ascii=False, indent=1).encode())
    elif studio is not None:
        if studio_project is None:
            studio_project = studio.make_project(f"yori {task.name}", config)
        studio.import_tasks(studio_project, tasks)
    served = None
    if studio is not None and studio_project is not None and tasks and folder is not None and media_url == MEDIA_URL:
        studio.serve_folder(studio_project, folder.resolve())
        served = studio.hands_out(str(tasks[0]["data"][MEDIA_FIELDS[kind]]))
    return PushReport(len(new), len(items) - len(new), studio_project, file, folder, served)


def pull(
    project: Project,
    database: Database,
    *,
    file: Path | None = None,
    studio: LabelStudio | None = None,
    studio_project: int | None = None,
    take_gone_back: bool = False,
) -> PullReport:
    """Take annotations back; doing it again changes nothing, a changed annotation takes the place of its earlier self.

    What is said about an item that was merged or withdrawn meanwhile comes too late, and is counted, not stored.

    Parameters
    ----------
    file
        An export: JSON, JSON-MIN, CSV or TSV.
    studio, studio_project
        Label Studio itself, and the number of a project there.
    take_gone_back
        Let answers whose annotation was removed there count no more. An older export, or an item that was pushed to two
        projects, looks the same: so this has to be asked for.

    Raises
    ------
    ValuesError
        If it is not said from where, or a label is no class of the task.
    AlignmentError
        If the export is of another project.
    SourceError
        If it cannot be read.
    """
    if file is not None and studio is None:
        exported, where = read_export(file), str(file)
    elif studio is not None and studio_project is not None and file is None:
        exported, where = studio.export(studio_project), f"{studio.url} project {studio_project}"
    else:
        raise ValuesError(
            "a file, or a Label Studio and the number of its project", "neither", where="labelstudio pull"
        )
    task: Task = read_task(project.path / "task.yaml")
    answers = read_annotations(exported, project=project_key(project), where=where)
    report = give_answers(database, answers, classes=task.class_names, origin=ORIGIN, leave_late_out=True)
    for item_id in dict.fromkeys(one.item_id for one in answers if one.verdict != "skip"):
        give_back(database, HOLDER, item_id)
    there = people_of(exported)
    gone = () if there is None else _gone(database, {one["data"]["yori_item"] for one in exported}, there)
    if take_gone_back:
        _take_back(database, gone)
    return PullReport(report, gone, take_gone_back)


def _gone(
    database: Database, items: Collection[str], there: Collection[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Item and person of answers that came from Label Studio and are there no more, though their task is."""
    table = open_answers(database)
    rows = zip(*(table[name].to_pylist() for name in ("item_id", "person", "origin")), strict=True)
    ours = [(item, person) for item, person, origin in rows if origin == ORIGIN and item in items]
    return tuple(one for one in ours if one not in there)


def _take_back(database: Database, gone: Collection[tuple[str, str]]) -> None:
    with database.begin() as connection:
        one_at_a_time(connection)
        for item_id, person in gone:
            answer = own_answer(connection, person, item_id)
            if answer is not None and answer["origin"] == ORIGIN:
                nonce = hashlib.sha256(f"removed in label studio {answer['answer_id']}".encode()).hexdigest()
                take_back(connection, answer, nonce)


def _media(files: ItemFiles, item: Mapping[str, Any], folder: Path | None, url: str) -> Any:
    if item["kind"] == "row":
        return {
            str(name): "" if value is None else str(value) for name, value in item["content"].get("fields", {}).items()
        }
    if item["kind"] == "text":
        return item["content"].get("text") or files.text(item)
    assert folder is not None
    if item["kind"] == "audio":
        name = f"{item['item_id']}.wav"
        if not (folder / name).exists():
            atomic.replace_file(folder / name, wav_bytes(*files.samples(item)))
    else:
        path, *_ = files.find(item)
        name = item["item_id"] + path.suffix.lower()
        if not (folder / name).exists():
            with atomic.disk_errors(folder):
                atomic.make_folder(folder)
                shutil.copyfile(path, folder / name)
    return url + quote(name)
