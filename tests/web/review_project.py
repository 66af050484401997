"""A project with items of every kind, and a review server in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from yori.flywheel.database import Database, open_database
from yori.flywheel.queue import Item, add_items, item_key
from yori.store import Project, write_wav
from yori.web.review import review_app
from yori.web.review_view import ReviewSettings

TASK = """\
format: 1
name: bells
classes:
  - name: bell
    means: Rings after one stroke, and dies away.
  - name: horn
    means: A steady tone.
  - name: whistle
    means: High, and wavering.
"""
RATE = 16_000
HOSTILE = "<img src=x onerror=document.title='hacked'>&\"'"


def make_project(folder: Path, task: str = TASK) -> Project:
    return Project.create(folder, task)


def tone(seed: int, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * (300 + 400 * rng.random()) * at * (1 + 0.1 * np.sin(6 * at)))
    return (0.3 * wave * np.exp(-2 * at) + rng.normal(0, 0.01, len(at))).astype(np.float32)


def picture(seed: int) -> bytes:
    from yori.report.spectrogram import spectrogram_png

    return spectrogram_png(tone(seed), RATE)


def audio_items(project: Project, count: int, *, first: int = 0, **fields: Any) -> list[Item]:
    """Items of one second of sound each, all the same file for speed where there are many."""
    items = []
    for number in range(first, first + count):
        media = f"media/tone-{number % 20}.wav"
        if not (project.path / media).exists():
            write_wav(project.path / media, tone(number % 20), RATE)
        values: dict[str, Any] = {
            **{"item_id": item_key(input_sha256=f"{number:064}"), "turn": 1, "kind": "audio", "share": "uncertain"},
            **{"priority": 1.0 - number * 1e-6, "media": media, "suggested": "horn", "current": "bell"},
            **{"confidence": 0.41, "content": {"name": f"clip-{number:04}"}},
            "reasons": [{"kind": "uncertain", "text": "confidence 0.41, below 0.62", "value": 0.41}],
        }
        items.append(Item(**{**values, **fields}))
    return items


def filled(project: Project, items: list[Item]) -> Database:
    database = open_database(project)
    add_items(database, items)
    return database


@dataclass
class Server:
    """``yori review`` as a person starts it; can be killed and started again on the same port."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[str] | None = None
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "yori.cli.main",
            "review",
            str(self.folder),
            "--json",
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        assert self.process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, f"the server ended with {self.process.wait()}"
            text += line
        self.said = json.loads(text)
        self.port = int(self.said["address"].rsplit(":", 1)[1])
        for _ in range(100):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    server = Server(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def serving_here(project: Project, database: Database, settings: ReviewSettings | None = None) -> Iterator[Server]:
    """The same page from a thread of this process: quicker to start."""
    app = review_app(project, database, settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Server(project.path, port=listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
