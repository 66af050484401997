"""The order of system calls that makes a commit hold at a power cut, and the two ways to have one winner."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from yori.errors import StoreError
from yori.store import Project, atomic, locks


def test_write_new_writes_all_bytes_even_if_the_system_takes_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_write", lambda descriptor, data: os.write(descriptor, data[:3]))
    content = bytes(range(256)) * 5
    assert (
        atomic.write_new(tmp_path / "x", [content, memoryview(b"end")]) == hashlib.sha256(content + b"end").hexdigest()
    )
    assert (tmp_path / "x").read_bytes() == content + b"end"
    with pytest.raises(FileExistsError):
        atomic.write_new(tmp_path / "x", [b"again"])


@pytest.mark.parametrize("links", [True, False])
def test_create_if_absent_has_one_winner(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:
        monkeypatch.setattr(atomic, "_link", _no_links)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert atomic.create_if_absent(tmp_path / "a", tmp_path / "final" / "x")
    assert not atomic.create_if_absent(tmp_path / "b", tmp_path / "final" / "x")
    assert (tmp_path / "final" / "x").read_text() == "a"


def test_a_link_that_was_made_although_the_answer_was_lost_is_a_win(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    os.link(tmp_path / "a", tmp_path / "x")
    assert atomic.create_if_absent(tmp_path / "a", tmp_path / "x")


def test_without_links_and_locks_nothing_is_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(atomic, "_link", _no_links)
    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    (tmp_path / "a").write_text("a")
    with pytest.raises(StoreError, match="hard links or locks"):
        atomic.create_if_absent(tmp_path / "a", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_project_works_without_links_and_reads_without_locks(
    project: Project, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_link", _no_links)
    project.add_rows(make_rows("ab"), sources={}, message="m", who="w")
    assert project.version().number == 1
    assert project.gc(grace=0) == []


def test_everything_a_manifest_names_is_durable_before_the_manifest_is(
    bells: Project, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record every call with its path; then replay: what would be lost at a power cut right before the link?"""
    calls: list[tuple[str, str, str]] = []

    def name_of(descriptor: int) -> str:
        return os.readlink(f"/proc/self/fd/{descriptor}")

    def watch(name: str, describe: Any) -> None:
        real = getattr(atomic, name)

        def recorded(*arguments: Any) -> Any:
            calls.append((name, *describe(*arguments)))
            return real(*arguments)

        monkeypatch.setattr(atomic, name, recorded)

    watch("_write", lambda descriptor, data: (name_of(descriptor), ""))
    watch("_fsync", lambda descriptor: (name_of(descriptor), ""))
    watch("_rename", lambda a, b: (str(a), str(b)))
    watch("_link", lambda a, b: (str(a), str(b)))
    watch("_mkdir", lambda a: (str(a), ""))
    uri = bells.add_media(b"clip", "wav")
    bells.add_rows(make_rows("x", uri=[uri], source=["media"]), sources={}, message="m", who="w")

    dirty_files: set[str] = set()  # written, not fsynced
    dirty_folders: set[str] = set()  # holds a name that is not durable
    linked = False
    for name, path, target in calls:
        if name == "_write":
            dirty_files.add(path)
        elif name == "_fsync":
            dirty_files.discard(path)
            dirty_folders.discard(path)
        elif name == "_mkdir":
            if ".yori" not in path:  # unfinished work need not survive
                dirty_folders.add(str(Path(path).parent))
        elif name == "_rename":
            assert path not in dirty_files, "renamed before its bytes are durable"
            dirty_folders.add(str(Path(target).parent))
        elif name == "_link":
            assert not dirty_files
            assert not dirty_folders
            dirty_folders.add(str(Path(target).parent))
            linked = True
    assert linked
    assert not dirty_files
    assert not dirty_folders, "acknowledged before it is durable"


def _no_links(source: object, target: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    page = tmp_path / "deep" / "page.html"
    atomic.replace_file(page, b"one")
    atomic.replace_file(page, b"two")
    assert page.read_bytes() == b"two"

    def full(path, blocks):
        path.write_bytes(b"hal")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "write_new", full)
    with pytest.raises(StoreError):
        atomic.replace_file(page, b"three")
    assert page.read_bytes() == b"two"
    assert [each.name for each in page.parent.iterdir()] == ["page.html"]
