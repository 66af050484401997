"""Stop an operation with SIGKILL at its k-th system call, for every k until it completes; look at the ruins each time.

Run as a program: ``python crash_driver.py FOLDER OPERATION…``; it prints, as JSON, how many calls each operation made or what
went wrong. It imports once and forks for each attempt. A write is stopped in the middle of its bytes, every other call before
it happens. After each kill a fresh process checks that

* the old version is there, every byte of it, and is whole;
* garbage collection removes what the killed process left;
* the operation can be repeated, and then the project is what it would have been without the crash.

A killed process loses nothing that it gave to the system, so fsync is counted here but not carried out; that it comes
in the right order is the subject of test_atomic.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from yori.errors import StoreError
from yori.store import Project, atomic, read_audio, write_wav

CALLS = ("_write", "_fsync", "_link", "_rename", "_unlink", "_mkdir", "remove_tree")
TASK = "classes: [bell, horn]\n"


def rows(ids: str, **columns: Any) -> pa.Table:
    return pa.table({"example_id": list(ids), "label": ["bell"] * len(ids), **columns})


def patch(*edits: tuple[Any, ...]) -> pa.Table:
    ids, action, old, new = zip(*edits, strict=True)
    n = len(edits)
    columns = {"example_id": ids, "action": action, "old": old, "new": new, "who": ["ann"] * n, "when": ["2026"] * n}
    return pa.table({name: list(values) for name, values in columns.items()})


def base(folder: Path) -> None:
    """Two versions, a clip inside the project, a run."""
    project = Project.create(folder, TASK)
    uri = project.add_media(b"clip", "wav")
    project.add_rows(rows("abc", uri=[uri] * 3, source=["media"] * 3), sources={}, message="first", who="ann")
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    project.add_rows(rows("d"), sources={"clips": folder.parent / "elsewhere"}, message="second", who="ann")
    with project.stage_folder("runs", "old") as stage:
        (stage / "run.json").write_text("{}")


def add_rows(folder: Path) -> None:
    project = Project.open(folder)
    uri = project.add_media(b"another clip", "flac")
    project.add_rows(rows("de", uri=[None, uri], source=[None, "media"]), sources={}, message="third", who="ann")


def add_labels(folder: Path) -> None:
    edits = patch(("a", "relabel", "bell", "horn"), ("b", "drop", None, None), ("b", "restore", None, None))
    Project.open(folder).add_labels(edits, message="listened")


def move_source(folder: Path) -> None:
    place = folder.parent / "moved"
    place.mkdir(exist_ok=True)
    Project.open(folder).move_source("clips", place, message="new disk", who="ann")


def stage(folder: Path) -> None:
    project = Project.open(folder)
    if not project.has_stage("proofs", "new"):
        with project.stage_folder("proofs", "new") as inside:
            (inside / "deep").mkdir()
            (inside / "deep" / "certificate.json").write_text("{}")
            (inside / "edits.parquet").write_bytes(b"edits")


def embeddings(folder: Path) -> None:
    numbers = np.arange(15, dtype=np.float32).reshape(5, 3)
    stored = Project.open(folder).write_embeddings(
        "ast", lambda start: (numbers[i : i + 1] for i in range(start, 5)), list("abcde"), shard_bytes=128 + 3 * 12
    )
    assert (stored.rows(range(5)) == numbers).all()
    stored.check()


def gc(folder: Path) -> None:
    for name in ("rows", "labels"):
        (folder / "data" / name).mkdir(exist_ok=True)
    for k in range(3):
        orphan = hashlib.sha256(bytes([k])).hexdigest()
        (folder / "data" / "rows" / f"{orphan}.parquet").write_bytes(b"rows")
        (folder / "data" / "labels" / f"{orphan}.parquet").write_bytes(b"labels")
        (folder / "data" / "media" / f"{orphan}.wav").write_bytes(b"media")
    left = folder / ".yori" / "work" / "left" / "content"
    left.mkdir(parents=True, exist_ok=True)
    (left / "half").write_bytes(b"half")
    Project.open(folder).gc(grace=0)


def wav(folder: Path) -> None:
    write_wav(folder.parent / "sound.wav", [0.5, -0.5], 8000)
    assert len(read_audio(folder.parent / "sound.wav")[0]) == 2


def create(folder: Path) -> None:
    Project.create(folder, TASK)


OPERATIONS: dict[str, Callable[[Path], None]] = {
    "create": create,
    "add_rows": add_rows,
    "add_labels": add_labels,
    "move_source": move_source,
    "stage": stage,
    "embeddings": embeddings,
    "gc": gc,
    "wav": wav,
}


def tree(folder: Path) -> dict[str, str]:
    """Every file but the working area, with its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".yori" not in path.parts
    }


