"""Label Studio: tasks and configuration out, the API on loopback. Exports have a file of their own."""

from __future__ import annotations

import json
import re
import threading
import xml.etree.ElementTree
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.flywheel.real_label_studio import choice
from tests.flywheel.round_trip import RATE, ask

from yori.errors import SourceError, StoreError, ValuesError
from yori.flywheel.database import Database
from yori.flywheel.label_studio import labeling_config, task_of
from yori.flywheel.label_studio_api import LabelStudio
from yori.flywheel.label_studio_exchange import HOLDER, project_key, pull, push
from yori.flywheel.queue import Item, add_items, add_person, open_answers, take
from yori.store import Project
from yori.task import parse_task


@pytest.fixture
def filled(project: Project, database: Database) -> Database:
    """Seven items of half a second, out of one file of four seconds."""
    ask(project, database)
    return database


# -- out ----------------------------------------------------------------------------------------------------------------


def test_a_configuration_asks_for_every_class_whatever_its_name() -> None:
    names = ['a "b" & <c>', *(f"class {number}" for number in range(11))]
    task = parse_task(json.dumps({"name": "t <x>", "classes": [{"name": name, "means": "a < b"} for name in names]}))
    for kind, tag in (("audio", "Audio"), ("image", "Image"), ("text", "Text"), ("row", "Table")):
        root = xml.etree.ElementTree.fromstring(labeling_config(task, kind))
        media = root.find(tag)
        assert media is not None
        label, verdict = root.findall("Choices")
        assert [one.get("value") for one in label] == names
        assert [one.get("hotkey") for one in label] == [*"1234567890", None, None]
        assert {one.get("toName") for one in root.iter() if one.get("toName")} == {media.get("name")}
        assert [one.get("alias") for one in verdict] == ["unsure", "drop"]
    with pytest.raises(ValuesError, match="film"):
        labeling_config(task, "film")
    with pytest.raises(ValuesError, match="begin with"):
        labeling_config(parse_task("name: t\nclasses: [$x, y]"), "text")


def test_several_labels_are_several_choices() -> None:
    task = parse_task("name: t\nclasses: [a, b]\nlabels: multiple")
    choices = xml.etree.ElementTree.fromstring(labeling_config(task, "audio")).find("Choices")
    assert choices is not None
    assert choices.get("choice") == "multiple"
    item = {"item_id": "i", "kind": "text", "suggested": "a\x1fb", "confidence": None, "reasons": []}
    sent = task_of(item, "text", project="p", version=1, suggestions=True)
    assert sent["predictions"][0]["result"][0]["value"] == {"choices": ["a", "b"]}
    assert "score" not in sent["predictions"][0]


