"""Requests in, answers out; nothing a stranger sends is more than a sentence."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from tests.flywheel.heard import RATE, copied, encoded, sound
from tests.flywheel.postgres import cluster, missing
from tests.web.served import Served, serve

from yori.errors import StoreError, ValuesError
from yori.flywheel.clips import ClipLimits
from yori.flywheel.database import open_database
from yori.flywheel.log_rules import LogRules
from yori.flywheel.prediction_log import PredictionLog
from yori.flywheel.predictor import Predictor
from yori.flywheel.release import promote, rollback
from yori.flywheel.released_model import release_path
from yori.flywheel.schema import PREDICTIONS
from yori.web.request_guard import RequestGuard, RequestLimits
from yori.web.run_server import run_server
from yori.web.security import check_listening

WAV = {"Content-Type": "audio/wav"}


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """A server whose release hears sounds."""
    return serve(tmp_path, rules=LogRules(inputs=1.0))


def rows(served: Served) -> list[dict]:
    with served.database.connect() as connection:
        return [dict(one) for one in connection.execute(select(PREDICTIONS).order_by("prediction_id")).mappings()]


def second_release(served: Served) -> str:
    """Another release of the same project: the same model in another turn."""
    text = (release_path(served.project, served.release.release_id) / "release.json").read_text()
    content = json.dumps({**json.loads(text), "turn": 1}).encode()
    import hashlib

    name = hashlib.sha256(content).hexdigest()
    shutil.copytree(release_path(served.project, served.release.release_id), release_path(served.project, name))
    path = release_path(served.project, name) / "release.json"
    path.chmod(0o644)
    path.write_bytes(content)
    return name


# -- answers --------------------------------------------------------------------------------------------------------


def test_a_clip_is_answered_as_the_release_answers_it(served: Served) -> None:
    content = encoded(sound("warble", 500))
    with served.client() as client:
        answer = client.post("/v1/clips?source=a.wav&domain=north", content=content, headers=WAV)
    assert answer.status_code == 200
    body = answer.json()
    import soundfile

    samples, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    expected = served.release.decide(served.release.embed([samples]))
    (result,) = body["results"]
    assert body["release_id"] == served.release.release_id
    assert body["classes"] == list(served.release.classes)
    assert result["label"] == expected.labels[0]
    np.testing.assert_allclose(result["probs"], expected.probs[0], atol=1e-6)
    assert sum(result["probs"]) == pytest.approx(1, abs=1e-5)
    assert result["abstained"] == bool(expected.abstained[0])
    assert result["start"] is None
    (row,) = rows(served)
    assert (row["source"], row["domain"], row["kind"], row["label"]) == ("a.wav", "north", "clip", result["label"])
    assert row["release_id"] == served.release.release_id
    assert row["latency_ms"] > 0
    assert (served.project.path / row["input_path"]).read_bytes() == content
    np.testing.assert_array_equal(np.frombuffer(row["embedding"], "<f4"), served.release.embed([samples])[0])


@pytest.mark.parametrize("how", [{"format": "FLAC"}, {"format": "OGG", "subtype": "VORBIS"}, {"format": "AIFF"}])
def test_any_format_and_rate(served: Served, how: dict) -> None:
    content = encoded(np.repeat(sound("tone", 1), 2), rate=2 * RATE, **how)
    with served.client() as client:
        answer = client.post("/v1/clips", content=content, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text


def test_several_files_at_once_and_one_that_is_no_sound(served: Served) -> None:
    files = [("file", (f"{n}.wav", encoded(sound("tone", n)), "audio/wav")) for n in range(3)]
    files.insert(1, ("file", ("<script>alert(1)</script>.wav", b"no sound at all", "audio/wav")))
    with served.client() as client:
        answer = client.post("/v1/clips", files=files)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["source"] for each in results] == ["0.wav", "<script>alert(1)</script>.wav", "1.wav", "2.wav"]
    assert "sound file" in results[1]["error"]
    assert len(rows(served)) == 3


def test_a_long_recording_is_heard_window_by_window(served: Served) -> None:
    parts = [sound(label, seed) for seed, label in enumerate(["tone", "noise", "warble", "tone"])]
    content = encoded(np.concatenate([*parts, sound("noise", 9, seconds=0.4)]))
    with served.client() as client:
        results = client.post("/v1/clips", content=content, headers=WAV).json()["results"]
        half = client.post("/v1/clips?hop=0.5", content=content, headers=WAV).json()["results"]
    assert [each["start"] for each in results] == pytest.approx([0, 1, 2, 3, 3.4])
    assert {each["duration"] for each in results} == {1.0}
    assert [each["start"] for each in half] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.4])
    whole = np.stack([np.round(part * 32768).clip(-32768, 32767) / 32768 for part in parts]).astype(np.float32)
    expected = served.release.decide(served.release.embed(list(whole)))
    np.testing.assert_allclose([each["probs"] for each in results[:4]], expected.probs, atol=5e-3)  # PCM rounds
    logged = rows(served)
    assert {row["kind"] for row in logged} == {"window"}
    assert len({row["input_path"] for row in logged}) == 1
    assert logged[4]["start"] == pytest.approx(3.4)


def test_embeddings_as_json_and_as_npy(served: Served) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, served.release.dimensions)).astype(np.float32)
    sink = io.BytesIO()
    np.save(sink, vectors)
    with served.client() as client:
        first = client.post(
            "/v1/embeddings", json={"embeddings": vectors.tolist(), "sources": [f"s{n}" for n in range(50)]}
        )
        second = client.post(
            "/v1/embeddings", content=sink.getvalue(), headers={"Content-Type": "application/octet-stream"}
        )
    assert first.status_code == second.status_code == 200
    expected = served.release.decide(vectors)
    for body in (first.json(), second.json()):
        np.testing.assert_allclose([each["probs"] for each in body["results"]], expected.probs, atol=1e-6)
    assert [each["source"] for each in first.json()["results"]][:2] == ["s0", "s1"]
    logged = rows(served)
    assert len(logged) == 100
    assert {row["kind"] for row in logged} == {"embedding"}
    np.testing.assert_array_equal(np.frombuffer(logged[7]["embedding"], "<f4"), vectors[7])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_belongs_together_is_logged_with_what_it_belongs_to(tmp_path: Path, kind: str) -> None:
    if kind == "sqlite":
        _groups_are_logged(serve(tmp_path))
        return
    why = missing()
    if why:
        pytest.skip(why)
    with cluster() as postgres:
        served = serve(tmp_path, url=postgres.new_database())
        try:
            _groups_are_logged(served)
        finally:
            served.database.close()


def _groups_are_logged(served: Served) -> None:
    vectors = [[0.1] * served.release.dimensions, [0.2] * served.release.dimensions]
    binary = {"Content-Type": "application/octet-stream"}
    name = "배 7 <b>&'\"; --"
    files = [("file", (f"{n}.wav", encoded(sound("tone", n)), "audio/wav")) for n in range(2)]
    with served.client() as client:
        long = encoded(sound("tone", 0, seconds=3))
        sent = [
            client.post("/v1/clips", params={"group": name}, content=long, headers=WAV),
            client.post("/v1/clips", params={"group": "both"}, files=files),
            client.post("/v1/clips", files=files, data={"group": "one field"}),
            client.post("/v1/clips", files=files, data={"group": ["first", ""]}),
            client.post("/v1/embeddings", json={"embeddings": vectors, "groups": ["a", None]}),
            client.post("/v1/embeddings?group=all", json={"embeddings": vectors}),
            client.post("/v1/embeddings?group=npy", content=npy(np.array(vectors)), headers=binary),
            client.post("/v1/clips?group=", content=encoded(sound("noise", 1)), headers=WAV),
        ]
        assert [answer.status_code for answer in sent] == [200] * len(sent)
    assert "group" not in sent[0].text
    wanted = [
        [name] * 3,
        ["both"] * 2,
        ["one field"] * 2,
        ["first", None],
        ["a", None],
        ["all"] * 2,
        ["npy"] * 2,
        [None],
    ]
    found = rows(served)
    assert sorted(str(row["group_name"]) for row in found) == sorted(str(each) for part in wanted for each in part)
    assert {("0.wav", "first"), ("1.wav", None)} <= {(row["source"], row["group_name"]) for row in found}


@pytest.mark.parametrize(
    ("query", "how", "says"),
    [
        ("group=" + "x" * 256, {}, "group"),
        ("group=a%00b", {}, "control characters"),
        ("group=%20", {}, "control characters"),
        ("", {"data": {"group": "\t"}}, "control characters"),
        ("", {"data": {"group": ["a", "b", "c"]}}, "2 groups"),
        ("group=a", {"data": {"group": "b"}}, "both"),
        ("", {"data": {"domain": "north"}}, "'domain'"),
    ],
)
def test_groups_that_are_none_are_refused(served: Served, query: str, how: dict, says: str) -> None:
    files = [("file", (f"{n}.wav", encoded(sound("tone", n)), "audio/wav")) for n in range(2)]
    with served.client() as client:
        answer = client.post(f"/v1/clips?{query}", files=files, **how)
    assert (answer.status_code, says in answer.json()["error"]) == (422, True), answer.text
    assert rows(served) == []


@pytest.mark.parametrize(
    ("query", "groups", "says"),
    [
        ("", "a", "list of text or null"),
        ("", [1], "list of text or null"),
        ("", ["a", "b"], "1 groups"),
        ("", ["\ud800"], "number 1"),
        ("?group=a", ["a"], "both"),
        ("?group=a%0Ab", None, "control characters"),
    ],
)
def test_groups_of_embeddings_that_are_none_are_refused(served: Served, query: str, groups: object, says: str) -> None:
    body = json.dumps({"embeddings": [[0.1] * served.release.dimensions], "groups": groups})
    with served.client() as client:
        answer = client.post(f"/v1/embeddings{query}", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, says in answer.json()["error"]) == (422, True), answer.text
    assert rows(served) == []


def test_groups_are_in_the_description(served: Served) -> None:
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v1/clips", "/v1/embeddings"):
        assert "group" in [each["name"] for each in paths[path]["post"]["parameters"]]
    content = {path: paths[path]["post"]["requestBody"]["content"] for path in ("/v1/clips", "/v1/embeddings")}
    assert "group" in content["/v1/clips"]["multipart/form-data"]["schema"]["properties"]
    assert "groups" in content["/v1/embeddings"]["application/json"]["schema"]["properties"]


# -- what strangers send --------------------------------------------------------------------------------------------


def zip_bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(50_000_000))
    return sink.getvalue()


def huge_header() -> bytes:
    """A WAV file that promises four gigabytes."""
    content = bytearray(encoded(sound("tone", 0)))
    content[40:44] = (2**32 - 100).to_bytes(4, "little")
    return bytes(content)


def bomb_of_silence() -> bytes:
    """An hour of silence in eight channels: 100 kB of FLAC, gigabytes of samples."""
    return encoded(np.zeros((3600 * 100, 8), np.int16), rate=100, format="FLAC")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "nothing"),
        (b"hello, I am a text", "sound file"),
        (zip_bomb(), "sound file"),
        (huge_header(), "truncated"),
        (bomb_of_silence(), "at most 600 s"),
        (encoded(np.zeros(10)), "at least 0.02 s"),
        (encoded(np.zeros((800, 40))), "channels"),
        (encoded(np.full(8000, np.nan), subtype="FLOAT"), "finite"),
        (encoded(sound("tone", 0))[:5000], "truncated"),
        (encoded(np.zeros(0)), "sample"),
    ],
)
def test_what_is_no_clip_is_a_sentence(served: Served, content: bytes, says: str) -> None:
    with served.client() as client:
        answer = client.post("/v1/clips?source=mine.wav", content=content, headers=WAV)
        assert client.get("/healthz").status_code == 200
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert "/tmp" not in answer.json()["error"]
    assert rows(served) == []


def test_two_hours_are_refused_before_they_are_decoded(served: Served) -> None:
    two_hours = encoded(np.zeros(7200 * 1000, np.int16), rate=1000, format="FLAC")
    assert len(two_hours) < 2**20
    with served.client() as client:
        answer = client.post("/v1/clips", content=two_hours, headers=WAV)
    assert (answer.status_code, "7200 s" in answer.json()["error"]) == (422, True)


def test_too_many_bytes_are_refused_whether_announced_or_not(served: Served) -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(1000)

    with served.client(limits=RequestLimits(most_bytes=50_000)) as client:
        announced = client.post("/v1/clips", content=bytes(60_000), headers=WAV)
        streamed = client.post("/v1/clips", content=drops(), headers=WAV)
        lied = client.post("/v1/clips", content=b"x", headers={**WAV, "Content-Length": "-5"})
        upload = client.post("/v1/clips", files=[("file", ("a.wav", bytes(60_000), "audio/wav"))])
    assert {each.status_code for each in (announced, streamed, lied, upload)} == {413}
    assert "50000 bytes" in announced.json()["error"]


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=allow_pickle)
    return sink.getvalue()


def giant_npy() -> bytes:
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 71)})
    return sink.getvalue() + bytes(1000)


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"{", "application/json", "JSON"),
        (b"[" * 100_000, "application/json", "JSON"),
        (b"[1, 2]", "application/json", "embeddings"),
        (b'{"embeddings": "many"}', "application/json", "embeddings"),
        (b'{"embeddings": []}', "application/json", "shape"),
        (b'{"embeddings": [[1, 2], [3]]}', "application/json", "differ"),
        (b'{"embeddings": [["a", "b"]]}', "application/json", "real numbers"),
        (b'{"embeddings": [[1, 2, 3]]}', "application/json", "numbers each"),
        (b'{"embeddings": [[NaN]]}', "application/json", "finite"),
        (b'{"embeddings": [[1]], "sources": [1]}', "application/json", "sources"),
        (b'{"embeddings": [[1]], "sources": ["a", "b"]}', "application/json", "sources"),
        (npy(np.array([[{}]], dtype=object), allow_pickle=True), "application/octet-stream", "Python objects"),
        (giant_npy(), "application/octet-stream", "truncated"),
        (npy(np.zeros((2, 3, 4), np.float32)), "application/octet-stream", "shape"),
        (b"not an array", "application/octet-stream", ".npy"),
        (npy(np.zeros((10_001, 1), np.float32)), "application/x-npy", "at most 10000"),
    ],
)
def test_what_is_no_embedding_is_a_sentence(served: Served, content: bytes, kind: str, says: str) -> None:
    with served.client() as client:
        answer = client.post("/v1/embeddings", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert rows(served) == []


@pytest.mark.parametrize("query", ["hop=0", "hop=nan", "hop=-1", "hop=x", "hop=0.000001", "domain=" + "x" * 201])
def test_wishes_that_make_no_sense(served: Served, query: str) -> None:
    with served.client() as client:
        answer = client.post(f"/v1/clips?{query}", content=encoded(sound("tone", 0, seconds=3)), headers=WAV)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_unknown_paths_and_methods(served: Served) -> None:
    with served.client() as client:
        assert client.get("/nowhere").status_code == 404
        assert client.get("/v1/clips").status_code == 405
        for number in range(50):
            client.get(f"/nowhere/{number}")
        families = {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}
    assert {sample.labels["path"] for sample in families["yori_requests"].samples} <= {"other", "/v1/clips"}


def test_what_nobody_expected_is_logged_and_not_shown(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Predictor, "embeddings", fail)
    with served.client(raise_server_exceptions=False) as client:
        answer = client.post("/v1/embeddings", json={"embeddings": [[1]]})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert any(event == "failure" and "secret" in "".join(facts["trace"]) for event, facts in served.lines)


# -- who may ask ----------------------------------------------------------------------------------------------------

TOKEN = "a-token-that-is-long-enough"


def test_a_token_is_asked_for(served: Served) -> None:
    with served.client(token=TOKEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            for path in ("/v1/release", "/metrics", "/openapi.json"):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/v1/release", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
        assert (
            client.get("/v1/release", headers={"Authorization": f"Bearer {TOKEN}", "Host": "yori.example"}).status_code
            == 200
        )
    assert not any(TOKEN in json.dumps(line, default=str) for line in served.lines)


def test_without_a_token_only_this_machine_may_ask(served: Served) -> None:
    with served.client() as client:
        assert client.get("/v1/release").status_code == 200
        assert client.get("/v1/release", headers={"Host": "rebound.example"}).status_code == 403
        assert client.get("/v1/release", headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.get("/v1/release", headers={"Origin": "http://localhost:3000"}).status_code == 200


def test_other_addresses_need_a_token() -> None:
    check_listening("127.0.0.1", None)
    check_listening("0.0.0.0", TOKEN)
    with pytest.raises(ValuesError, match="a token"):
        check_listening("0.0.0.0", None)
    with pytest.raises(ValuesError, match="at least 16"):
        check_listening("127.0.0.1", "short")


def test_no_release_no_server(tmp_path: Path) -> None:
    project, _ = copied(tmp_path)
    database = open_database(project)
    with pytest.raises(StoreError, match=r"--make --promote"):
        Predictor(project, database)


# -- load, time, and change -----------------------------------------------------------------------------------------


def test_a_request_that_takes_too_long(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        type(served.release), "pooled", lambda self, samples: time.sleep(0.3) or np.zeros(8192, np.float32)
    )
    with served.client(limits=RequestLimits(seconds=0.2)) as client:
        answer = client.post("/v1/clips", content=encoded(sound("tone", 0, seconds=5)), headers=WAV)
    assert answer.status_code == 503
    assert "within 0.2 s" in answer.json()["error"]
    assert rows(served) == []


def test_a_body_that_never_ends_is_ended() -> None:
    sent = []

    async def app(scope: dict, receive: object, send: object) -> None:
        while (await receive())["more_body"]:
            pass

    async def receive() -> dict:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: dict) -> None:
        sent.append(message)

    guard = RequestGuard(app, token_hash=None, limits=RequestLimits(seconds=0.1), log=lambda event, facts: None)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard(scope, receive, send))
    assert sent[0]["status"] == 408


def test_more_requests_than_fit_are_told_to_come_back(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = type(served.release).pooled
    go = threading.Event()
    monkeypatch.setattr(type(served.release), "pooled", lambda self, samples: go.wait(10) and pooled(self, samples))
    content = encoded(sound("tone", 0))
    codes: list[int] = []
    with served.client(most_requests=3) as client:
        threads = [
            threading.Thread(
                target=lambda: codes.append(client.post("/v1/clips", content=content, headers=WAV).status_code)
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            refused = client.post("/v1/clips", content=content, headers=WAV) if _waiting(client) == 3 else None
            if refused is not None:
                break
        assert refused is not None
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.get("/readyz").status_code == 200
        go.set()
        for thread in threads:
            thread.join()
    assert codes == [200, 200, 200]


def _waiting(client: object) -> float:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return next(family.samples[0].value for family in families if family.name == "yori_clips_waiting")


def test_another_release_swaps_in_without_a_lost_request(served: Served) -> None:
    other = second_release(served)
    vectors = {"embeddings": [[0.1] * served.release.dimensions]}
    seen: list[tuple[int, str]] = []
    stop = threading.Event()
    with served.client(poll_seconds=0.02) as client:

        def ask() -> None:
            while not stop.is_set():
                answer = client.post("/v1/embeddings", json=vectors)
                seen.append((answer.status_code, answer.json()["release_id"]))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for change in range(4):
            time.sleep(0.2)
            if change % 2 == 0:
                promote(served.database, served.project, other, who="ann", why="a test")
            else:
                rollback(served.database, served.project, who="ann", why="a test")
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert client.get("/v1/release").json()["release_id"] == served.release.release_id
    assert {status for status, _ in seen} == {200}
    assert {name for _, name in seen} == {served.release.release_id, other}
    assert len(rows(served)) == len(seen)


def test_the_database_goes_and_comes_back_and_serving_goes_on(tmp_path: Path) -> None:
    why = missing()
    if why:
        pytest.skip(why)
    project, release = copied(tmp_path)
    with cluster() as postgres:
        database = open_database(project, postgres.new_database())
        promote(database, project, release.release_id, who="ann", why="a test")
        log = PredictionLog(database, project, LogRules(most_waiting=40))
        served = Served(project, release, database, Predictor(project, database, log))
        vectors = {"embeddings": [[0.1] * release.dimensions] * 10}
        with served.client(poll_seconds=0.05) as client:
            assert client.post("/v1/embeddings", json=vectors).status_code == 200
            assert log.flush(20)
            postgres.stop("immediate")
            asked = [client.post("/v1/embeddings", json=vectors).status_code for _ in range(10)]
            deadline = time.monotonic() + 20
            while not client.get("/readyz").json()["log"]["failing"] and time.monotonic() < deadline:
                time.sleep(0.02)
            assert asked == [200] * 10
            assert client.get("/readyz").json()["log"]["failing"]
            postgres.start()
            assert client.post("/v1/embeddings", json=vectors).status_code == 200
            assert log.flush(30)
        counts = log.counts()
        assert counts.offered == 120
        assert counts.offered == len(rows(served)) + counts.rows_shed
        assert counts.rows_shed > 0
        assert len(rows(served)) >= 40
        database.close()


def test_a_damaged_release_does_not_swap_in(served: Served) -> None:
    other = second_release(served)
    promote(served.database, served.project, other, who="ann", why="a test")
    head = release_path(served.project, other) / "head.safetensors"
    head.chmod(0o644)
    head.write_bytes(b"broken")
    with served.client(poll_seconds=0.02) as client:
        deadline = time.monotonic() + 10
        while not any(event == "release not swapped" for event, _ in served.lines) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        assert client.get("/readyz").json()["release_id"] == served.release.release_id
        families = {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}
    assert [event for event, _ in served.lines].count("release not swapped") == 1
    assert families["yori_release_swaps"].samples[0].labels == {"result": "failed"}


def test_metrics_count_what_happened(served: Served) -> None:
    with served.client() as client:
        for seed in range(3):
            client.post("/v1/clips", content=encoded(sound("noise", seed)), headers=WAV)
        client.post("/v1/clips", content=b"nonsense", headers=WAV)
        served.predictor.log.flush(10)
        families = {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}
        ready = client.get("/readyz").json()
    requests = {
        tuple(each.labels.values()): each.value
        for each in families["yori_requests"].samples
        if each.name.endswith("total")
    }
    assert requests[("/v1/clips", "200")] == 3
    assert requests[("/v1/clips", "422")] == 1
    assert sum(each.value for each in families["yori_answers"].samples if each.name.endswith("total")) == 3
    assert families["yori_log_rows_written"].samples[0].value == 3
    assert families["yori_serving_release"].samples[0].labels == {"release": served.release.release_id}
    assert ready == {
        "status": "ready",
        "release_id": served.release.release_id,
        "log": {"waiting": 0, "failing": False},
    }
    lines = [facts for event, facts in served.lines if event == "request"]
    assert lines[0]["status"] == 200
    assert lines[0]["results"] == 1
    assert served.lines[-1][0] == "log closed"
    assert json.dumps(served.lines, default=str)


def test_the_description_names_every_path_and_needs_no_network(served: Served) -> None:
    with served.client() as client:
        described = client.get("/openapi.json").json()
        assert client.get("/docs").status_code == 404  # the usual page would be loaded from elsewhere
    assert set(described["paths"]) == {"/v1/clips", "/v1/embeddings", "/v1/release", "/healthz", "/readyz", "/metrics"}
    assert set(described["paths"]["/v1/clips"]["post"]["requestBody"]["content"]) == {"audio/*", "multipart/form-data"}


# -- a real process -------------------------------------------------------------------------------------------------


class Process:
    """``yori serve`` as a process of its own."""

    def __init__(self, project: Path, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "yori.cli.main", "serve", str(project), "--port", "0", *options]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment}
        )
        self.lines: list[dict] = []
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        assert first, "it ended"
        self.lines.append(json.loads(first))
        self.url = self.lines[0]["url"]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("never ready")

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(json.loads(line))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        self.process.stderr.close()
        return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_was_asked_and_writes_the_log(served: Served, number: int) -> None:
    served.predictor.log.close(5)
    process = Process(served.project.path)
    content = encoded(np.tile(sound("tone", 3), 60))  # a minute: work for a while
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.post(f"{process.url}/v1/clips", content=content, headers=WAV, timeout=60))
    )
    asking.start()
    while not any(b"clips_waiting 1" in httpx.get(f"{process.url}/metrics").content for _ in range(1)):
        time.sleep(0.01)
    assert process.end(number) == 0
    asking.join()
    assert answers[0].status_code == 200
    assert len(answers[0].json()["results"]) == 60
    assert len(rows(served)) == 60
    closed = process.lines[-1]
    assert (closed["event"], closed["complete"], closed["written"]) == ("log closed", True, 60)


def test_an_address_that_is_taken(served: Served) -> None:
    import socket

    from yori.errors import YoriError

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(YoriError, match="listen"):
        run_server(None, host="127.0.0.1", port=taken.getsockname()[1])


def test_limits_of_windows(tmp_path: Path) -> None:
    small = serve(tmp_path, limits=ClipLimits(windows=3))
    with small.client() as client:
        answer = client.post("/v1/clips", content=encoded(sound("tone", 0, seconds=5)), headers=WAV)
    assert answer.status_code == 422
    assert "windows" in answer.json()["error"]


@pytest.mark.parametrize(
    ("package", "missing_one"),
    [("yori.web", "prometheus_client"), ("yori.web", "fastapi"), ("yori.flywheel", "sqlalchemy")],
)
def test_a_missing_package_prints_its_install_line(package: str, missing_one: str) -> None:
    program = (
        f"import sys; sys.modules[{missing_one!r}] = None\ntry:\n import {package}\nexcept Exception as e: print(e)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert 'pip install "yori[serve]"' in said.stdout
