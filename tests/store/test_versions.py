"""Manifests: what they identify, and what happens to one that is not what was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yori.errors import CorruptError, NewerVersionError, PathEscapeError, StoreError
from yori.store import Project
from yori.store.versions import own_hash, version_numbers, version_path


def tamper(project: Project, change: Callable[[dict[str, Any]], object], number: int = 1) -> None:
    path = version_path(project.path, number)
    fields = json.loads(path.read_text())
    change(fields)
    fields["manifest_sha256"] = own_hash(fields)  # whoever tampers on purpose does this too
    path.write_text(json.dumps(fields))


def test_the_same_steps_on_the_same_data_have_the_same_identity(
    tmp_path: Path, make_rows: Any, make_patch: Any
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    hashes = []
    for name, root, order in (("one", "here", "abc"), ("two", "there", "cab")):
        project = Project.create(tmp_path / name, f"task of {name}")
        rows = make_rows(order, uri=[f"{one}.wav" for one in order], source=["s"] * 3)
        project.add_rows(rows, sources={"s": tmp_path / root}, message=name, who=name)
        patch = make_patch(("a", "relabel", "bell", "horn"))
        patch = patch.set_column(patch.column_names.index("when"), "when", [[name]])
        project.add_labels(patch, message=name)
        hashes.append([version.content_hash for version in project.log()])
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 2


def test_other_data_have_another_identity(tmp_path: Path, make_rows: Any) -> None:
    seen = set()
    for k, rows in enumerate(
        [make_rows("ab"), make_rows("ac"), make_rows("ab", ["bell", "horn"]), make_rows("ab", snr=[1, 2])]
    ):
        project = Project.create(tmp_path / str(k), "task")
        project.add_rows(rows, sources={}, message="m", who="w")
        seen.add(project.version().content_hash)
    assert len(seen) == 4


def test_the_empty_version(project: Project) -> None:
    version = project.version()
    assert (version.number, version.parents, version.files) == (0, (), ())
    assert version == project.version(0)
    assert project.log() == []
    assert project.examples().num_rows == 0


@pytest.mark.parametrize("number", [2, 99, -1])
def test_a_version_that_does_not_exist(bells: Project, number: int) -> None:
    with pytest.raises(StoreError, match=f"a version from 0 to 1, got {number}"):
        bells.version(number)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "1"}', '{"format": 1}', "\x00", "[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_named(bells: Project, text: str) -> None:
    version_path(bells.path, 1).write_text(text)
    with pytest.raises(CorruptError, match=r"versions/1\.json"):
        bells.version()
    with pytest.raises(CorruptError, match=r"versions/1\.json"):
        bells.gc(grace=0)


def test_a_manifest_that_is_not_text(bells: Project) -> None:
    version_path(bells.path, 1).write_bytes(b"\xff\xfe{}")
    with pytest.raises(CorruptError, match=r"versions/1\.json"):
        bells.examples()


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.pop("files"),
        lambda fields: fields.pop("parents"),
        lambda fields: fields.update(files="x"),
        lambda fields: fields.update(files=[1]),
        lambda fields: fields.update(parents=3),
        lambda fields: fields.update(sources=[]),
        lambda fields: fields.update(sources={"../x": "y"}),
        lambda fields: fields.update(label_kind="many"),
        lambda fields: fields.update(number=2),
        lambda fields: fields.update(files=[]),
        lambda fields: fields.update(content_hash="0" * 64),
        lambda fields: fields["files"][0].update(path="data/rows/x.parquet"),
        lambda fields: fields["files"][0].update(path="task.yaml"),
        lambda fields: fields["files"][0].update(sha256="0" * 64),
        lambda fields: fields["files"][0].update(content=None),
        lambda fields: fields["files"][0].update(surprise=1),
        lambda fields: fields["files"][0].pop("bytes"),
    ],
)
def test_a_manifest_with_a_wrong_field_is_refused(bells: Project, change: Callable[[dict[str, Any]], object]) -> None:
    tamper(bells, change)
    with pytest.raises(CorruptError, match=r"versions/1\.json"):
        bells.version()


@pytest.mark.parametrize("path", ["../secret.parquet", "/etc/passwd", "data/rows/../../../x"])
def test_a_manifest_cannot_lead_outside(bells: Project, path: str) -> None:
    tamper(bells, lambda fields: fields["files"][0].update(path=path))
    with pytest.raises(PathEscapeError):
        bells.examples()


def test_a_row_file_that_is_a_link_to_the_outside_is_refused(bells: Project, tmp_path: Path) -> None:
    file = bells.path / bells.version().files[0].path
    file.rename(tmp_path / "outside")
    file.symlink_to(tmp_path / "outside")
    with pytest.raises(PathEscapeError, match="leads to"):
        bells.examples()


def test_a_manifest_of_a_newer_yori_is_refused_and_nothing_is_touched(bells: Project, make_rows: Any) -> None:
    tamper(bells, lambda fields: fields.update(format=2, files="in another way"))
    before = version_path(bells.path, 1).read_bytes()
    with pytest.raises(NewerVersionError, match=r"format 1 or lower, got format 2.*Update yori"):
        bells.examples()
    with pytest.raises(NewerVersionError):
        bells.add_rows(make_rows("x"), sources={}, message="m", who="w")
    with pytest.raises(NewerVersionError):
        bells.gc(grace=0)
    assert version_path(bells.path, 1).read_bytes() == before
    assert version_numbers(bells.path) == [1]


def test_a_flipped_bit_anywhere_in_a_manifest_shows(bells: Project) -> None:
    path = version_path(bells.path, 1)
    content = path.read_bytes()
    written = bells.version()
    for position in range(0, len(content), 3):
        broken = bytearray(content)
        broken[position] ^= 1
        path.write_bytes(bytes(broken))
        try:
            assert bells.version() == written  # white space may differ
        except (CorruptError, NewerVersionError):
            continue


def test_other_files_among_the_manifests_are_not_versions(bells: Project) -> None:
    for name in ("01.json", "x.json", "2.json.bak", "0.json", ".lock"):
        (bells.path / "data" / "versions" / name).write_text("{}")
    assert version_numbers(bells.path) == [1]


def test_a_damaged_version_does_not_hide_the_others(bells: Project, make_patch: Any) -> None:
    bells.add_labels(make_patch(("a", "drop")), message="m")
    version_path(bells.path, 2).write_text("{")
    with pytest.raises(CorruptError):
        bells.examples()
    assert bells.examples(1).num_rows == 5
