from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from yori.flywheel.doubtful_examples import doubts
from yori.store import Project


def make(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "p", "classes: [a, b]\n")
    rows = pa.table({"example_id": ["x", "y"], "label": ["a", "b"]})
    project.add_rows(rows, sources={}, message="two", who="ann")
    return project


def test_a_project_without_audit_or_proof_doubts_nothing(tmp_path: Path) -> None:
    assert doubts(make(tmp_path)) == []


def test_damaged_and_old_audits_ask_nothing(tmp_path: Path) -> None:
    project = make(tmp_path)
    for name, content in (
        ("old", {"created": "2030", "content_hash": "other"}),
        ("broken", {"created": "2031", "content_hash": project.version().content_hash}),
    ):
        folder = project.path / "audits" / name
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps(content))
        (folder / "findings.parquet").write_bytes(b"PAR1 is not enough")
    (project.path / "audits" / "odd").mkdir()
    (project.path / "audits" / "odd" / "summary.json").write_text("[]")
    (project.path / "proofs" / "odd").mkdir(parents=True)
    (project.path / "proofs" / "odd" / "certificate.json").write_text('{"created": "2031"}')
    assert doubts(project) == []
