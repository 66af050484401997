"""Hashes of everything the claim rests on, and how another person checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report.blocks import Cell, Facts, Paragraph, Section, Source, Table, cells
from yori.report.wording import Words


def provenance_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """How to verify, the hashes in full, and the environment."""
    hashes = [
        (words("hash.data"), certificate["data"]["content_sha256"]),
        (words("hash.task"), certificate["task"]["sha256"]),
        (words("hash.edits"), certificate["edits"]["sha256"]),
        (words("hash.code"), certificate["code_sha256"]),
        (words("hash.graph"), certificate["parity"]["graph_sha256"]),
        *certificate["files"].items(),
    ]
    environment = [(name, Cell(version)) for name, version in certificate["environment"].items()]
    return Section(
        "provenance",
        words("provenance.title"),
        [
            Paragraph(words("provenance.verify")),
            Source(words("provenance.command"), "yori verify PROOF"),
            Table(
                words("provenance.hashes"),
                [words("head.what"), words("head.sha256")],
                [cells(*each) for each in hashes],
                2,
            ),
            Facts([(words("provenance.created"), Cell(certificate["created"])), *environment]),
        ],
    )
