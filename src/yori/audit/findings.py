"""What an audit found: one row for each finding, with its evidence, what to do, and what that would change.

Severity follows from rules, the same for every kind:

high
    A proof would be wrong (test data known to training, contradicting labels counted as truth), an example cannot be used at
    all, or the evidence is at least 9 : 1 that the label is wrong.
medium
    A model learns something worse than it could: a shortcut, a missing corner of the data, a recording with a fault, a label
    that is more likely wrong than right.
low
    Worth a look when there is time; most of these are no faults.

Each kind says in its own file which numbers make which severity.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from yori.errors import CorruptError
from yori.report.audit_words import AuditWords

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")

KINDS = (
    "label_error",
    "inconsistent_label",
    "annotator",
    "duplicate",
    "group_leak",
    "outlier",
    "class_balance",
    "ambiguous",
    "shortcut",
    "audio_fault",
    "missing_value",
    "drift",
    "domain_coverage",
)
"""Every kind of finding, in the order of the page."""

SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("kind", pa.string()),
        ("code", pa.string()),
        ("severity", pa.string()),
        ("score", pa.float64()),
        ("evidence", pa.string()),
        ("suggested_action", pa.string()),
        ("effect", pa.string()),
        ("related", pa.list_(pa.string())),
        ("values", pa.string()),
    ]
)
"""Columns of ``findings.parquet``; ``example_id`` is null for a finding about the whole collection, ``values`` is JSON."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Parameters
    ----------
    kind
        One of `KINDS`.
    code
        Which sentence says it; see ``audit_wording.yaml``.
    severity
        See the rules above.
    score
        Order within a kind, the highest first; not comparable between kinds.
    example_id
        None where it is about the whole collection.
    related
        Ids of the other examples it is about.
    values
        What the sentences need: text, numbers, lists of text.
    """

    kind: str
    code: str
    severity: Severity
    score: float
    example_id: str | None = None
    related: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, part: str, words: AuditWords) -> str:
        """``evidence``, ``action`` or ``effect`` in the language of ``words``."""
        return words.finding(part, self.kind, self.code, self.values)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first; within a severity by kind, then score, then id."""
    return sorted(
        findings,
        key=lambda each: (
            SEVERITIES.index(each.severity), KINDS.index(each.kind), -each.score, each.example_id or "", each.code,
        ),
    )  # fmt: skip


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """Findings as the table of ``findings.parquet``, sentences in English.

    Examples
    --------
    >>> table = findings_table([Finding("audio_fault", "constant", "high", 1.0, "a")])
    >>> table["evidence"][0].as_py()
    'All samples are equal: digital silence.'
    """
    words = AuditWords("en")
    rows = [
        {
            "example_id": each.example_id,
            "kind": each.kind,
            "code": each.code,
            "severity": each.severity,
            "score": float(each.score),
            "evidence": each.sentence("evidence", words),
            "suggested_action": each.sentence("action", words),
            "effect": each.sentence("effect", words),
            "related": list(each.related),
            "values": json.dumps(dict(each.values), ensure_ascii=False, sort_keys=True),
        }
        for each in findings
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def read_findings(path: str | Path) -> list[Finding]:
    """Read ``findings.parquet``.

    Raises
    ------
    CorruptError
        If it is missing, damaged, or no table of findings.
    """
    import pyarrow.parquet as pq

    fix = "Remove the folder and audit again."
    try:
        table = pq.ParquetFile(path).read()
        if table.schema.names != SCHEMA.names:
            raise CorruptError("a table of findings", f"columns {table.schema.names}", where=str(path), fix=fix)
        return [
            Finding(
                row["kind"], row["code"], row["severity"], row["score"], row["example_id"], tuple(row["related"] or ()),
                json.loads(row["values"]),
            )
            for row in table.to_pylist()
        ]  # fmt: skip
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        if isinstance(error, CorruptError):
            raise
        raise CorruptError("a readable table of findings", str(error), where=str(path), fix=fix) from error
