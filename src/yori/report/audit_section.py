"""What an audit of the same data version found, in the report of a proof, from the files of the audit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.audit_words import AuditWords
from yori.report.blocks import Block, Facts, Listing, Paragraph, Section, Table, cells
from yori.report.blocks import Cell as Value
from yori.report.wording import Words
from yori.store import Project

TONES = {"high": "bad", "medium": "few", "low": ""}


def audit_section(certificate: Mapping[str, Any], project: Project | None, words: Words) -> Section | None:
    """Counts and the gravest findings of the newest audit of the proof's data version; None if there is none.

    A file that cannot be read is no audit: the proof does not depend on it.
    """
    summary = _newest(project, certificate["data"]["version"])
    if summary is None:
        return None
    own = AuditWords(words.language)
    blocks: list[Block] = [
        Paragraph(own("audit.section_reading")),
        Facts([(own(f"head.{name}"), Value(text.count(number), TONES[name] if number else ""))
               for name, number in summary["total"].items()]),
        kinds_table(summary, own),
    ]  # fmt: skip
    if summary["gravest"]:
        lines = [
            f"{each['example_id'] or own('audit.of_collection')}: "
            + own.finding("evidence", each["kind"], each["code"], each["values"])
            for each in summary["gravest"]
        ]
        blocks += [Paragraph(own("audit.gravest")), Listing(lines)]
    blocks.append(Paragraph(own("audit.page", audit=summary["audit"]), quiet=True))
    return Section("audit", own("audit.section"), blocks)


def kinds_table(summary: Mapping[str, Any], words: AuditWords) -> Table:
    """Number of findings of each kind and severity."""
    rows = [
        cells(words(f"kind.{kind}"), *(Value(text.count(counts[name]), TONES[name] if counts[name] else "")
                                       for name in ("high", "medium", "low")))
        for kind, counts in summary["kinds"].items()
    ]  # fmt: skip
    return Table(words("audit.kinds"), [words(f"head.{name}") for name in ("kind", "high", "medium", "low")], rows)


def _newest(project: Project | None, version: int) -> Mapping[str, Any] | None:
    home = None if project is None else project.path / "audits"
    if home is None or not home.is_dir():
        return None
    found = []
    for path in home.glob("*/summary.json"):
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
            usable = (
                summary["version"] == version and {"total", "kinds", "gravest", "audit", "created"} <= summary.keys()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if usable:
            found.append(summary)
    return max(found, key=lambda each: str(each["created"]), default=None)
