"""Serving under load: clips and embeddings over loopback, from ``yori serve`` as a process of its own, on the same cores.

``python -m benchmarks.serve_load [--quick] [--seconds 300] [--postgres URL]``

clips        one-second clips of 16 kHz, one a request, default backbone at 512 dimensions: answers a second, p50, p99
paced        the same at 50 clips a second, as a steady stream would come: p99
embeddings   batches of 100 embeddings of 512 numbers, as .npy as fast as answers come, and as JSON at 2 000 a second
log          after SIGTERM: every answer is a row of the database, or counted as let go; memory is flat meanwhile

Bars: 50 clips/s end to end, 2 000 embeddings/s in batches, for 5 minutes on 2 cores; no lost row beyond those counted; memory
flat (the last quarter within 10 % of the second).
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

RESULTS = Path(__file__).parent / "results"
RATE = 16_000
CLASSES = ("hum", "rattle", "whine", "wash")
SEED = 5


def sound(label: str, number: int) -> np.ndarray:
    """One second of a class in noise."""
    rng = np.random.default_rng([SEED, CLASSES.index(label), number])
    time_ = np.arange(RATE) / RATE
    pitch = rng.uniform(80, 400) * (1 + 5 * (label == "whine"))
    tone = np.sin(2 * np.pi * pitch * time_)
    clean = {
        "hum": tone,
        "rattle": tone * (np.sin(2 * np.pi * 12 * time_) > 0.5),
        "whine": tone,
        "wash": np.cumsum(rng.normal(0, 0.05, RATE)) * 0.2,
    }[label]
    return (rng.uniform(0.02, 0.3) * clean + rng.normal(0, 0.1, RATE)).clip(-1, 1)


def make_project(folder: Path, each: int, options: tuple[str, ...]) -> Path:
    """A project with a serving release of a plain fit."""
    import soundfile

    for label in CLASSES:
        (folder / "clips" / label).mkdir(parents=True)
        for number in range(each):
            soundfile.write(folder / "clips" / label / f"{number:04}.wav", sound(label, number), RATE)
    for words in (
        ("init", "project", "--layout", "folder", "--from", "clips"),
        ("release", "project", "--make", "--promote", *options),
    ):
        subprocess.run(
            [sys.executable, "-m", "yori.cli.main", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    return folder / "project"


class Server:
    """``yori serve``, what it says, and how much memory it takes."""

    def __init__(self, project: Path, *options: str) -> None:
        command = [sys.executable, "-m", "yori.cli.main", "serve", str(project), "--port", "0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        if not first.startswith("{"):
            raise SystemExit(first)
        self.where = urlsplit(json.loads(first)["url"])
        self.last: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if '"event": "request"' not in line:
                self.last = json.loads(line)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection(self.where.hostname or "", self.where.port, timeout=60)

    def resident_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self._reader.join(10)
        return code


def load(
    server: Server,
    path: str,
    bodies: list[tuple[bytes, str]],
    *,
    seconds: float,
    connections: int,
    rate: float | None = None,
    per_request: int = 1,
) -> dict[str, Any]:
    """Ask for ``seconds`` from several connections, as fast as answers come or at ``rate`` requests a second."""
    latencies: list[float] = []
    codes: dict[int, int] = {}
    memory: list[float] = []
    lock = threading.Lock()
    begin, cpu = time.perf_counter(), server.cpu_seconds()

    def ask(worker: int) -> None:
        connection, number = server.connect(), worker
        while True:
            due = time.perf_counter() if rate is None else begin + number / rate
            if max(due, time.perf_counter()) > begin + seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            body, kind = bodies[number % len(bodies)]
            connection.request("POST", path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            answer.read()
            # From when it was due, so that a server that falls behind shows it.
            took = time.perf_counter() - due
            with lock:
                latencies.append(took)
                codes[answer.status] = codes.get(answer.status, 0) + 1
            number += connections

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(connections)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        memory.append(server.resident_mb())
        time.sleep(min(1.0, seconds / 20))
    took = time.perf_counter() - begin
    quarter = max(1, len(memory) // 4)
    return {
        "seconds": took,
        "requests": len(latencies),
        "codes": {str(code): count for code, count in sorted(codes.items())},
        "per_second": len(latencies) * per_request / took,
        "p50_ms": 1000 * float(np.percentile(latencies, 50)),
        "p99_ms": 1000 * float(np.percentile(latencies, 99)),
        "max_ms": 1000 * float(np.max(latencies)),
        "server_cpu_share": (server.cpu_seconds() - cpu) / took,
        "memory_mb": {"second_quarter": float(np.median(memory[quarter : 2 * quarter] or memory)),
                      "last_quarter": float(np.median(memory[-quarter:])), "peak": max(memory)},
    }  # fmt: skip


def rows_in(project: Path, url: str | None) -> tuple[int, int]:
    """Rows of the log, and rows (not copies) counted as let go."""
    from sqlalchemy import func, select

    from yori.flywheel.database import open_database
    from yori.flywheel.schema import PREDICTIONS, SHEDS
    from yori.store import Project

    database = open_database(Project.open(project), url)
    with database.connect() as connection:
        rows = connection.execute(select(func.count()).select_from(PREDICTIONS)).scalar_one()
        kept = SHEDS.c.rule.not_like("copy%")
        shed = connection.execute(select(func.coalesce(func.sum(SHEDS.c.count), 0)).where(kept)).scalar_one()
    database.close()
    return int(rows), int(shed)


def npy(array: np.ndarray) -> bytes:
    """As a file."""
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


def run(
    folder: Path,
    *,
    seconds: float,
    each: int,
    url: str | None,
    only: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """All phases, or ``only`` some."""
    import soundfile

    options = ("--database", url) if url else ()
    project = make_project(folder, each, options)
    server = Server(project, *options)
    connection = server.connect()
    while True:
        try:
            connection.request("GET", "/v1/release")
            release = json.loads(connection.getresponse().read())
            break
        except OSError:
            time.sleep(0.1)
    d = release["backbone"]["dimensions"]
    clips = []
    for number in range(64):
        sink = io.BytesIO()
        soundfile.write(sink, sound(CLASSES[number % 4], 10_000 + number), RATE, format="WAV")
        clips.append((sink.getvalue(), "audio/wav"))
    rng = np.random.default_rng(SEED)
    batches = [rng.normal(size=(100, d)).astype(np.float32) for _ in range(8)]
    as_npy = [(npy(batch), "application/octet-stream") for batch in batches]
    as_json = [(json.dumps({"embeddings": batch.round(5).tolist()}).encode(), "application/json") for batch in batches]
    load(server, "/v1/clips", clips, seconds=2, connections=4)  # warm up
    found: dict[str, Any] = {"dimensions": d, "database": "postgresql" if url else "sqlite"}
    warm = asked = 0
    phases: list[tuple[str, str, list[tuple[bytes, str]], float | None, int]] = [
        ("clips", "/v1/clips", clips, None, 1),
        ("paced", "/v1/clips", clips, 50.0, 1),
        ("embeddings npy", "/v1/embeddings", as_npy, None, 100),
        ("embeddings json", "/v1/embeddings", as_json, 20.0, 100),
    ]
    connection.request("GET", "/metrics")
    warm = sum(
        int(float(line.split()[-1]))
        for line in connection.getresponse().read().decode().splitlines()
        if line.startswith("yori_answers_total")
    )
    for name, path, bodies, rate, per_request in phases:
        if only and name not in only:
            continue
        found[name] = load(
            server, path, bodies, seconds=seconds, connections=4, rate=rate, per_request=per_request
        )  # fmt: skip
        asked += found[name]["codes"].get("200", 0) * per_request
        one = found[name]
        say(f"{name:16} {one['per_second']:8.1f}/s  p50 {one['p50_ms']:.1f} ms  p99 {one['p99_ms']:.1f} ms  "
            f"{one['codes']}  cpu {one['server_cpu_share']:.2f}  memory {one['memory_mb']['second_quarter']:.0f} → "
            f"{one['memory_mb']['last_quarter']:.0f} MB")  # fmt: skip
    code = server.stop()
    rows, shed = rows_in(project, url)
    found["log"] = {"answers": warm + asked, "rows": rows, "shed": shed, "lost": warm + asked - rows - shed, "exit": code,
                    "said": server.last}  # fmt: skip
    say(f"log              {found['log']}")
    return found


def main() -> None:
    """Measure, print, and write a dated JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small project, ten seconds a phase")
    parser.add_argument("--seconds", type=float, default=300.0, help="of each phase")
    parser.add_argument("--postgres", metavar="URL", help="log to this empty database instead of SQLite")
    parser.add_argument("--phases", nargs="+", default=[], metavar="NAME", help="only these")
    options = parser.parse_args()
    seconds = min(10.0, options.seconds) if options.quick else options.seconds
    with tempfile.TemporaryDirectory(prefix="yori-load-") as folder:
        found = run(Path(folder), seconds=seconds, each=60 if options.quick else 225, url=options.postgres,
                    only=options.phases)  # fmt: skip
    found["machine"] = {
        "cores": len(os.sched_getaffinity(0)), "load_average": os.getloadavg()[0], "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "fastapi", "uvicorn", "sqlalchemy")},
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    part = "".join(f"-{phase.replace(' ', '-')}" for phase in options.phases)
    name = "serve_load-quick.json" if options.quick else f"{datetime.now(UTC):%Y-%m-%d}-serve_load{part}.json"
    (RESULTS / name).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
