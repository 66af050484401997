"""The requests of the review page: who may do what, and what is refused."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from tests.web.review_project import HOSTILE, RATE, audio_items, filled, make_project, picture

from yori.flywheel.database import Database
from yori.flywheel.queue import Item, add_items, add_person, deactivate, item_key, open_answers
from yori.flywheel.schema import ITEMS
from yori.store import Project
from yori.web.review import STATIC, STATIC_FILES, review_app
from yori.web.review_view import ReviewSettings

HEADERS = {"x-yori": "review", "origin": "http://127.0.0.1:8765"}
Client = Callable[..., TestClient]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project")


@pytest.fixture
def database(project: Project) -> Iterator[Database]:
    opened = filled(project, audio_items(project, 6))
    yield opened
    opened.close()


@pytest.fixture
def client(project: Project, database: Database) -> Iterator[Client]:
    """``client("ann")``: a browser in which Ann has logged in; ``client(None)``: a stranger's."""
    opened: list[TestClient] = []

    def make(person: str | None = "ann", *, role: str = "annotator", **settings: Any) -> TestClient:
        app = review_app(project, database, ReviewSettings(**settings))
        made = TestClient(app, base_url="http://127.0.0.1:8765", headers=HEADERS, raise_server_exceptions=False)
        opened.append(made.__enter__())
        if person is not None:
            reply = made.post("/api/login", json={"token": add_person(database, person, role=role)})
            assert reply.status_code == 200
        return made

    yield make
    for one in opened:
        one.close()


