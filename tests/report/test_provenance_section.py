from __future__ import annotations

from tests.report.reading import texts
from tests.report.sample import Sample

from yori.report.provenance_section import provenance_section
from yori.report.wording import Words


def test_every_hash_in_full_and_the_command(sample: Sample) -> None:
    words = texts(provenance_section(sample.certificate, Words("ko")).blocks)
    found = sample.certificate
    for sha256 in (found["data"]["content_sha256"], found["task"]["sha256"], found["edits"]["sha256"],
                   found["code_sha256"], found["parity"]["graph_sha256"], *found["files"].values()):  # fmt: skip
        assert sha256 in words
    assert "yori verify PROOF" in words
    assert all(version in words for version in found["environment"].values())
