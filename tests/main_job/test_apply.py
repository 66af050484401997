from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from yori.cli.main import main
from yori.curate import Edit, EditSet
from yori.errors import ConflictError, CorruptError, ValuesError
from yori.main_job import apply_edits
from yori.store import Project


def _edit(name: str, action: str, old: str, new: str | None = None) -> Edit:
    return Edit(name, action, old, new, 0.0, 0.1, "it hurts", 1, 1.0)  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p", "format: 1\nname: t\nclasses: [x, y]\n")
    rows = pa.table({"example_id": ["a", "b", "c"], "label": ["x", "y", "x"]})
    made.add_rows(rows, sources={}, message="import", who="me")
    return made


def _labels(project: Project) -> dict[str, str]:
    table = project.examples(columns=["example_id", "label"])
    return dict(zip(table["example_id"].to_pylist(), table["label"].to_pylist(), strict=True))


def _write(path: Path, *edits: Edit) -> Path:
    pq.write_table(EditSet.of(edits).table(), path)
    return path


def test_edits_make_a_version_and_undo_gives_the_labels_back(project: Project, tmp_path: Path) -> None:
    earlier = pa.table({"example_id": ["c"], "action": ["relabel"], "old": ["x"], "new": ["y"], "who": ["ann"]})
    project.add_labels(earlier, message="c is a y")
    before = _labels(project)
    path = _write(tmp_path / "edits.parquet", _edit("a", "drop", "x"), _edit("c", "relabel", "y", "x"))
    assert apply_edits(project.path, path).version.number == 3
    assert _labels(project) == {"b": "y", "c": "x"}
    again = apply_edits(project.path, path)
    assert (again.version.number, again.added, again.skipped) == (3, 0, 2)
    apply_edits(project.path, path, undo=True)
    assert _labels(project) == before == {"a": "x", "b": "y", "c": "y"}


def test_a_label_that_changed_meanwhile_is_a_conflict(project: Project, tmp_path: Path) -> None:
    path = _write(tmp_path / "edits.parquet", _edit("a", "relabel", "y", "z"))
    with pytest.raises(ConflictError, match="'a'"):
        apply_edits(project.path, path)
    assert project.version().number == 1


def test_what_cannot_be_applied_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match="empty"):
        apply_edits(project.path, _write(tmp_path / "none.parquet"))
    with pytest.raises(ValuesError, match="people decide"):
        apply_edits(project.path, _write(tmp_path / "ask.parquet", _edit("a", "review", "x")))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptError):
        apply_edits(project.path, tmp_path / "broken.parquet")


def test_reviews_wait_and_the_others_are_applied(project: Project, tmp_path: Path) -> None:
    path = _write(tmp_path / "both.parquet", _edit("a", "drop", "x"), _edit("b", "review", "x"))
    assert apply_edits(project.path, path).added == 1
    assert "a" not in project.examples()["example_id"].to_pylist()
    assert "b" in project.examples()["example_id"].to_pylist()


def test_the_command(project: Project, tmp_path: Path) -> None:
    path = _write(tmp_path / "edits.parquet", _edit("a", "drop", "x"))
    done = CliRunner().invoke(main, ["apply", str(project.path), str(path), "--who", "ann"])
    assert done.exit_code == 0
    assert "Version 2: 1 patch" in done.output
    assert project.log()[-1].who == "ann"
