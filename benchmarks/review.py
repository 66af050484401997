"""Reviewing under fire: eight reviewers at once over 2 000 items, with ``kill -9`` of the server every 20 s; and key to paint.

``python -m benchmarks.review [--quick] [--postgres URL]``

reviewers    eight clients that behave like the page: they hold five items, send an answer again until the server has said
             that it has it, and take an expired lease anew. A tenth of the items wants two answers.
painted      from a key press to the frame that shows the next item with its spectrogram, in headless Chromium

Bars: no item in two hands, no answer lost that was acknowledged or given; median key to paint at most 150 ms on a quiet
machine. The exit code is 1 if an item was answered twice or an answer is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from yori.flywheel.database import Database, open_database
from yori.flywheel.queue import Item, add_items, add_person, item_key, open_answers
from yori.store import Project, write_wav

RESULTS = Path(__file__).parent / "results"
RATE = 16_000
FILES = 40
CLASSES = ("bell", "horn", "whistle")
HEADERS = {"x-yori": "review", "content-type": "application/json"}
PEOPLE = 8


def make_project(folder: Path, items: int, url: str | None) -> tuple[Project, Database]:
    """A project with items of one second of sound; every tenth wants two answers."""
    project = Project.create(folder, f"format: 1\nname: bells\nclasses: [{', '.join(CLASSES)}]\n")
    rng = np.random.default_rng(0)
    for number in range(FILES):
        at = np.arange(RATE) / RATE
        samples = 0.3 * np.sin(2 * np.pi * (200 + 50 * number) * at) + rng.normal(0, 0.02, RATE)
        write_wav(folder / "media" / f"{number}.wav", samples, RATE)
    rows = [
        Item(
            item_id=item_key(input_sha256=f"{number:064}"), turn=1, kind="audio", share="uncertain", priority=rng.random(),
            media=f"media/{number % FILES}.wav", suggested="horn", current="bell", wanted=2 if number % 10 == 0 else 1,
        )
        for number in range(items)
    ]  # fmt: skip
    database = open_database(project, url)
    add_items(database, rows)
    return project, database


class Server:
    """``yori review`` as a process of its own, on one port however often it is killed."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder, self.url, self.port, self.kills = folder, url, 0, 0
        self.process: subprocess.Popen[str] | None = None
        self.down = 0.0

    def start(self) -> None:
        """Start it and wait until it answers."""
        began = time.perf_counter()
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
        command += ["--lease", "60", *(["--database", self.url] if self.url else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the server does not start")
            text += line
        self.port = int(json.loads(text)["address"].rsplit(":", 1)[1])
        self.down += time.perf_counter() - began

    def kill(self) -> None:
        """``kill -9``."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Reviewer(threading.Thread):
    """One person's page without a browser."""

    def __init__(self, server: Server, name: str, token: str, think: float) -> None:
        super().__init__(name=name, daemon=True)
        self.server, self.token, self.think = server, token, think
        self.cookie = ""
        self.given: dict[str, str] = {}
        self.refused: list[tuple[int, str]] = []
        self.milliseconds: dict[str, list[float]] = {"take": [], "answer": []}
        self.again = 0

    def ask(self, path: str, body: Any) -> tuple[int, Any]:
        """Ask until the server answers; a dead one is asked again."""
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                began = time.perf_counter()
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
                with contextlib.closing(connection):
                    headers = {**HEADERS, **({"cookie": self.cookie} if self.cookie else {})}
                    connection.request("POST", f"/api/{path}", json.dumps(body), headers)
                    reply = connection.getresponse()
                    said = json.loads(reply.read())
                    if path == "login":
                        self.cookie = (reply.getheader("set-cookie") or "").partition(";")[0]
                if reply.status < 500:
                    if path in self.milliseconds:
                        self.milliseconds[path].append((time.perf_counter() - began) * 1e3)
                    return reply.status, said
            self.again += 1
            time.sleep(0.25)

    def run(self) -> None:
        """Answer until nothing is left for this person."""
        self.ask("login", {"token": self.token})
        rng = np.random.default_rng(int(self.name.split()[-1]))
        idle = 0
        while idle < 40:
            leases = self.ask("take", {"count": 5})[1]["leases"]
            idle = 0 if leases else idle + 1
            if not leases:
                time.sleep(0.25)
            for one in leases:
                time.sleep(rng.exponential(self.think))
                self._answer(one, CLASSES[int(rng.integers(len(CLASSES)))])

    def _answer(self, lease: dict[str, Any], label: str) -> None:
        item_id = lease["item"]["item_id"]
        body = {"item_id": item_id, "lease": lease["lease"], "nonce": secrets.token_hex(16), "verdict": "relabel"}
        for _ in range(2):
            status, said = self.ask("answer", {**body, "label": label, "seconds": 1.0})
            if status == 200:
                self.given[item_id] = label
                return
            again = self.ask("take", {"count": 1, "item_id": item_id})[1]["leases"]
            if not again:
                break
            body["lease"] = again[0]["lease"]
        self.refused.append((status, said["error"]))


def review(server: Server, people: dict[str, str], think: float, every: float) -> tuple[list[Reviewer], float]:
    """Everybody answers while the server is killed again and again."""
    reviewers = [Reviewer(server, name, token, think) for name, token in people.items()]
    began = time.perf_counter()
    for one in reviewers:
        one.start()
    last = time.perf_counter()
    while any(one.is_alive() for one in reviewers):
        time.sleep(0.1)
        if time.perf_counter() - last > every:
            server.kill()
            server.kills += 1
            server.start()
            last = time.perf_counter()
    return reviewers, time.perf_counter() - began


def judge(database: Database, reviewers: list[Reviewer], items: int) -> dict[str, Any]:
    """What is in the database against what was given."""
    rows = open_answers(database).to_pylist()
    pairs = Counter((row["item_id"], row["person"]) for row in rows)
    per_item = Counter(row["item_id"] for row in rows)
    wanted = {row["item_id"]: row["wanted"] for row in rows}
    stored = {(row["item_id"], row["person"]): row["label"] for row in rows}
    given = {(item_id, one.name): label for one in reviewers for item_id, label in one.given.items()}
    return {
        "answers_given": len(given),
        "answers_stored": len(rows),
        "lost": sum(stored.get(key) != label for key, label in given.items()),
        "of_unknown_origin": len(set(stored) - set(given)),
        "answered_twice_by_one": sum(count > 1 for count in pairs.values()),
        "more_answers_than_wanted": sum(count > wanted[item_id] for item_id, count in per_item.items()),
        "items_without_all_answers": items - sum(count == wanted[item_id] for item_id, count in per_item.items()),
        "refused": [said for one in reviewers for said in one.refused][:10],
        "requests_sent_again": sum(one.again for one in reviewers),
    }


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser, or None where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def painted(address: str, token: str, count: int) -> dict[str, Any]:
    """Press keys in a real browser; milliseconds from each key to the frame with the next item."""
    with chromium() as browser:
        if browser is None:
            return {"skipped": "no Chromium or no playwright"}
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/#token={token}")
        page.wait_for_selector("#item:not([hidden])")
        page.wait_for_load_state("networkidle")
        rng = np.random.default_rng(1)
        for number in range(count):
            page.wait_for_timeout(float(rng.uniform(300, 700)))  # a person listens; the next items are loaded meanwhile
            page.keyboard.press("123"[number % 3])
        page.wait_for_timeout(1000)
        found = page.evaluate("performance.getEntriesByName('key to painted').map(entry => entry.duration)")
    return {"keys": len(found), "milliseconds": quantiles(found)}


def quantiles(values: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile."""
    if not values:
        return {}
    return {
        "median": round(statistics.median(values), 1),
        "p95": round(float(np.percentile(values, 95)), 1),
        "p99": round(float(np.percentile(values, 99)), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 items, a kill every 5 s")
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database instead of SQLite")
    args = parser.parse_args()
    items, every, think, keys = (200, 5.0, 0.2, 20) if args.quick else (2000, 20.0, 0.4, 60)
    with tempfile.TemporaryDirectory() as scratch:
        project, database = make_project(Path(scratch) / "bells", items, args.postgres)
        people = {f"person {number}": add_person(database, f"person {number}") for number in range(PEOPLE)}
        server = Server(project.path, args.postgres)
        server.start()
        try:
            server.down = 0.0
            reviewers, seconds = review(server, people, think, every)
            found = judge(database, reviewers, items)
            extra = [
                Item(
                    item_id=f"painted-{number}", turn=2, kind="audio", share="uncertain", priority=1.0,
                    media=f"media/{number % FILES}.wav", suggested="horn", current="bell",
                )
                for number in range(keys + 10)
            ]  # fmt: skip
            add_items(database, extra)
            shown = painted(f"http://127.0.0.1:{server.port}", people["person 0"], keys)
        finally:
            server.kill()
            database.close()
    times = {name: [t for one in reviewers for t in one.milliseconds[name]] for name in ("take", "answer")}
    result = {
        "benchmark": "review", "date": datetime.now(UTC).date().isoformat(), "items": items, "reviewers": PEOPLE,
        "database": "postgresql" if args.postgres else "sqlite", "seconds": round(seconds, 1), "kills": server.kills,
        "seconds_down": round(server.down, 1), "answers_per_second": round(found["answers_stored"] / seconds, 1), **found,
        "take_ms": quantiles(times["take"]), "answer_ms": quantiles(times["answer"]), "key_to_painted": shown,
        "cores": len(os.sched_getaffinity(0)), "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(), **{name: version(name) for name in ("fastapi", "uvicorn", "sqlalchemy")},
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    name = f"review{'-quick' if args.quick else ''}{'-postgresql' if args.postgres else ''}.json"
    (RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")
    bad = (
        "lost",
        "of_unknown_origin",
        "answered_twice_by_one",
        "more_answers_than_wanted",
        "items_without_all_answers",
    )
    return int(any(found[one] for one in bad))


if __name__ == "__main__":
    raise SystemExit(main())