def state(folder: Path) -> dict[str, Any]:
    """What must be the same with and without a crash in between: all names, and all bytes that hold no time."""
    project = Project.open(folder)
    head = project.version()
    project.check()
    files = {name: sha for name, sha in tree(folder).items() if not name.startswith("data/versions/")}
    return {"files": files, "head": head.number, "hash": head.content_hash, "versions": len(project.log())}


def look_at_ruins(operation: str, folder: Path, before: dict[str, str], after: dict[str, Any]) -> None:
    ruins = tree(folder)
    for name, sha in before.items():
        assert ruins.get(name) == sha, f"{name} of the old version is not what it was"
    if operation != "create":
        project = Project.open(folder)
        assert project.examples(2, ["example_id", "label"]).to_pylist() == [
            {"example_id": one, "label": "bell"} for one in "abcd"
        ]
        for version in project.log():
            project.check(version.number)
        project.gc(grace=0)
        left = list((folder / ".yori" / "work").iterdir())
        left += list((folder / ".yori" / "locks").iterdir())
        assert left == [], f"left after garbage collection: {left}"
        named = {file.path for version in project.log() for file in version.files}
        for kind in ("rows", "labels"):
            for path in (folder / "data" / kind).glob("*"):
                assert path.relative_to(folder).as_posix() in named, f"{path} is an orphan"
    else:
        with contextlib.suppress(StoreError):  # either no project yet, or a whole one
            assert Project.open(folder).task_text() == TASK
    OPERATIONS[operation](folder)
    if operation == "create":
        Project.open(folder).gc(grace=0)
    assert state(folder) == after, f"expected {after}, got {state(folder)}"
    assert [one for one in Project.open(folder).gc(grace=0) if "work" not in one.path] == []


def stop_at(k: int) -> None:
    """Kill this process at the k-th call."""
    made = 0

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            nonlocal made
            made += 1
            if made == k:
                if name == "_write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return counted

    for name in CALLS:
        setattr(atomic, name, wrap(name, getattr(atomic, name)))


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked process; 0 if it ended well, otherwise the signal or exit code that ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main(operation: str, home: Path) -> int:
    start, done = home / "base" / "project", home / "done" / "project"
    start.parent.mkdir(parents=True)
    atomic._fsync = lambda descriptor: None
    base(start)  # in this process, so that what Arrow sets up on first use is there in every fork
    if operation == "create":
        shutil.rmtree(start)
    expected = home / "expected.json"

    def undisturbed() -> None:
        shutil.copytree(start.parent, done.parent)
        OPERATIONS[operation](done)
        expected.write_text(json.dumps(state(done)))

    assert in_child(undisturbed) == 0
    before, after = tree(start), json.loads(expected.read_text())
    k = 0
    while True:
        k += 1
        folder = home / "run" / "project"
        shutil.copytree(start.parent, folder.parent)

        def attempt(k: int = k, folder: Path = folder) -> None:
            stop_at(k)
            OPERATIONS[operation](folder)

        ended = in_child(attempt)
        if ended == 0:
            return k - 1
        if ended != -signal.SIGKILL:
            raise RuntimeError(f"call {k} of {operation}: ended by {ended}, not by SIGKILL")
        if in_child(lambda folder=folder: look_at_ruins(operation, folder, before, after)) != 0:
            raise RuntimeError(f"after a kill at call {k} of {operation}")
        shutil.rmtree(folder.parent)


if __name__ == "__main__":
    results: dict[str, int | str] = {}
    for name in sys.argv[2:]:
        try:
            results[name] = main(name, Path(sys.argv[1]) / name)
        except RuntimeError as error:
            results[name] = str(error)
    print(json.dumps(results))
