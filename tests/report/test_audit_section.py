import json

import pytest

from yori.report.audit_section import audit_section
from yori.report.wording import Words
from yori.store import Project

SUMMARY = {
    "version": 3, "audit": "abc", "created": "2026-01-02", "total": {"high": 1, "medium": 0, "low": 2},
    "kinds": {"audio_fault": {"high": 1, "medium": 0, "low": 2}},
    "gravest": [{"kind": "audio_fault", "code": "constant", "severity": "high", "example_id": "a", "values": {}},
                {"kind": "class_balance", "code": "class_empty", "severity": "high", "example_id": None,
                 "values": {"label": "seal"}}],
}  # fmt: skip


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "seals", "format: 1\nname: seals\nclasses: [seal, boat]\n")


def write(project, name, **changed):
    folder = project.path / "audits" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps({**SUMMARY, **changed}))


def section(project, version=3, lang="en"):
    return audit_section({"data": {"version": version}}, project, Words(lang))


def test_the_newest_audit_of_the_version_of_the_proof(project):
    write(project, "old")
    write(project, "new", created="2026-05-01", audit="new")
    write(project, "other", created="2027-01-01", version=4)
    found = section(project)
    assert found.name == "audit"
    text = str(found.blocks)
    assert "audits/new/audit.html" in text
    assert "a: All samples are equal: digital silence." in text
    assert "the whole collection: seal has no example." in text
    assert "디지털 무음" in str(section(project, lang="ko").blocks)


def test_no_section_without_an_audit(project):
    assert section(None) is None
    assert section(project) is None
    write(project, "one")
    assert section(project, version=2) is None
    (project.path / "audits" / "one" / "summary.json").write_text("{}")
    assert section(project) is None
    (project.path / "audits" / "one" / "summary.json").write_text("[1]")
    assert section(project) is None
