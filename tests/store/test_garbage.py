from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from yori.errors import CorruptError, StoreError
from yori.store import Orphan, Project, garbage
from yori.store.work import work_path, writing

NAME = "0" * 64


def plant(project: Project, relative: str, content: bytes = b"orphan", age: float = 0) -> Path:
    path = project.path / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def tree(project: Project) -> set[str]:
    return {path.relative_to(project.path).as_posix() for path in project.path.rglob("*") if path.is_file()}


def test_what_no_version_names_goes_and_everything_else_stays(bells: Project, make_rows: Any, make_patch: Any) -> None:
    uri = bells.add_media(b"clip", "wav")
    bells.add_rows(make_rows("x", uri=[uri], source=["media"]), sources={}, message="m", who="w")
    bells.add_labels(make_patch(("x", "drop")), message="a dropped example keeps its clip")
    with bells.stage_folder("runs", "r") as folder:
        (folder / "run.json").write_text("{}")
    bells.write_embeddings("e", [[[1.0]]], ["a"])
    for name in ("README.txt", "data/rows/notes.txt", "data/media/cover.png", "data/rows/x.parquet", "cache/k/file"):
        plant(bells, name)
    before = tree(bells) - {".yori/locks/embeddings-e"}
    lost = bells.add_media(b"never used", "flac")
    for name in (f"data/rows/{NAME}.parquet", f"data/labels/{NAME}.parquet"):
        plant(bells, name)
    expected = [
        Orphan(f"data/labels/{NAME}.parquet", 6),
        Orphan(f"data/media/{lost}", 10),
        Orphan(f"data/rows/{NAME}.parquet", 6),
    ]
    assert bells.gc(dry_run=True, grace=0) == expected
    assert tree(bells) - before == {orphan.path for orphan in expected} | {".yori/locks/embeddings-e"}
    assert bells.gc(grace=0) == expected
    assert tree(bells) == before
    assert bells.gc(grace=0) == []
    bells.check()


def test_what_is_young_stays(bells: Project) -> None:
    young = plant(bells, f"data/rows/{NAME}.parquet", age=3500)
    old = plant(bells, f"data/labels/{NAME}.parquet", age=3700)
    assert [orphan.path for orphan in bells.gc()] == [f"data/labels/{NAME}.parquet"]
    assert young.exists()
    assert not old.exists()
    assert [orphan.path for orphan in bells.gc(grace=3400)] == [f"data/rows/{NAME}.parquet"]


def test_files_of_every_version_are_kept_not_only_of_the_latest(bells: Project, make_patch: Any) -> None:
    bells.add_labels(make_patch(("a", "drop")), message="m")
    bells.add_labels(make_patch(("a", "restore")), message="m")
    assert bells.gc(grace=0) == []
    assert [bells.examples(n).num_rows for n in (1, 2, 3)] == [5, 4, 5]


def test_work_left_behind_goes_and_work_in_progress_stays(bells: Project) -> None:
    plant(bells, ".yori/work/crashed/content/half.npy", b"12345")
    plant(bells, ".yori/locks/crashed", b"")
    plant(bells, ".yori/work/no-lock/content/x", b"1")
    with bells.stage_folder("runs", "r") as folder:
        (folder / "run.json").write_text("{}")
        assert bells.gc(grace=0) == [Orphan(".yori/work/crashed", 5), Orphan(".yori/work/no-lock", 1)]
        assert (folder / "run.json").exists()
    assert bells.has_stage("runs", "r")
    assert list(work_path(bells.path).iterdir()) == []


def test_young_work_left_behind_stays_for_the_grace_period(bells: Project) -> None:
    plant(bells, ".yori/work/crashed/content/half.npy", age=9999)
    assert bells.gc() == []  # the folders are young
    for path in [bells.path / ".yori/work/crashed/content", bells.path / ".yori/work/crashed"]:
        os.utime(path, (0, 0))
    assert [orphan.path for orphan in bells.gc()] == [".yori/work/crashed"]


def test_links_are_not_followed(bells: Project, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    home = bells.path / ".yori" / "work" / "crashed" / "content"
    home.mkdir(parents=True)
    (home / "link").symlink_to(tmp_path / "precious")
    (bells.path / "data" / "rows" / f"{NAME}.parquet").symlink_to(tmp_path / "precious" / "file")
    assert [orphan.path for orphan in bells.gc(grace=0)] == [".yori/work/crashed"]
    assert (tmp_path / "precious" / "file").exists()


def test_nothing_is_removed_when_it_is_not_known_what_is_named(bells: Project, make_patch: Any) -> None:
    bells.add_labels(make_patch(("a", "drop")), message="m")
    orphan = plant(bells, f"data/rows/{NAME}.parquet")
    (bells.path / bells.version().files[0].path).write_bytes(b"damaged")
    with pytest.raises(CorruptError):
        bells.gc(grace=0)
    assert orphan.exists()


def test_garbage_collection_waits_for_those_who_commit(bells: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = plant(bells, f"data/rows/{NAME}.parquet")
    monkeypatch.setattr(garbage, "_PATIENCE_SECONDS", 0.05)
    with writing(bells.path), pytest.raises(StoreError, match="a moment without commits"):
        bells.gc(grace=0)
    assert orphan.exists()
    assert len(bells.gc(grace=0)) == 1


def test_locks_of_jobs_that_are_over_go_and_those_of_running_ones_stay(bells: Project) -> None:
    bells.write_embeddings("done", [[[1.0]]], ["a"])
    locks = bells.path / ".yori" / "locks"
    with bells.stage_folder("runs", "r") as folder:
        (folder / "x").write_text("x")
        assert len(list(locks.iterdir())) == 2
        assert bells.gc(grace=0) == []
        assert len(list(locks.iterdir())) == 1
    assert list(locks.iterdir()) == []
