from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from yori.errors import StoreError
from yori.store import Project
from yori.store.stages import KINDS
from yori.store.work import work_path


def files(project: Project) -> list[str]:
    found = sorted(path.relative_to(project.path).as_posix() for path in project.path.rglob("*") if path.is_file())
    return [name for name in found if name not in ("task.yaml", "yori.json", ".yori/lock")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_appears_whole_when_the_block_ends(project: Project, kind: str) -> None:
    assert not project.has_stage(kind, "k")
    with project.stage_folder(kind, "k") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "x").write_text("x")
        assert not project.has_stage(kind, "k")
    assert project.has_stage(kind, "k")
    assert files(project) == [f"{kind}/k/inner/x"]
    assert list(work_path(project.path).iterdir()) == []
    assert list((project.path / ".yori" / "locks").iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_nothing_appears_when_the_block_raises(project: Project, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with project.stage_folder("runs", "k") as folder:
            (folder / "x").write_text("x")
            raise error

    with pytest.raises(error):
        interrupted()
    assert files(project) == []
    assert not project.has_stage("runs", "k")


def test_whoever_finished_first_is_kept(project: Project) -> None:
    with project.stage_folder("runs", "k") as slow:
        (slow / "x").write_text("slow")
        with project.stage_folder("runs", "k") as fast:
            (fast / "x").write_text("fast")
    assert (project.stage_path("runs", "k") / "x").read_text() == "fast"
    assert files(project) == ["runs/k/x"]


def test_an_empty_output_is_refused(project: Project) -> None:
    with pytest.raises(StoreError, match="at least one file"), project.stage_folder("runs", "k"):
        pass
    assert not project.has_stage("runs", "k")


@pytest.mark.parametrize(("kind", "key"), [("data", "k"), ("../x", "k"), ("runs", "../k"), ("runs", ""), ("runs", ".")])
def test_kinds_and_keys_are_checked(project: Project, kind: str, key: str) -> None:
    with pytest.raises(StoreError):
        project.has_stage(kind, key)
    with pytest.raises(StoreError), project.stage_folder(kind, key):
        pass


def test_a_full_disk_inside_the_block_is_said_in_words_and_other_errors_are_the_callers(project: Project) -> None:
    with pytest.raises(StoreError, match="Free some space"), project.stage_folder("runs", "k"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), project.stage_folder("runs", "k"):
        Path(project.path / "nowhere").read_text()
    assert files(project) == []


def test_a_file_in_the_place_of_the_folder(project: Project) -> None:
    (project.path / "runs").mkdir()
    (project.path / "runs" / "k").write_text("in the way")
    with pytest.raises(StoreError, match="a folder that can be written"), project.stage_folder("runs", "k") as folder:
        (folder / "x").write_text("x")
    assert files(project) == ["runs/k"]
