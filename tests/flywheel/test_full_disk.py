"""A disk that is really full, at every step that writes: a sentence, nothing lost, and with room the same command succeeds."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.flywheel import mixture_world
from tests.flywheel.heard import write_clips
from tests.flywheel.mined import answer_all, ask_about_log, truth_of

from yori.flywheel.database import open_database
from yori.flywheel.queue import add_person, take

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).with_name("full_disk.py")
KB = 1024
ROOMS = [0, 8 * KB, 32 * KB, 100 * KB, 400 * KB, 6400 * KB]
BESIDE_A_DATABASE = [0, *(KB * room for room in (36, 44, 52, 60, 72, 100, 200, 400, 6400))]
"""SQLite alone wants 32 kB beside its file to begin with."""


@functools.cache
def namespace() -> list[str]:
    """What lets a process mount a small disk that nobody else sees; empty where nothing does."""
    unshare = shutil.which("unshare")
    for how in (["-rm"], ["-m"]) if unshare else ():
        trial = [str(unshare), *how, "sh", "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d; rmdir $d"]
        if subprocess.run(trial, capture_output=True).returncode == 0:
            return [str(unshare), *how]
    return []


def tried(arguments: list[str], source: Path | None, *, rooms: list[int] = ROOMS, growing: bool = False) -> list[dict]:
    """Every attempt of a command on a small disk; checks what must hold whatever the command."""
    start = namespace()
    if not start:
        pytest.skip("needs permission to mount a tmpfs in a namespace of its own")
    case = {"arguments": arguments, "source": source and str(source), "rooms": rooms, "growing": growing}
    done = subprocess.run(
        [*start, sys.executable, str(DRIVER)], input=json.dumps({**case, "megabytes": 32}), capture_output=True, text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(DRIVER.parents[2])}, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    for one in told:
        assert one["while_full"]["code"] == 0, f"unreadable with {one['free']} bytes: {one['while_full']['err']}"
        check_kept(
            {name: one["before"]["done"].get(name, []) for name in ("versions", "digests")}, one["while_full"]["done"]
        )
        check_kept(one["before"]["done"], one["freed"]["done"])
        assert 0 <= one["tried"]["code"] < 99, one["tried"]["err"]
        assert "Traceback" not in one["tried"]["err"]
        if "after" in one:
            assert one["again"]["code"] == 0, one["again"]["err"]
            check_kept(one["freed"]["done"], one["after"]["done"])
    return told


def check_kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing that was there is gone or different."""
    for name, value in before.items():
        if name == "digests":
            assert after.get("digests", [])[: len(value)] == value
        elif name in ("versions", "answers", "predictions"):
            assert after[name] >= value, name
    assert after.get("whole", "ok") == "ok"
    if before.get("serving"):
        assert after["serving"]


def failed(told: list[dict]) -> list[dict]:
    """Attempts that found no room, which say so and leave nothing half-written; the last one found it."""
    full = [one for one in told if one["tried"]["code"] != 0]
    for one in full:
        assert "Free some space" in one["tried"]["err"], one["tried"]["err"]
        assert one["left"] == []
    assert told[-1]["tried"]["code"] == 0, told[-1]
    return full


@functools.cache
def logged(folder: Path) -> tuple[Path, dict[str, str]]:
    """A project with a release that serves, and 60 predictions in the log."""
    project, release = mixture_world.copied(folder)
    database = open_database(project)
    mixture_world.serving(project, release, database)
    arrived = mixture_world.stream(60)
    mixture_world.log(database, release, arrived)
    database.close()
    return project.path, truth_of(arrived)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return logged(tmp_path)[0]


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    """The same with 20 answers that wait to be merged."""
    from yori.store import Project

    path, truth = logged(tmp_path)
    database = open_database(Project.open(path))
    ask_about_log(database, 20)
    answer_all(database, truth)
    database.close()
    return path


