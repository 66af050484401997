"""Full disks and unwritable folders: a StoreError with a sentence, nothing half-written, and the command can be repeated."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from yori.errors import StoreError
from yori.store import Project, atomic, write_wav

CALLS = ("_write", "_fsync", "_link", "_rename", "_mkdir")


def add_rows(project: Project, make_rows: Any, make_patch: Any) -> None:
    uri = project.add_media(b"clip", "wav")
    rows = make_rows("xyz", uri=[uri] * 3, source=["media"] * 3)
    project.add_rows(rows, sources={}, message="more", who="ann")


def add_labels(project: Project, make_rows: Any, make_patch: Any) -> None:
    project.add_labels(make_patch(("a", "relabel", "bell", "ship"), ("b", "drop")), message="edits")


def stage(project: Project, make_rows: Any, make_patch: Any) -> None:
    if not project.has_stage("runs", "r"):
        with project.stage_folder("runs", "r") as folder:
            (folder / "run.json").write_text("{}")


def embeddings(project: Project, make_rows: Any, make_patch: Any) -> None:
    project.write_embeddings("e", np.eye(5, dtype=np.float32), list("abcde"), shard_bytes=128 + 40)


OPERATIONS = (add_rows, add_labels, stage, embeddings)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_a_fault_at_any_call_is_a_sentence_and_leaves_a_whole_project(
    operation: Callable[..., None],
    bells: Project,
    make_rows: Any,
    make_patch: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = bells.version(1)
    monkeypatch.setattr(atomic, "_fsync", lambda descriptor: None)
    k, faults = 0, 0
    while True:
        k += 1
        folder = tmp_path / f"run{k}"
        shutil.copytree(bells.path, folder)
        project, before = Project.open(folder), files(folder)
        made, call = 0, ""

        def wrap(name: str, real: Callable[..., Any], k: int = k) -> Callable[..., Any]:
            def counted(*arguments: Any) -> Any:
                nonlocal made, call
                made += 1
                if made == k:
                    call = name
                    if name == "_write":
                        os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real(*arguments)

            return counted

        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(atomic, name, wrap(name, getattr(atomic, name)))
            said = ""
            try:
                operation(project, make_rows, make_patch)
                break
            except StoreError as error:
                said = str(error)
        faults += 1
        assert "No space left on device" in said, call
        assert "Free some space" in said
        after = files(folder)
        assert {name: after.get(name) for name in before} == before, call
        assert project.version(1) == expected
        project.check(1)
        project.check()
        for name in set(after) - set(before):
            assert not name.endswith(".part"), f"{name} is half-written after {call}"
        operation(project, make_rows, make_patch)
        project.check()
        assert project.examples(1).num_rows == 5
        shutil.rmtree(folder)
    assert faults == k - 1 >= 8


def test_a_tiny_disk_fills_up_while_commits_go_on() -> None:
    """A real file system with 400 kB: commit until it is full; every version that was acknowledged is whole."""
    program = """
        import pyarrow as pa, subprocess, sys
        from yori.errors import StoreError
        from yori.store import Project
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", "/mnt"], check=True)
        project = Project.create("/mnt/project", "classes: [a]")
        try:
            for k in range(10_000):
                rows = pa.table({"example_id": [f"{k}-{i}" for i in range(300)]})
                version = project.add_rows(rows, sources={}, message="more", who="ann").version.number
        except StoreError as error:
            assert "Free some space" in str(error), error
        else:
            raise SystemExit("never full")
        assert version >= 2
        for n in range(1, version + 1):
            project.check(n)
            assert project.examples(n).num_rows == 300 * n
        project.gc(grace=0)
        assert project.version().number == version
    """
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode:
        pytest.skip("needs permission to mount a tmpfs in a namespace of its own")
    run = [unshare, "-rm", sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="a folder that can be written"):
        Project.create(tmp_path / "file" / "project", "task")
    with pytest.raises(StoreError, match="Not a directory"):
        Project.create(tmp_path / "file", "task")
    with pytest.raises(StoreError, match="a folder that can be written"):
        write_wav(tmp_path / "file" / "x.wav", [0.0], 8000)


def test_a_file_where_a_folder_should_be(bells: Project, make_rows: Any) -> None:
    shutil.rmtree(bells.path / ".yori")
    (bells.path / ".yori").write_text("in the way")
    with pytest.raises(StoreError, match="a folder that can be written"):
        bells.add_rows(make_rows("x"), sources={}, message="m", who="w")
    assert bells.version().number == 1


def test_a_read_only_project_can_be_read_but_not_written() -> None:
    """In a process of its own, which gives up being root if it is, because root may write everywhere."""
    program = """
        import os, shutil, tempfile
        from pathlib import Path
        import pyarrow as pa, pyarrow.compute, pyarrow.parquet
        from yori.errors import StoreError
        from yori.store import Project
        home = Path(tempfile.mkdtemp())
        project = Project.create(home / "project", "task")
        rows = [pa.table({"example_id": [one]}) for one in "ab"]
        project.add_rows(rows[0], sources={}, message="m", who="w")
        everything, user = [home, *home.rglob("*")], os.geteuid()
        for path in everything:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if user == 0:
            os.seteuid(65534)
        said = []
        try:
            assert Project.open(project.path).examples().num_rows == project.check() == 1
            for attempt in (
                lambda: project.add_rows(rows[1], sources={}, message="m", who="w"),
                lambda: project.add_media(b"x", "wav"),
                lambda: project.write_embeddings("e", [[[1.0]]], ["a"]),
                lambda: project.stage_folder("runs", "r").__enter__(),
                lambda: project.gc(),
                lambda: Project.create(project.path / "inner", "task"),
            ):
                try:
                    attempt()
                except StoreError as error:
                    said.append("a folder that can be written, got Permission denied" in str(error))
        finally:
            os.seteuid(user)
            for path in everything:
                path.chmod(0o755)
            shutil.rmtree(home)
        assert said == [True] * 6, said
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_another_error_of_the_disk_is_a_store_error_too(
    bells: Project, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "_fsync", fails)
    with pytest.raises(StoreError, match=r"Input/output error.*Check the disk"):
        bells.add_rows(make_rows("x"), sources={}, message="m", who="w")
    assert isinstance(pa.table({}), pa.Table)