def test_a_file_holds_everything_a_task_needs_and_nothing_it_must_not(
    project: Project, filled: Database, tmp_path: Path
) -> None:
    report = push(project, filled, file=tmp_path / "out" / "tasks.json", count=3)
    assert (report.pushed, report.there, report.project) == (3, 0, None)
    text = (tmp_path / "out" / "tasks.json").read_text(encoding="utf-8")
    tasks = json.loads(text)
    assert [one["data"]["yori_item"] for one in tasks] == ["item0", "item1", "item2"]
    assert tasks[0] == {
        "data": {
            "audio": "/data/local-files/?d=labelstudio/media/item0.wav",
            "yori_item": "item0",
            "yori_project": project_key(project),
            "yori_version": 0,
            "yori_suggestion": True,
            "why": "confidence 0.41",
        },
        "predictions": [
            {
                "model_version": "yori",
                "score": 0.41,
                "result": [
                    {
                        **{
                            "id": tasks[0]["predictions"][0]["result"][0]["id"],
                            "from_name": "label",
                            "to_name": "media",
                        },
                        **{"type": "choices", "value": {"choices": ["horn"]}},
                    }
                ],
            }
        ],
    }
    assert "secret" not in text
    assert "long.wav" not in text
    for number in range(3):
        samples, _ = soundfile.read(project.path / "labelstudio" / "media" / f"item{number}.wav")
        whole, _ = soundfile.read(project.path / "clips" / "horn" / "long.wav")
        assert np.array_equal(samples, whole[number * RATE // 2 : (number + 1) * RATE // 2])
    assert (tmp_path / "out" / "tasks.xml").read_text(encoding="utf-8").startswith("<View>")


def test_a_hidden_suggestion_does_not_travel(project: Project, filled: Database, tmp_path: Path) -> None:
    push(
        project,
        filled,
        file=tmp_path / "tasks.json",
        suggestions=False,
        media_folder=tmp_path / "m",
        media_url="http://x/",
    )
    text = (tmp_path / "tasks.json").read_text(encoding="utf-8")
    assert "horn" not in text
    assert "0.41" not in text
    assert json.loads(text)[0]["data"]["audio"] == "http://x/item0.wav"
    assert len(list((tmp_path / "m").iterdir())) == 7


def test_what_is_pushed_is_not_asked_elsewhere(project: Project, filled: Database, tmp_path: Path) -> None:
    add_person(filled, "ann")
    (mine,) = take(filled, "ann")
    assert push(project, filled, file=tmp_path / "a.json", count=4).pushed == 4
    assert mine.item_id not in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert len(take(filled, "ann", count=10)) == 3
    assert push(project, filled, file=tmp_path / "b.json", count=4).pushed == 4
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_texts_rows_and_pictures_travel_too(project: Project, database: Database, tmp_path: Path) -> None:
    (project.path / "x.PNG").write_bytes(b"picture")
    common: dict[str, Any] = {"turn": 1, "share": "x", "priority": 1.0}
    add_items(
        database,
        [
            Item(item_id="t", kind="text", content={"text": "words"}, **common),
            Item(item_id="r", kind="row", content={"fields": {"a": 1, "b": None}}, **common),
            Item(item_id="i", kind="image", media="x.PNG", **common),
        ],
    )
    found = {}
    for kind, field in (("text", "text"), ("row", "fields"), ("image", "image")):
        push(project, database, kind=kind, file=tmp_path / f"{kind}.json")
        found[kind] = json.loads((tmp_path / f"{kind}.json").read_text(encoding="utf-8"))[0]["data"][field]
    assert found == {
        "text": "words",
        "row": {"a": "1", "b": ""},
        "image": "/data/local-files/?d=labelstudio/media/i.png",
    }
    assert (project.path / "labelstudio" / "media" / "i.png").read_bytes() == b"picture"
    with pytest.raises(ValuesError, match="open items of kind audio"):
        push(project, database, file=tmp_path / "none.json")
    with pytest.raises(ValuesError, match="both or neither"):
        push(project, database)


def test_the_key_tells_projects_apart_and_stays_with_the_project(project: Project, tmp_path: Path) -> None:
    import pyarrow as pa

    key = project_key(project)
    other = Project.create(tmp_path / "other", "format: 1\nname: other\nclasses: [bell, horn, whistle]\n")
    assert project_key(other) != key
    project.add_rows(pa.table({"example_id": ["a"], "label": ["bell"]}), sources={}, message="one", who="ann")
    first = project_key(project)
    project.add_rows(pa.table({"example_id": ["b"], "label": ["horn"]}), sources={}, message="two", who="ann")
    assert project_key(project) == first != key


# -- the API --------------------------------------------------------------------------------------------------------------


class _Studio(BaseHTTPRequestHandler):
    """As much of Label Studio's API as we use, with its status codes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, body: Any) -> None:
        state = self.server.state  # type: ignore[attr-defined]
        state["seen"].append((self.command, self.path, self.headers.get("authorization")))
        path = self.path.partition("?")[0]
        if path == "/api/token/refresh/":
            self._send(200, {"access": f"short-{len(state['seen'])}"})
        elif self.headers.get("authorization") not in state["tokens"](state):
            self._send(401, {"detail": "Invalid token."})
        elif path == "/api/projects/":
            state["config"] = body
            self._send(201, {"id": 3, "title": body["title"]})
        elif path == "/api/projects/3/import":
            known = len(state["tasks"])
            for number, task in enumerate(body, start=known + 1):
                predictions = list(range(len(task.get("predictions", []))))
                state["tasks"].append(
                    {"id": number, "data": task["data"], "annotations": [], "predictions": predictions}
                )
            self._send(201, {"task_count": len(body), "annotation_count": 0})
        elif path == "/api/storages/localfiles" and state["serves"] != "no local files":
            if body is not None:
                state["storages"].append(body)
            self._send(200 if body is None else 201, state["storages"])
        elif path == "/data/local-files/" and state["serves"] == "all" and state["storages"]:
            self._send(200, None, content=b"RIFF")
        elif path == "/api/projects/3/export":
            assert "download_all_tasks=true" in self.path
            self._send(200, state["tasks"])
        elif path == "/api/projects/4/export":
            self._send(302, {}, location="/api/projects/3/export")
        elif path == "/api/projects/5/export":
            self._send(200, None, content=b"<html>")
        elif path == "/api/projects/6/export":
            self._send(500, {})
        else:
            self._send(404, {"detail": "Not found."})

    def _send(self, status: int, said: Any, *, content: bytes | None = None, location: str | None = None) -> None:
        content = json.dumps(said).encode() if content is None else content
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def studio() -> Iterator[tuple[str, dict[str, Any]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Studio)
    server.state = {"seen": [], "tasks": [], "storages": [], "serves": "all", "tokens": lambda state: ["Token legacy"]}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", server.state  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_items_go_to_label_studio_once_and_answers_come_back(
    project: Project, filled: Database, studio: tuple[str, dict[str, Any]]
) -> None:
    url, state = studio
    api = LabelStudio(url + "/", "legacy")
    first = push(project, filled, studio=api, count=4)
    assert (first.pushed, first.there, first.project) == (4, 0, 3)
    assert state["config"]["title"] == "yori bells"
    assert "<Choices" in state["config"]["label_config"]
    second = push(project, filled, studio=api, studio_project=3)
    assert (second.pushed, second.there) == (3, 4)
    assert [one["data"]["yori_item"] for one in state["tasks"]] == [f"item{number}" for number in range(7)]
    annotation = {
        "id": 1,
        "completed_by": 1,
        "updated_at": "x",
        "result": [choice("label", "horn")],
    }
    state["tasks"][2]["annotations"] = [annotation]
    report = pull(project, filled, studio=api, studio_project=3)
    assert report.given.added == 1
    assert open_answers(filled)["item_id"].to_pylist() == ["item2"]
    add_person(filled, "ann")
    assert HOLDER != "ann"
    assert take(filled, "ann", count=10) == []


def test_the_clips_become_a_local_storage_that_is_never_synced(
    project: Project, filled: Database, studio: tuple[str, dict[str, Any]]
) -> None:
    url, state = studio
    api = LabelStudio(url, "legacy")
    assert push(project, filled, studio=api, count=3).served
    (storage,) = state["storages"]
    assert (storage["project"], storage["path"]) == (3, str(project.path / "labelstudio" / "media"))
    assert not re.search(storage["regex_filter"], "item0.wav")
    assert push(project, filled, studio=api, studio_project=3, count=5).served
    assert len(state["storages"]) == 1


@pytest.mark.parametrize("serves", ["no local files", "nothing"])
def test_a_label_studio_that_does_not_hand_the_clips_out(
    project: Project, filled: Database, studio: tuple[str, dict[str, Any]], serves: str
) -> None:
    url, state = studio
    state["serves"] = serves
    assert push(project, filled, studio=LabelStudio(url, "legacy")).served is False
    assert len(state["tasks"]) == 7


def test_clips_that_lie_elsewhere_are_no_business_of_label_studio(
    project: Project, filled: Database, studio: tuple[str, dict[str, Any]]
) -> None:
    url, state = studio
    assert push(project, filled, studio=LabelStudio(url, "legacy"), media_url="http://files/").served is None
    assert state["storages"] == []


def test_a_personal_token_buys_short_ones_and_again_when_they_run_out(studio: tuple[str, dict[str, Any]]) -> None:
    url, state = studio
    bought: list[str] = []

    def two_uses(state: dict[str, Any]) -> list[str]:
        latest = next(str(who) for _, _, who in reversed(state["seen"]))
        bought.append(latest)
        return [latest] if latest.startswith("Bearer short-") and bought.count(latest) <= 2 else []

    state["tokens"] = two_uses
    api = LabelStudio(url, "header.payload.signature")
    for _ in range(5):
        assert api.export(3) == []
    assert len(set(bought)) == 3


def test_what_label_studio_refuses_is_a_sentence(studio: tuple[str, dict[str, Any]]) -> None:
    url, state = studio
    with pytest.raises(ValuesError, match="LABEL_STUDIO_API_KEY"):
        LabelStudio(url, "wrong").export(3)
    api = LabelStudio(url, "legacy")
    with pytest.raises(ValuesError, match="HTTP 404"):
        api.export(9)
    with pytest.raises(StoreError, match="HTTP 302"):
        api.export(4)
    with pytest.raises(SourceError, match="JSON"):
        api.export(5)
    with pytest.raises(StoreError, match="HTTP 500"):
        api.export(6)
    assert not any("projects/3" in path for _, path, _ in state["seen"][1:])
    with pytest.raises(StoreError, match="a Label Studio that answers"):
        LabelStudio("http://127.0.0.1:9", "legacy").export(3)


def test_a_url_that_is_none_and_a_token_that_is_missing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    for url in ("file:///etc/passwd", "localhost:8080", "http://", "http://me:secret@host"):
        with pytest.raises(ValuesError, match="a URL such as"):
            LabelStudio(url, "legacy")
    for token in (None, "", "a\nb"):
        with pytest.raises(ValuesError, match="an access token"):
            LabelStudio("http://localhost", token)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "legacy")
    assert LabelStudio("http://localhost/studio/").url == "http://localhost/studio"
