"""Small projects to work on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from yori.store import Project

TASK = "classes: [bell, horn, ship]\n"


@pytest.fixture
def make_rows() -> Callable[..., pa.Table]:
    """Rows ``a, b, c, …`` with a label and a uri each."""

    def make(ids: str | list[str], labels: list[object] | None = None, **columns: object) -> pa.Table:
        names = list(ids)
        label = labels if labels is not None else ["bell"] * len(names)
        return pa.table({"example_id": names, "label": label, **columns})

    return make


@pytest.fixture
def make_patch() -> Callable[..., pa.Table]:
    """One row for each ``(example_id, action, old, new, weight)``; signed, and with a fixed time."""

    def make(*edits: tuple[object, ...]) -> pa.Table:
        names = ("example_id", "action", "old", "new", "weight")
        columns = {name: [edit[i] if i < len(edit) else None for edit in edits] for i, name in enumerate(names)}
        columns["weight"] = pa.array(columns["weight"], pa.float64())
        n = len(edits)
        return pa.table({**columns, "who": ["ann"] * n, "when": ["2026-01-01T00:00:00+00:00"] * n})

    return make


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", TASK)


@pytest.fixture
def bells(project: Project, make_rows: Callable[..., pa.Table]) -> Project:
    """A project with one version: a, b, c are bells, d is a horn, e has no label."""
    rows = make_rows("abcde", ["bell", "bell", "bell", "horn", None])
    project.add_rows(rows, sources={}, message="five sounds", who="ann")
    return project
