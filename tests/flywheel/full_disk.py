"""Run a command of ``yori`` on a disk that is really full, then with ever more room, until it succeeds.

A program of its own, started in a mount namespace: it mounts a small file system, copies a project there, fills the rest, and
says as JSON what every attempt did. A command runs in a fork of this process, which is a process of its own that need not load
every library again.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

import yori.cli.main
import yori.flywheel.merge
import yori.flywheel.mine
import yori.flywheel.new_release
import yori.flywheel.predict
import yori.flywheel.prediction_log
import yori.flywheel.turn
import yori.main_job
import yori.preparation
from yori.errors import YoriError

BLOCK = 4096


def forked(work: Callable[[], Any]) -> dict[str, Any]:
    """Do something in a process of its own: what it returned or printed, and how it ended."""
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            out, err, done, code = io.StringIO(), io.StringIO(), None, 0
            try:
                with redirect_stdout(out), redirect_stderr(err):
                    done = work()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except YoriError as error:
                code, done = error.exit_code, None
                err.write(f"Error: {error}\n")
            except BaseException:
                code = 99
                err.write(traceback.format_exc())
            told.write(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue(), "done": done}).encode())
            told.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            return {"code": -status, "out": "", "err": f"killed: {status}", "done": None}
        told.seek(0)
        return dict(json.loads(told.read()))


def state(folder: Path, *, full: bool = False) -> dict[str, Any]:
    """What must not be lost: every version, read and checked; what the database holds; the release that serves.

    While the disk is full the files are read; SQLite needs room for its index even to read, and is asked afterwards.
    """
    from sqlalchemy import func, select, text

    from yori.flywheel.database import open_database
    from yori.flywheel.release import open_release, serving_release
    from yori.flywheel.schema import ANSWERS, PREDICTIONS
    from yori.store import Project

    if not (folder / "task.yaml").exists():
        return {"versions": 0}
    project = Project.open(folder)
    latest = project.version().number
    digests = []
    for number in range(1, latest + 1):
        project.check(number)
        rows = project.examples(number).to_pylist()
        digests.append(hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest())
    found: dict[str, Any] = {"versions": latest, "digests": digests}
    if (folder / "flywheel.db").exists() and not full:
        database = open_database(project)
        with database.connect() as connection:
            found["whole"] = connection.execute(text("PRAGMA integrity_check")).scalar_one()
            for name, table in (("answers", ANSWERS), ("predictions", PREDICTIONS)):
                found[name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
        found["serving"] = serving_release(database)
        if found["serving"]:
            open_release(project, found["serving"])
        database.close()
    return found


def fill(disk: Path, free: int) -> None:
    """Leave so many bytes of a file system free."""
    ballast = disk / "ballast"
    with ballast.open("ab") as file:
        try:
            while True:
                os.write(file.fileno(), b"x" * (64 * BLOCK))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        size = os.fstat(file.fileno()).st_size // BLOCK * BLOCK
        file.truncate(max(0, size - free))


def attempts(disk: Path, work: Callable[[], Any], *, rooms: list[int], source: str | None) -> list[dict[str, Any]]:
    """Try with more and more room, until it succeeds; after each failure, space is freed and the same is done again.

    Every attempt begins with the same project.
    """
    told = []
    for free in rooms:
        shutil.rmtree(disk / "project", ignore_errors=True)
        if source:
            shutil.copytree(source, disk / "project")
        before = forked(lambda: state(disk / "project"))
        fill(disk, free)
        tried = forked(work)
        while_full = forked(lambda: state(disk / "project", full=True))
        (disk / "ballast").unlink()
        freed = forked(lambda: state(disk / "project"))
        left = sorted(str(path.relative_to(disk)) for path in disk.rglob("*.part"))
        told.append(
            {"free": free, "before": before, "tried": tried, "while_full": while_full, "freed": freed, "left": left}
        )
        if tried["code"] == 0:
            break
        told[-1]["again"] = forked(work)
        told[-1]["after"] = forked(lambda: state(disk / "project"))
    return told


def growing(disk: Path, work: Callable[[], Any], *, rooms: list[int], source: str) -> list[dict[str, Any]]:
    """Go on with the same project, with so many bytes more each time, until it succeeds."""
    shutil.copytree(source, disk / "project")
    told = []
    for free in rooms:
        before = forked(lambda: state(disk / "project"))
        fill(disk, free)
        tried = forked(work)
        while_full = forked(lambda: state(disk / "project", full=True))
        (disk / "ballast").unlink()
        freed = forked(lambda: state(disk / "project"))
        told.append(
            {"free": free, "before": before, "tried": tried, "while_full": while_full, "freed": freed, "left": []}
        )
        if tried["code"] in (0, 1):
            break
    return told


def answer_one(folder: Path) -> Any:
    """A person answers the item in hand; sent again, the same request is the same answer."""
    from yori.flywheel.database import open_database
    from yori.flywheel.queue import answer
    from yori.store import Project

    database = open_database(Project.open(folder))
    try:
        given = answer(
            database, "ann", (folder / "lease").read_text(), nonce="one-request", verdict="relabel", label="a",
            classes=["a", "b", "c", "d"], note="n" * 2000,
        )  # fmt: skip
    finally:
        database.close()
    return given.answer_id


def log_many(folder: Path) -> Any:
    """A server notes answers while its disk gets full: nothing blocks, nothing is lost, and the log goes on by itself."""
    from yori.flywheel.database import open_database
    from yori.flywheel.prediction_log import PredictionLog
    from yori.flywheel.release import serving_release
    from yori.store import Project

    (folder.parent / "ballast").unlink()
    project = Project.open(folder)
    database = open_database(project)
    release = serving_release(database)
    events: list[str] = []
    log = PredictionLog(database, project, say=lambda event, facts: events.append(event))
    try:
        log.offer([_prediction(release, 0)])
        written = log.flush(30)
        fill(folder.parent, 0)
        began = time.monotonic()
        refused = log.offer([_prediction(release, number) for number in range(1, 3000)])
        seconds = time.monotonic() - began
        while log.counts().failing is None and time.monotonic() < began + 60:
            time.sleep(0.01)
        while_full = log.counts()
        (folder.parent / "ballast").unlink()
        well = log.flush(60)
        after = log.counts()
    finally:
        log.close(30)
        database.close()
        fill(folder.parent, 0)
    said = {"written": written, "refused": refused, "seconds": seconds, "failing": while_full.failing}
    return {
        **said,
        "waiting": while_full.waiting,
        "well": well,
        "all": after.written,
        "shed": dict(after.shed),
        "events": events,
    }


def _prediction(release: str | None, number: int) -> Any:
    from yori.flywheel.prediction_log import Logged

    return Logged(
        release_id=release or "", kind="embedding", input_sha256=f"{number:064x}", label="a", confidence=0.25,
        abstained=False, latency_ms=1.0, probs=np.full(4, 0.25, np.float32), embedding=np.ones(16, np.float32),
    )  # fmt: skip


NAMED = {"answer": answer_one, "log": log_many}


def main() -> None:
    """Read a case from stdin, tell its attempts on stdout."""
    case = json.load(sys.stdin)
    disk = Path(tempfile.mkdtemp(prefix="yori-small-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={case['megabytes']}m", "none", str(disk)], check=True)
    try:
        os.chdir(disk)
        arguments = [each.replace("DISK", str(disk)) for each in case["arguments"]]
        named = NAMED.get(arguments[0])
        work = (lambda: named(disk / "project")) if named else (lambda: yori.cli.main.main(arguments))
        how = growing if case["growing"] else attempts
        told = how(disk, work, rooms=case["rooms"], source=case["source"])
    finally:
        os.chdir("/")
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
