"""One proof for all tests that only read it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from yori.store import Project


@dataclass(frozen=True)
class Proved:
    """A project of `tests.prove.mixture` on which the main job has been done once. Read only."""

    project: Project
    proof: Path
    certificate: dict


@pytest.fixture(scope="session")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Proved:
    """600 embeddings, four classes, groups of three, three domains, 10 % wrong labels; both protocols, two seeds."""
    from tests.prove.mixture import make_project

    from yori.main_job import run

    project = make_project(tmp_path_factory.mktemp("proved") / "project")
    done = run(project.path, workers=1)
    return Proved(project, done.proof, dict(done.certificate))


@pytest.fixture(scope="session")
def evaluated_once() -> Callable[..., dict]:
    """`evaluate`, which depends on nothing but its arguments, computed once for equal ones."""
    from yori.prove.evaluate import evaluate
    from yori.store.hashes import table_hash

    known: dict[tuple[str, object], dict] = {}

    def evaluated(table: pa.Table, task: object) -> dict:
        key = (table_hash(table.replace_schema_metadata(None)), task)
        if key not in known:
            known[key] = evaluate(table, task)
        return known[key]

    return evaluated


@pytest.fixture
def tampered(
    proved: Proved, tmp_path: Path, evaluated_once: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> object:
    """A copy of that proof, to be changed."""
    from tests.prove.tampering import Copy

    monkeypatch.setattr(importlib.import_module("yori.prove.verify"), "evaluate", evaluated_once)
    return Copy(proved.proof, tmp_path)