def test_merge(answered: Path) -> None:
    verb = ["merge", "DISK/project", "--who", "ann", "--json"]
    told = tried(verb, answered, rooms=BESIDE_A_DATABASE)
    assert len(failed(told)) >= 4
    ends = [one.get("after", one["freed"])["done"] for one in told]
    assert {one["versions"] for one in ends} == {3}
    assert {one["answers"] for one in ends} == {20}
    assert len({json.dumps(one["digests"][1:]) for one in ends}) <= 2  # ids and labels, in the versions they came in


def test_release(source: Path) -> None:
    verb = ["release", "DISK/project", "--make", "--promote", "--workers", "1", "--no-progress"]
    told = tried(verb, source, rooms=BESIDE_A_DATABASE)
    assert len(failed(told)) >= 2
    for one in told:
        assert one["before"]["done"]["serving"] is not None


def test_prepare(source: Path) -> None:
    told = tried(["prepare", "DISK/project", "--balance", "0.5", "--workers", "1", "--no-progress"], source)
    assert len(failed(told)) >= 1
    assert told[-1]["freed"]["done"]["versions"] == 2


def test_an_answer(answered: Path) -> None:
    from yori.store import Project

    database = open_database(Project.open(answered))
    add_person(database, "ann")
    ask_about_log(database, 5)
    (lease,) = take(database, "ann", seconds=3600)
    database.close()
    (answered / "lease").write_text(lease.lease)
    told = tried(["answer"], answered)
    assert len(failed(told)) >= 1
    assert {one.get("after", one["freed"])["done"]["answers"] for one in told} == {21}


def test_predictions(source: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "new.npy", rng.normal(size=(300, 16)).astype(np.float32))
    verb = ["predict", "DISK/project", str(tmp_path / "new.npy"), "--log", "--workers", "1", "--no-progress"]
    told = tried([*verb, "--out", "DISK/out.parquet"], source)
    assert len(failed(told)) >= 2
    assert {one.get("after", one["freed"])["done"]["predictions"] for one in told} == {60 + 300}


def test_the_log_of_a_server(source: Path) -> None:
    (one,) = tried(["log"], source, rooms=[0])
    said = one["tried"]["done"]
    assert (said["written"], said["refused"], said["well"], said["all"], said["shed"]) == (True, 0, True, 3000, {})
    assert "full" in said["failing"]
    assert said["waiting"] >= 2000
    assert len(said["events"]) == 2, "told once that it fails, once that it is back"
    assert one["freed"]["done"]["predictions"] == 60 + 3000


def test_init(tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", 4)
    verb = ["init", "DISK/project", "--layout", "folder", "--from", str(clips), "--workers", "1", "--no-progress"]
    told = tried(verb, None)
    for one in failed(told):
        assert one["freed"]["done"] == {"versions": 0}, "if anything is wrong, nothing is left behind"
    assert told[-1]["freed"]["done"]["versions"] == 1


def test_import(tmp_path: Path) -> None:
    from yori.main_job import DataSource, init

    init(tmp_path / "project", DataSource(layout="folder", path=write_clips(tmp_path / "clips", 2)), workers=1)
    more = write_clips(tmp_path / "more", 4)
    verb = ["import", "DISK/project", "--layout", "folder", "--from", str(more), "--workers", "1", "--no-progress"]
    told = tried(verb, tmp_path / "project")
    assert len(failed(told)) >= 1
    assert {one.get("after", one["freed"])["done"]["versions"] for one in told} == {2}


def test_a_turn_goes_on_as_room_is_made(source: Path) -> None:
    told = tried(
        ["turn", "DISK/project", "--budget", "20", "--no-wait", "--workers", "1", "--no-progress", "--who", "ann"], source,
        rooms=[0, 16 * KB, 64 * KB, 150 * KB, 300 * KB, 600 * KB, 1200 * KB, 2400 * KB, 20_000 * KB], growing=True,
    )  # fmt: skip
    full = told[:-1]
    assert len(full) >= 2
    for one in full:
        assert "Free some space" in one["tried"]["err"], one["tried"]["err"]
        assert one["freed"]["done"]["serving"] == one["before"]["done"]["serving"]
    assert told[-1]["tried"]["code"] in (0, 1)
    assert "full" not in told[-1]["tried"]["err"]
