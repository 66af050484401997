from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from yori.errors import ConflictError, SourceError, StoreError, ValuesError
from yori.store import Project


def test_rows_that_are_there_are_skipped(bells: Project, make_rows: Any) -> None:
    again = bells.add_rows(make_rows("ab"), sources={}, message="again", who="w")
    assert (again.version.number, again.added, again.skipped) == (1, 0, 2)
    mixed = bells.add_rows(make_rows("abx"), sources={}, message="more", who="w")
    assert (mixed.version.number, mixed.added, mixed.skipped) == (2, 1, 2)
    assert bells.add_rows(make_rows(""), sources={}, message="none", who="w").version.number == 2


def test_a_row_is_compared_with_what_was_imported_not_with_what_it_was_relabelled_to(
    bells: Project, make_rows: Any, make_patch: Any
) -> None:
    bells.add_labels(make_patch(("a", "relabel", "bell", "ship"), ("b", "drop")), message="m")
    assert bells.add_rows(make_rows("ab"), sources={}, message="again", who="w").skipped == 2
    assert bells.version().number == 2


def test_an_id_with_another_content_is_a_conflict(bells: Project, make_rows: Any) -> None:
    with pytest.raises(ConflictError, match=r"column 'label': 'bell'.*'horn'; 2 ids differ in label: 'a', 'b'"):
        bells.add_rows(make_rows("abd", ["horn", "ship", "horn"]), sources={}, message="m", who="w")
    with pytest.raises(ConflictError, match="differ in snr"):
        bells.add_rows(make_rows("a", snr=[3]), sources={}, message="m", who="w")
    assert bells.version().number == 1


def test_a_column_that_is_missing_the_second_time_is_a_difference_only_if_it_held_something(
    project: Project, make_rows: Any
) -> None:
    project.add_rows(make_rows("ab", snr=[None, 3.0], time=[None, None]), sources={}, message="m", who="w")
    assert project.add_rows(make_rows("a"), sources={}, message="m", who="w").skipped == 1
    with pytest.raises(ConflictError, match="'b'"):
        project.add_rows(make_rows("b"), sources={}, message="m", who="w")


def test_another_type_for_a_column_of_the_same_name_is_refused(project: Project, make_rows: Any) -> None:
    project.add_rows(make_rows("a", snr=[1]), sources={}, message="m", who="w")
    with pytest.raises(ValuesError, match="same type in every import"):
        project.add_rows(make_rows("b", snr=["loud"]), sources={}, message="m", who="w")
    project.add_rows(make_rows("b", snr=[0.5]), sources={}, message="m", who="w")
    assert project.examples()["snr"].to_pylist() == [1.0, 0.5]


def test_sources_are_relative_inside_the_project_and_absolute_outside(
    project: Project, make_rows: Any, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (project.path / "clips").mkdir()
    rows = make_rows("ab", uri=["x/a.wav", "b.wav"], source=["out", "in"])
    sources = {"out": tmp_path / "outside", "in": project.path / "clips"}
    version = project.add_rows(rows, sources=sources, message="m", who="w").version
    assert dict(version.sources) == {"in": "clips", "out": str(tmp_path / "outside")}
    assert project.roots() == {"in": project.path.resolve() / "clips", "out": tmp_path / "outside"}
    assert project.locate("out", "x/a.wav") == (tmp_path / "outside" / "x" / "a.wav").resolve()
    # known sources need not be repeated, and may be
    project.add_rows(make_rows("c", uri=["c.wav"], source=["in"]), sources={}, message="m", who="w")
    project.add_rows(make_rows("d", uri=["d.wav"], source=["in"]), sources=sources, message="m", who="w")


def test_sources_that_are_not_usable(project: Project, make_rows: Any, tmp_path: Path) -> None:
    rows = make_rows("a", uri=["a.wav"], source=["s"])
    with pytest.raises(ValuesError, match=r"a declared source \(none yet\), got 's'"):
        project.add_rows(rows, sources={}, message="m", who="w")
    with pytest.raises(SourceError, match="a folder as root of source 's'"):
        project.add_rows(rows, sources={"s": tmp_path / "nowhere"}, message="m", who="w")
    with pytest.raises(StoreError, match="a source name of 1 to 200"):
        project.add_rows(rows, sources={"a/b": tmp_path}, message="m", who="w")
    with pytest.raises(StoreError, match="the project itself"):
        project.add_rows(rows, sources={"s": project.path}, message="m", who="w")
    with pytest.raises(StoreError, match="another name: 'media'"):
        project.add_rows(rows, sources={"media": tmp_path}, message="m", who="w")
    assert project.version().number == 0


def test_a_source_keeps_its_root_unless_it_is_moved(project: Project, make_rows: Any, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    rows = make_rows("a", uri=["a.wav"], source=["s"])
    first = project.add_rows(rows, sources={"s": tmp_path / "old"}, message="m", who="w").version
    with pytest.raises(ConflictError, match="source 's'"):
        project.add_rows(rows, sources={"s": tmp_path / "new"}, message="m", who="w")
    moved = project.move_source("s", tmp_path / "new", message="new disk", who="w").version
    assert project.locate("s", "a.wav") == tmp_path.resolve() / "new" / "a.wav"
    assert project.locate("s", "a.wav", version=1) == tmp_path.resolve() / "old" / "a.wav"
    assert moved.content_hash == first.content_hash
    assert moved.counts == first.counts
    assert project.move_source("s", tmp_path / "new", message="again", who="w").version.number == 2
    with pytest.raises(StoreError, match="one of the sources s, got 't'"):
        project.move_source("t", tmp_path / "new", message="m", who="w")


def test_a_new_source_alone_is_a_version(bells: Project, make_rows: Any, tmp_path: Path) -> None:
    commit = bells.add_rows(make_rows("a"), sources={"s": tmp_path}, message="m", who="w")
    assert (commit.version.number, commit.added, commit.skipped) == (2, 0, 1)
    assert commit.version.files == bells.version(1).files


def test_the_input_is_not_changed(project: Project) -> None:
    table = pa.table({"example_id": ["b", "a"], "label": ["x", "y"]})
    copy = table.slice(0)
    project.add_rows(table, sources={}, message="m", who="w")
    assert table.equals(copy)
