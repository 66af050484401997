"""All requests together must fit into memory: many uploads at once, over real connections."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.flywheel.heard import RATE, copied, encoded

from yori.flywheel.database import open_database
from yori.flywheel.release import promote
from yori.web.bytes_in_flight import BytesInFlight
from yori.web.request_guard import RequestGuard, RequestLimits

WAV = {"Content-Type": "audio/wav"}
HALF = encoded(np.random.default_rng(0).normal(0, 0.1, 30 * RATE))
"""A clip of about 480 kB; the server below has room for two."""


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 100), st.randoms(use_true_random=False))
def test_what_is_held_never_exceeds_the_bound_but_for_one_alone(
    sizes: list[int], most: int, order: random.Random
) -> None:
    room, holding, refused = BytesInFlight(most), [], 0
    for size in sizes:
        if room.take(size):
            holding.append(size)
        else:
            refused += 1
            assert sum(holding) + size > most
        assert room.held == sum(holding)
        assert room.held <= most or sum(one > 0 for one in holding) == 1
        if holding and order.random() < 0.4:
            room.give_back(holding.pop(order.randrange(len(holding))))
    assert room.refused == refused


def test_a_body_that_announces_nothing_counts_as_it_comes() -> None:
    room, sent = BytesInFlight(100), []
    room.take(70)  # another request
    parts = iter([20, 20, 20])

    async def app(scope, receive, send):
        while (await receive())["more_body"]:
            assert room.held <= 100

    async def receive():
        size = next(parts, 0)
        return {"type": "http.request", "body": b"x" * size, "more_body": size > 0}

    async def send(message):
        sent.append(message)

    guard = RequestGuard(app, token_hash=None, limits=RequestLimits(), in_flight=room, log=lambda event, facts: None)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard(scope, receive, send))
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert "100 bytes of requests are under way" in json.loads(sent[1]["body"])["error"]
    assert (room.held, room.refused) == (70, 1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``yori serve`` as a process of its own, with room for one megabyte."""
    project, release = copied(tmp_path_factory.mktemp("served"))
    database = open_database(project)
    promote(database, project, release.release_id, who="ann", why="a test")
    database.close()
    options = ("--port", "0", "--most-mb", "0.9", "--in-flight-mb", "1", "--no-log", "--time-limit", "30")
    process = subprocess.Popen(
        [sys.executable, "-m", "yori.cli.main", "serve", str(project.path), *options],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    first = json.loads(process.stderr.readline())
    emptied = threading.Thread(target=process.stderr.read, daemon=True)
    emptied.start()
    try:
        yield first["url"]
    finally:
        process.terminate()
        process.wait(60)
        emptied.join(10)
        process.stderr.close()


def begun(url: str, content: bytes, part: int) -> socket.socket:
    """An upload that has sent part of its body."""
    where = urlsplit(url)
    connection = socket.create_connection((where.hostname, where.port), timeout=30)
    head = f"POST /v1/clips HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + content[:part])
    return connection


def ended(connection: socket.socket, content: bytes, part: int) -> int:
    """Send the rest; the status of the answer."""
    with connection:
        connection.sendall(content[part:])
        said = b""
        while block := connection.recv(65536):
            said += block
    return int(said.split(b" ", 2)[1])


def measured(url: str) -> tuple[float, float]:
    """Bytes in flight, and requests that found no room."""
    families = {one.name: one for one in text_string_to_metric_families(httpx.get(f"{url}/metrics").text)}
    names = ("yori_request_bytes_in_flight", "yori_requests_without_room")
    return tuple(families[name].samples[0].value for name in names)


def held(url: str, expected: int) -> tuple[float, float]:
    """Wait until so much is in flight: a server learns of a request a moment after it was sent."""
    for _ in range(600):
        found = measured(url)
        if found[0] == expected:
            return found
        threading.Event().wait(0.05)
    raise AssertionError(f"{found[0]} bytes in flight, never {expected}")


def test_many_uploads_at_once(url: str) -> None:
    assert measured(url)[0] == 0
    before = measured(url)[1]
    first, second = begun(url, HALF, 1000), begun(url, HALF, len(HALF) // 2)
    assert held(url, 2 * len(HALF)) == (2 * len(HALF), before)
    third = httpx.post(f"{url}/v1/clips", content=HALF, headers=WAV, timeout=30)
    assert (third.status_code, third.headers["retry-after"]) == (503, "1")
    assert "are under way" in third.json()["error"]
    asking = iter([HALF[:300_000], HALF[300_000:]])  # chunked
    assert httpx.post(f"{url}/v1/clips", content=asking, headers=WAV, timeout=30).status_code == 503
    assert held(url, 2 * len(HALF)) == (2 * len(HALF), before + 2)
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert ended(first, HALF, 1000) == 200
    assert httpx.post(f"{url}/v1/clips", content=HALF, headers=WAV, timeout=30).status_code == 200
    assert ended(second, HALF, len(HALF) // 2) == 200
    assert held(url, 0) == (0, before + 2)


def test_whoever_comes_back_is_answered_in_the_end(url: str) -> None:
    statuses: list[list[int]] = []
    _, refused = held(url, 0)

    def upload() -> None:
        mine: list[int] = []
        while not mine or (mine[-1] == 503 and len(mine) < 200):
            answer = httpx.post(f"{url}/v1/clips", content=HALF, headers=WAV, timeout=60)
            mine.append(answer.status_code)
            if answer.status_code == 503:
                threading.Event().wait(0.1)
        statuses.append(mine)

    gone = begun(url, HALF, 1000)
    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    gone.close()  # what a client that goes away held is free again
    for thread in threads:
        thread.join()
    assert [mine[-1] for mine in statuses] == [200] * 6
    assert {status for mine in statuses for status in mine} <= {200, 503}
    assert held(url, 0)[1] - refused == sum(status == 503 for mine in statuses for status in mine)