def taken(page: TestClient, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    return page.post("/api/take", json={"count": count, **more}).json()["leases"]


_NUMBER = iter(range(10**6))


def body(held: dict[str, Any], verdict: str = "relabel", label: str | None = "whistle", **more: Any) -> dict[str, Any]:
    fields = {"item_id": held["item"]["item_id"], "lease": held["lease"], "nonce": f"nonce-{next(_NUMBER):06}"}
    return {**fields, "verdict": verdict, "label": label, **more}


# -- the work -----------------------------------------------------------------------------------------------------------


def test_a_person_logs_in_takes_hears_answers_and_undoes(client: Client, database: Database) -> None:
    page = client("ann")
    session = page.get("/api/session").json()
    assert session["person"] == "ann"
    assert session["task"]["classes"][0] == {
        "name": "bell",
        "means": "Rings after one stroke, and dies away.",
        "rare": False,
    }
    (lease,) = taken(page)
    assert lease["item"]["suggested"] == "horn"
    place = f"/api/items/{lease['item']['item_id']}"
    sound = page.get(f"{place}/sound")
    samples, rate = soundfile.read(io.BytesIO(sound.content))
    assert (sound.headers["content-type"], rate, len(samples)) == ("audio/wav", RATE, RATE)
    assert page.get(f"{place}/spectrogram").content[:4] == b"\x89PNG"
    reply = page.post("/api/answer", json=body(lease, note="far", seconds=1.5))
    assert reply.json() == {"answer_id": 1, "item_id": lease["item"]["item_id"], "repeated": False}
    assert open_answers(database)["verdict"].to_pylist() == ["relabel"]
    assert open_answers(database)["note"].to_pylist() == ["far"]
    undone = page.post("/api/undo", json={"answer_id": reply.json()["answer_id"], "nonce": "undo-nonce"}).json()
    assert undone["lease"]["item"]["item_id"] == lease["item"]["item_id"]
    assert len(open_answers(database)) == 0
    progress = page.get("/api/progress").json()
    assert (progress["answered"], progress["left"], progress["all"]) == (0, 6, 6)


def test_what_is_long_fast_or_slow_is_made_playable(client: Client, project: Project, database: Database) -> None:
    for name, rate, seconds in (("long", 8000, 130.0), ("fast", 96_000, 0.2), ("slow", 4000, 0.5)):
        samples = np.random.default_rng(0).normal(0, 0.1, round(rate * seconds))
        soundfile.write(project.path / "media" / f"{name}.wav", samples, rate)
        more = {"media": f"media/{name}.wav", "priority": 5.0, "item_id": item_key(example_id=name)}
        add_items(database, audio_items(project, 1, **more))
    page = client("ann")
    leases = {one["item"]["item_id"]: one for one in taken(page, 3)}
    found = {}
    for name in ("long", "fast", "slow"):
        assert item_key(example_id=name) in leases
        info = soundfile.info(io.BytesIO(page.get(f"/api/items/{item_key(example_id=name)}/sound").content))
        found[name] = (info.samplerate, round(info.duration, 2))
    assert found == {"long": (8000, 120.0), "fast": (48_000, 0.2), "slow": (8000, 0.5)}


def test_a_window_is_heard_and_not_its_whole_file(client: Client, project: Project, database: Database) -> None:
    add_items(database, audio_items(project, 1, item_id="w", priority=9.0, start=0.25, duration=0.5))
    page = client("ann")
    taken(page)
    assert soundfile.info(io.BytesIO(page.get("/api/items/w/sound").content)).frames == RATE // 2


def test_pictures_texts_rows_and_neighbours_are_shown(client: Client, project: Project, database: Database) -> None:
    (project.path / "media" / "a.png").write_bytes(picture(1))
    (project.path / "media" / "a.txt").write_text("읽을 글", encoding="utf-8")
    common: dict[str, Any] = {"turn": 1, "share": "rare", "priority": 9.0}
    near = [{"media": "media/tone-1.wav", "label": "bell", "similarity": 0.9}]
    add_items(
        database,
        [
            Item(item_id="image", kind="image", media="media/a.png", content={"neighbours": near}, **common),
            Item(item_id="text", kind="text", media="media/a.txt", **common),
            Item(item_id="gone", kind="text", media="media/gone.txt", **common),
            Item(item_id="row", kind="row", content={"fields": {"speed": 3, "<b>": None}}, **common),
        ],
    )
    page = client("ann")
    leases = {one["item"]["item_id"]: one for one in taken(page, 10)}
    assert page.get("/api/items/image/picture").headers["content-type"] == "image/png"
    assert leases["image"]["item"]["neighbours"] == [{"label": "bell", "similarity": 0.9, "name": ""}]
    assert page.get("/api/items/image/neighbours/0/sound").content[:4] == b"RIFF"
    assert page.get("/api/items/image/neighbours/1/sound").status_code == 404
    assert leases["text"]["item"]["text"] == "읽을 글"
    assert "a text that can be read" in leases["gone"]["problem"]
    assert leases["row"]["item"]["fields"] == [["speed", "3"], ["<b>", ""]]
    for path in ("text/sound", "row/sound", "image/sound", "text/picture", "gone/picture", "image/thoughts"):
        reply = page.get(f"/api/items/{path}")
        assert reply.status_code == 404, path
        assert str(project.path) not in reply.text


def test_examples_of_the_project_are_found_in_their_source(
    client: Client, project: Project, database: Database
) -> None:
    import pyarrow as pa

    source = project.path.parent / "elsewhere"
    source.mkdir()
    soundfile.write(source / "x.wav", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    rows = pa.table({"example_id": ["x"], "label": ["bell"], "uri": ["x.wav"], "source": ["clips"], "duration": [0.5]})
    project.add_rows(rows, sources={"clips": source}, message="one", who="ann")
    items = [
        Item(item_id=name, turn=1, kind="audio", share="rare", priority=9.0, example_id=example)
        for name, example in (("known", "x"), ("unknown", "y"))
    ]
    add_items(database, items)
    page = client("ann")
    assert len(taken(page, 10)) == 8
    assert soundfile.info(io.BytesIO(page.get("/api/items/known/sound").content)).frames == RATE // 2
    assert page.get("/api/items/unknown/sound").status_code == 404


# -- blindness ----------------------------------------------------------------------------------------------------------


def test_nothing_that_would_answer_for_a_person_reaches_the_page(
    client: Client, project: Project, database: Database
) -> None:
    secret = {"gold": "whistle", "share": "gold-share", "wanted": 2, "priority": 8.25}
    reasons = [{"kind": "gold", "text": "known-answer"}, {"kind": "uncertain", "text": "model says horn"}]
    add_items(database, audio_items(project, 1, item_id="g", reasons=reasons, **secret))
    first, second = client("ann"), client("ben")
    (lease,) = taken(first)
    first.post("/api/answer", json=body(lease, "relabel", "bell", note="what ann says"))
    text = second.post("/api/take", json={"count": 1}).text
    assert json.loads(text)["leases"][0]["item"]["item_id"] == "g"
    for word in ("whistle", "gold", "wanted", "8.25", "ann", "priority", "share"):
        assert word not in text, word
    assert "model says horn" in text


@pytest.mark.parametrize("suggestions", ["hidden", "half"])
def test_a_hidden_suggestion_never_reaches_the_page(client: Client, database: Database, suggestions: str) -> None:
    page = client("ann", suggestions=suggestions)
    leases = taken(page, 6)
    hidden = [one for one in leases if not one["item"]["suggestion_shown"]]
    assert len(hidden) == 6 if suggestions == "hidden" else 0 < len(hidden) < 6
    for one in leases:
        text = json.dumps(one)
        shown = one["item"]["suggestion_shown"]
        assert any(word in text for word in ("horn", "bell", "0.41", "clip-")) == shown
        if not shown:  # nor can it be asked for, by accepting what was not seen
            assert page.post("/api/answer", json=body(one, "accept", None)).status_code == 422
        reply = page.post("/api/answer", json=body(one, "relabel", "horn"))
        assert "horn" not in reply.text
        assert "accept" not in reply.text
    stored = open_answers(database)
    assert set(stored["verdict"].to_pylist()) == {"accept"}
    shown = dict(zip(stored["item_id"].to_pylist(), stored["suggestion_shown"].to_pylist(), strict=True))
    assert shown == {one["item"]["item_id"]: one["item"]["suggestion_shown"] for one in leases}


# -- who ----------------------------------------------------------------------------------------------------------------


def test_a_stranger_gets_nothing_but_the_page_itself(client: Client) -> None:
    page = client(None)
    for path in ("/api/session", "/api/progress", "/api/items/x/sound", "/api/items/x/neighbours/0/sound"):
        assert page.get(path).status_code == 401, path
    for path, sent in (("take", {}), ("answer", body({"item": {"item_id": "x"}, "lease": "y"})),
                       ("undo", {"answer_id": 1, "nonce": "12345678"})):  # fmt: skip
        assert page.post(f"/api/{path}", json=sent).status_code == 401, path
    for token in ("wrong", "x" * 200):
        reply = page.post("/api/login", json={"token": token})
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers
    assert page.get("/").status_code == 200
    for path in ("/docs", "/redoc", "/openapi.json", "/api/docs"):
        assert page.get(path).status_code == 404, path


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_ends_with_the_token(
    client: Client, database: Database
) -> None:
    page = client(None)
    token = add_person(database, "ann")
    cookie = page.post("/api/login", json={"token": token}).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/api", "max-age=604800"):
        assert part in cookie
    assert page.get("/api/session").status_code == 200
    deactivate(database, "ann")
    assert page.get("/api/session").status_code == 401


def test_logging_out_forgets_the_token(client: Client) -> None:
    page = client("ann")
    assert page.post("/api/logout", json={}).status_code == 200
    assert page.get("/api/session").status_code == 401


def test_nobody_writes_as_another(client: Client, database: Database) -> None:
    ann, ben = client("ann"), client("ben")
    (lease,) = taken(ann)
    assert ben.post("/api/answer", json=body(lease)).status_code == 422
    assert ben.post("/api/answer", json=body(lease, person="ann")).status_code == 422
    given = ann.post("/api/answer", json=body(lease)).json()
    assert ben.post("/api/undo", json={"answer_id": given["answer_id"], "nonce": "12345678"}).status_code == 422
    assert open_answers(database)["person"].to_pylist() == ["ann"]


def test_files_are_for_those_who_hold_the_item_and_for_owners(client: Client) -> None:
    ann, ben, chief = client("ann"), client("ben"), client("chief", role="owner")
    (lease,) = taken(ann)
    place = f"/api/items/{lease['item']['item_id']}/sound"
    assert [one.get(place).status_code for one in (ann, ben, chief)] == [200, 404, 200]
    ann.post("/api/answer", json=body(lease))
    assert ann.get(place).status_code == 200


# -- bad requests ---------------------------------------------------------------------------------------------------------


def test_a_forged_replayed_or_expired_answer_is_refused_with_a_sentence(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = client("ann", lease_seconds=60)
    first, second, third = taken(page, 3)
    for wrong in (
        body(first, lease="forged"),
        body(first, item_id=second["item"]["item_id"]),
        body(first, label="gong"),
        body(first, verdict="undo", label=None),
        body(first, nonce="short"),
        body(first, note="x" * 2001),
        body(first, item_id="../../etc/passwd"),
        body(first, lease="a\0b"),
    ):
        reply = page.post("/api/answer", json=wrong)
        assert reply.status_code == 422, wrong
        assert reply.json()["error"].startswith(("expected", "answer: expected"))
    sent = body(first)
    once, again = page.post("/api/answer", json=sent).json(), page.post("/api/answer", json=sent).json()
    assert (once["repeated"], again["repeated"], once["answer_id"]) == (False, True, again["answer_id"])
    replayed = page.post("/api/answer", json={**sent, "item_id": second["item"]["item_id"], "lease": second["lease"]})
    assert replayed.status_code == 409
    import time

    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    late = page.post("/api/answer", json=body(third))
    assert late.status_code == 409
    assert "time is over" in late.json()["error"]
    assert len(taken(page, 1, item_id=third["item"]["item_id"])) == 1


def test_an_answer_for_a_class_removed_from_the_task_is_refused(client: Client, project: Project) -> None:
    page = client("ann")
    (lease,) = taken(page)
    (project.path / "task.yaml").write_text("format: 1\nname: bells\nclasses: [bell, horn]\n", encoding="utf-8")
    reply = page.post("/api/answer", json=body(lease, "relabel", "whistle"))
    assert reply.status_code == 422
    assert "a class of the task (bell, horn)" in reply.json()["error"]
    assert page.post("/api/answer", json=body(lease, "relabel", "horn")).status_code == 200
    (project.path / "task.yaml").write_text("classes: [", encoding="utf-8")
    assert page.get("/api/session").status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"x-yori": None}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"host": "evil.example"}, 421),
        ({"origin": None}, 200),
        ({}, 200),
    ],
)
def test_a_page_of_another_site_cannot_write(client: Client, headers: dict[str, str | None], status: int) -> None:
    page = client("ann")
    for name in [name for name, value in headers.items() if value is None]:
        del page.headers[name]
    sent = {"content-type": "application/json", **{name: value for name, value in headers.items() if value is not None}}
    assert page.post("/api/take", content=b"{}", headers=sent).status_code == status


