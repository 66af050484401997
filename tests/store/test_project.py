from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from yori.errors import CorruptError, NewerVersionError, PathEscapeError, StoreError
from yori.store import Project

TASK = "classes: [bell, horn, ship]\n"


def test_create_and_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: 새 과제\r\nclasses: [a]\n\n"
    project = Project.create(tmp_path / "deep" / "project", text)
    assert project.task_text() == text
    assert (project.path / "task.yaml").read_bytes() == text.encode()
    marker = json.loads((project.path / "yori.json").read_text())
    assert marker == {"format": 1, "created_by": "yori 0.1.0"}
    assert Project.create(project.path, text) == Project.open(str(project.path)) == project
    monkeypatch.chdir(tmp_path)
    assert Project.open("deep/project").path == project.path


def test_create_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Project.create(tmp_path / "empty", TASK).version().number == 0


def test_create_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    with pytest.raises(StoreError, match=r"a new or empty folder, or a project, got a folder that holds cat\.jpg"):
        Project.create(tmp_path / "photos", TASK)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    Project.create(tmp_path / "project", TASK)
    with pytest.raises(StoreError, match="a project of another task"):
        Project.create(tmp_path / "project", "another: task")
    assert Project.open(tmp_path / "project").task_text() == TASK


def test_a_hand_written_task_is_kept_if_it_is_the_same_and_refused_if_not(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(TASK)
    with pytest.raises(StoreError, match=r"a folder that holds task\.yaml"):
        Project.create(tmp_path, "another: task")
    assert Project.create(tmp_path, TASK).task_text() == TASK


def test_open_says_what_is_missing(project: Project, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        Project.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"without yori\.json"):
        Project.open(tmp_path)
    (project.path / "task.yaml").unlink()
    with pytest.raises(StoreError, match=r"task\.yaml in the project, got none"):
        Project.open(project.path)
    with pytest.raises(StoreError, match=r"task\.yaml as UTF-8 text"):
        project.task_text()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "one"}', "{"])
def test_a_damaged_marker(project: Project, text: str) -> None:
    (project.path / "yori.json").write_text(text)
    with pytest.raises(CorruptError, match=r"yori\.json"):
        Project.open(project.path)


def test_a_newer_project_is_refused_and_not_touched(bells: Project) -> None:
    (bells.path / "yori.json").write_text('{"format": 2, "created_by": "yori 9.0"}')
    before = {path: path.read_bytes() for path in bells.path.rglob("*") if path.is_file()}
    with pytest.raises(NewerVersionError, match=r"format 1 or lower, got format 2\. Update yori"):
        Project.open(bells.path)
    with pytest.raises(NewerVersionError):
        Project.create(bells.path, TASK)
    assert {path: path.read_bytes() for path in bells.path.rglob("*") if path.is_file()} == before


def test_reading_writes_nothing(bells: Project, make_patch: Any) -> None:
    bells.add_labels(make_patch(("a", "drop")), message="m")
    shutil.rmtree(bells.path / ".yori")
    before = sorted(bells.path.rglob("*"))
    project = Project.open(bells.path)
    project.examples()
    project.log()
    project.diff(1, 2)
    project.check()
    project.gc(dry_run=True)
    project.has_stage("runs", "x")
    assert sorted(bells.path.rglob("*")) == before


def test_locate_follows_no_path_outside(project: Project, make_rows: Any, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "clips" / "link").symlink_to(tmp_path / "secret")
    rows = make_rows("a", uri=["link/a.wav"], source=["s"])
    project.add_rows(rows, sources={"s": tmp_path / "clips"}, message="m", who="w")
    for uri in ("link/a.wav", "../secret/a.wav", "/etc/passwd"):
        with pytest.raises(PathEscapeError):
            project.locate("s", uri)
    with pytest.raises(StoreError, match="one of the sources s, got 't'"):
        project.locate("t", "a.wav")


def test_check_counts_and_names(bells: Project, make_patch: Any, make_rows: Any) -> None:
    uri = bells.add_media(b"a clip", ".WAV")
    bells.add_rows(make_rows("x", uri=[uri], source=["media"]), sources={}, message="m", who="w")
    bells.add_labels(make_patch(("a", "drop")), message="m")
    assert [bells.check(n) for n in (1, 2, 3)] == [1, 3, 4]
    media = bells.locate("media", uri)
    media.write_bytes(b"b clip")
    with pytest.raises(CorruptError, match=uri):
        bells.check()
    media.unlink()
    with pytest.raises(CorruptError, match=uri):
        bells.check()
    assert bells.check(1) == 1


def test_importing_is_light_and_brings_no_heavy_library() -> None:
    program = (
        "import sys, yori.store\n"
        "heavy = {'torch', 'pandas', 'sklearn', 'scipy', 'soundfile', 'soxr', 'pyarrow.parquet', 'pyarrow.compute'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
