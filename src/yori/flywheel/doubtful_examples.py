"""Examples of the project whose label a person should look at: what the latest audit and the latest proof ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yori.curate import read_edits
from yori.errors import YoriError
from yori.store import Project

ASKABLE = ("label_error", "inconsistent_label", "ambiguous", "outlier")
"""Kinds of findings that a label can settle."""

_ORDER = {"high": 2.0, "medium": 1.0, "low": 0.0}


@dataclass(frozen=True)
class Doubt:
    """One example, why it is doubted, and the label that is proposed, if any. ``score``: higher is asked earlier."""

    example_id: str
    kind: str
    text: str
    score: float
    suggested: str | None


def doubts(project: Project) -> list[Doubt]:
    """Doubts of the latest audit of this data version, then reviews the latest proof asks for; one for each example."""
    version = project.version()
    here = set(project.examples(columns=["example_id"])["example_id"].to_pylist())
    found: dict[str, Doubt] = {}
    for doubt in [*_of_audit(project, version.content_hash), *_of_proof(project)]:
        if doubt.example_id in here and (doubt.example_id not in found or found[doubt.example_id].score < doubt.score):
            found[doubt.example_id] = doubt
    return sorted(found.values(), key=lambda each: (-each.score, each.example_id))


def _of_audit(project: Project, content_hash: str) -> Iterator[Doubt]:
    latest = _latest(project.path / "audits", "summary.json", "content_hash", content_hash)
    if latest is None:
        return
    try:
        rows = pq.read_table(
            latest / "findings.parquet",
            columns=["example_id", "kind", "severity", "score", "evidence", "suggested_action", "values"],
        ).to_pylist()
    except (OSError, pa.ArrowException):
        return  # a damaged audit asks nothing; `yori audit` makes it again
    for row in rows:
        if row["example_id"] is not None and row["kind"] in ASKABLE:
            place = _ORDER.get(row["severity"], 0.0)
            score = place + min(max(float(row["score"] or 0.0), 0.0), 1.0)
            yield Doubt(row["example_id"], row["kind"], str(row["evidence"] or row["kind"]), score, _suggested(row))


def _of_proof(project: Project) -> Iterator[Doubt]:
    latest = _latest(project.path / "proofs", "certificate.json", None, None)
    if latest is None:
        return
    try:
        edits = read_edits(latest / "edits.parquet")
    except YoriError:
        return
    for edit in edits:
        if edit.action == "review":
            yield Doubt(
                edit.example_id, "review", edit.reason, 2.0 + min(max(edit.agreement, 0.0), 1.0), edit.new_label
            )


def _latest(folder: Path, name: str, field: str | None, value: str | None) -> Path | None:
    """The newest folder whose JSON has a value in a field, by the time it was created."""
    best: tuple[str, Path] | None = None
    for path in sorted(folder.glob(f"*/{name}")) if folder.is_dir() else []:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            created = str(content["created"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if (field is None or content.get(field) == value) and (best is None or created > best[0]):
            best = (created, path.parent)
    return None if best is None else best[1]


def _suggested(row: dict[str, Any]) -> str | None:
    try:
        values = json.loads(row["values"] or "{}")
    except ValueError:
        return None
    for name in ("suggested", "other", "new_label"):
        if isinstance(values, dict) and isinstance(values.get(name), str):
            return str(values[name])
    return None