def test_a_server_for_a_team_answers_to_its_name(project: Project, database: Database) -> None:
    with TestClient(review_app(project, database, loopback_only=False), base_url="http://team.example") as page:
        assert page.get("/health").json() == {"ok": True}
        origin = {"x-yori": "review", "origin": "https://team.example"}
        assert page.post("/api/login", json={"token": "x"}, headers=origin).status_code == 401
    with TestClient(review_app(project, database), base_url="http://team.example") as page:
        assert page.get("/health").status_code == 421


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"x"', b'{"count": "1"}', b'{"count": 0}', b'{"count": 1e99}', b'{"admin": true}', b"\xff"],
)
def test_a_body_that_is_none_is_refused_without_being_repeated(client: Client, content: bytes) -> None:
    page = client("ann")
    reply = page.post("/api/take", content=content, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 422)
    assert set(reply.json()) == {"error", "kind"}


def test_a_large_body_is_refused_whether_or_not_it_says_so(client: Client) -> None:
    page = client("ann")

    def blocks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    for content in (b" " * 70_000, blocks()):
        reply = page.post("/api/take", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 413
    assert page.request("PUT", "/api/take", json={}).status_code == 405


def test_a_request_that_trickles_in_is_given_up(
    project: Project, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from yori.web import review_guard

    monkeypatch.setattr(review_guard, "BODY_SECONDS", 0.05)
    headers = {**HEADERS, "host": "127.0.0.1:8765", "content-type": "application/json"}
    scope = {
        **{"type": "http", "method": "POST", "path": "/api/take", "raw_path": b"/api/take", "query_string": b""},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(review_app(project, database)(scope, receive, send))
    assert [one["status"] for one in sent if "status" in one] == [408]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../review.py",
        "/static/..%2freview.py",
        "/static/%2e%2e/security.py",
        "/static/review.html",
        "/static//etc/passwd",
        "/static/review.js%00.png",
        "/api/items/..%2f..%2ftask.yaml/sound",
        "/api/items/%00/sound",
    ],
)
def test_no_path_leads_out(client: Client, path: str) -> None:
    reply = client("ann").get(path)
    assert reply.status_code in (404, 422)
    assert "import" not in reply.text


@pytest.mark.parametrize("media", ["../secret.wav", "/etc/hostname", "media/../../secret.wav", "link.wav"])
def test_an_items_file_cannot_lie_outside_the_project(
    client: Client, project: Project, database: Database, media: str
) -> None:
    secret = project.path.parent / "secret.wav"
    soundfile.write(secret, np.zeros(RATE), RATE)
    (project.path / "link.wav").symlink_to(secret)
    add_items(database, audio_items(project, 1, item_id="out", priority=9.0, media=media))
    page = client("ann")
    taken(page)
    for what in ("sound", "spectrogram", "picture"):
        reply = page.get(f"/api/items/out/{what}")
        assert reply.status_code == 404
        assert str(project.path) not in reply.text


def test_a_picture_that_could_hold_a_program_is_refused(client: Client, project: Project, database: Database) -> None:
    (project.path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    add_items(database, [Item(item_id="svg", turn=1, kind="image", share="x", priority=9.0, media="a.svg")])
    page = client("ann")
    taken(page)
    assert page.get("/api/items/svg/picture").status_code == 404


def test_every_reply_tells_the_browser_what_it_may_do(client: Client) -> None:
    page = client("ann")
    (lease,) = taken(page)
    place = f"/api/items/{lease['item']['item_id']}"
    for path in ("/", "/static/review.js", "/api/session", f"{place}/sound", "/nowhere", "/api/items/x/sound"):
        headers = page.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    assert page.get("/api/session").headers["cache-control"] == "no-store"
    assert "private" in page.get(f"{place}/sound").headers["cache-control"]


def test_hostile_words_travel_as_json_and_stay_words(client: Client, project: Project, database: Database) -> None:
    more = {"item_id": "h", "priority": 9.0, "content": {"name": HOSTILE, "text": HOSTILE}, "domain": HOSTILE}
    add_items(database, audio_items(project, 1, **more))
    page = client("ann")
    reply = page.post("/api/take", json={"count": 1})
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["leases"][0]["item"]["text"] == HOSTILE
    page.post("/api/answer", json=body(reply.json()["leases"][0], note=HOSTILE))
    assert open_answers(database)["note"].to_pylist() == [HOSTILE]


def test_a_database_that_is_gone_is_a_sentence_and_no_lost_answer(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yori.errors import StoreError

    page = client("ann")
    (lease,) = taken(page)
    sent = body(lease)

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("room to write", "database or disk is full", where="flywheel.db", fix="Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr("yori.web.review_requests.answer", full)
        reply = page.post("/api/answer", json=sent)
        assert (reply.status_code, "room to write" in reply.json()["error"]) == (503, True)
        patch.setattr("yori.web.review_requests.answer", lambda *_, **__: 1 / 0)
        reply = page.post("/api/answer", json=sent)
        assert (reply.status_code, "division" in reply.text) == (500, False)
    assert page.post("/api/answer", json=sent).json()["repeated"] is False
    assert len(open_answers(database)) == 1


# -- the page's own files ---------------------------------------------------------------------------------------------------


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    files = {path.name for path in STATIC.iterdir()}
    assert files == {*STATIC_FILES, "review.html"}
    for name in files:
        text = (STATIC / name).read_text(encoding="utf-8")
        text = text.replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text) == [], name
        for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style="):
            assert unsafe not in text, (name, unsafe)
    assert "onclick" not in (STATIC / "review.html").read_text(encoding="utf-8")


def test_every_language_has_every_word_and_every_word_is_used() -> None:
    text = (STATIC / "words.js").read_text(encoding="utf-8")
    english, korean = text.split("\n  ko: {")
    words = [re.findall(r"^    (\w+): \"(.*)\",$", part, re.MULTILINE) for part in (english, korean)]
    assert [name for name, _ in words[0]] == [name for name, _ in words[1]]
    for (name, first), (_, second) in zip(*words, strict=True):
        assert sorted(re.findall(r"\{\d\}", first)) == sorted(re.findall(r"\{\d\}", second)), name
        assert re.search("[가-힣]", second), name
    used = "".join((STATIC / name).read_text(encoding="utf-8") for name in ("review.html", "review.js", "view.js"))
    asked = set(re.findall(r"data-word=\"(\w+)\"", used)) | set(re.findall(r"\"(\w+)\"", used))
    assert {name for name, _ in words[0]} <= asked
    said = set(re.findall(r"say\(\"(\w+)\"", used)) | set(re.findall(r"data-word=\"(\w+)\"", used))
    assert said <= {name for name, _ in words[0]}


def test_double_labelling_and_known_answers_show_in_the_progress(
    client: Client, project: Project, database: Database
) -> None:
    add_items(database, audio_items(project, 8, first=100, wanted=2, priority=9.0, gold="horn"))
    pages = {name: client(name) for name in ("ann", "ben")}
    for name, page in pages.items():
        for place, lease in enumerate(taken(page, 8)):
            label = "horn" if place < 6 or name == "ann" else "bell"
            page.post("/api/answer", json=body(lease, "relabel", label, seconds=2.0))
    progress = pages["ben"].get("/api/progress").json()
    assert (progress["answered"], progress["left"], progress["done"], progress["all"]) == (8, 6, 8, 14)
    assert progress["per_hour"] == 1800.0
    assert progress["agreement"]["items"] == 8
    assert progress["agreement"]["share"] == 0.75
    assert (progress["gold_items"], progress["gold_right"]) == (8, 6)
    with database.connect() as connection:
        states = connection.execute(ITEMS.select()).mappings().all()
    assert sum(one["state"] == "answered" for one in states) == 8


def test_real_recordings_can_be_heard_and_seen(
    client: Client, project: Project, database: Database, real_data: Path
) -> None:
    files = (
        sorted((real_data / "fsdd" / "recordings").glob("*.wav"))[::500]
        + sorted(real_data.rglob("deepship/**/*.wav"))[:3]
    )
    for number, file in enumerate(files):
        (project.path / "media" / f"real-{number}.wav").write_bytes(file.read_bytes())
        more = {"item_id": f"real-{number}", "media": f"media/real-{number}.wav", "priority": 9.0}
        add_items(database, audio_items(project, 1, **more))
    page = client("ann")
    assert len(taken(page, len(files))) == len(files)
    for number, file in enumerate(files):
        heard = soundfile.info(io.BytesIO(page.get(f"/api/items/real-{number}/sound").content))
        assert heard.duration == pytest.approx(min(soundfile.info(file).duration, 120), abs=0.01)
        assert 8000 <= heard.samplerate <= 48_000
        assert page.get(f"/api/items/real-{number}/spectrogram").content[:4] == b"\x89PNG"
