"""``summary.json`` of an audit: counts, the gravest findings, what could not be checked, and the numbers of the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from yori.audit.checks import Evidence
from yori.audit.findings import KINDS, SEVERITIES, Finding, Severity

FORMAT = 1
GRAVEST = 8
MOST_DOTS = 1500
TYPICAL = 3
BINS = 19
SERIOUS_SHARE = 0.01
"""Grave findings about single examples stop nobody as long as they are about fewer of the examples than this."""


def summary_of(evidence: Evidence, findings: Sequence[Finding], *, key: str) -> dict[str, Any]:
    """The object that is written; all of it is plain JSON."""
    m = evidence.material
    return {
        "format": FORMAT,
        "audit": key,
        "name": m.task.name,
        "modality": m.task.modality,
        "version": m.version.number,
        "content_hash": m.version.content_hash,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "examples": len(m),
        "test_left_out": int(m.fixed_test.sum()),
        "total": count_by_severity(findings),
        "verdict": verdict_of(findings, len(m)),
        "kinds": {
            kind: counts for kind in KINDS
            if sum((counts := count_by_severity([each for each in findings if each.kind == kind])).values())
        },
        "gravest": [
            {"kind": each.kind, "code": each.code, "severity": each.severity, "example_id": each.example_id,
             "values": dict(each.values)}
            for each in findings[:GRAVEST]
        ],
        "unchecked": [{"kind": kind, "why": why} for kind, why in evidence.unchecked],
        "recall": None if np.isnan(evidence.recall) else evidence.recall,
        "groups": {name: len(np.unique(m.groups[m.targets[:, k] > 0])) for k, name in enumerate(m.classes)},
        "typical": _typical(evidence),
        "figures": _figures(evidence, findings),
    }  # fmt: skip


def count_by_severity(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings of each severity."""
    counted = Counter(each.severity for each in findings)
    return {severity: counted[severity] for severity in SEVERITIES}


def verdict_of(findings: Sequence[Finding], examples: int) -> Severity:
    """How bad it is as a whole.

    ``high`` if something grave is wrong with the collection, if copies or groups cross a split, or if more than
    `SERIOUS_SHARE` of the examples have a grave finding; ``medium`` if there is anything grave or medium; ``low``
    otherwise.

    Examples
    --------
    >>> verdict_of([Finding("audio_fault", "constant", "high", 1.0, "a")], 1000)
    'medium'
    """
    grave = [each for each in findings if each.severity == "high"]
    touched = {each.example_id for each in grave if each.example_id is not None}
    crossing = any(each.example_id is None or each.kind in ("duplicate", "group_leak") for each in grave)
    if crossing or len(touched) > SERIOUS_SHARE * examples:
        return "high"
    return "medium" if any(each.severity != "low" for each in findings) else "low"


def _figures(e: Evidence, findings: Sequence[Finding]) -> dict[str, Any]:
    m = e.material
    figures: dict[str, Any] = {
        "classes": {name: int(m.targets[:, k].sum()) for k, name in enumerate(m.classes)},
        "shortcuts": {name: [each.skill, each.p] for name, each in e.shortcuts.items()},
    }
    if e.measures is not None:
        figures["levels"] = _levels(e)
    if e.witnesses is not None and e.doubt is not None and not m.several:
        strata = m.strata[e.witnesses.rows]
        table = np.zeros((len(m.classes), len(m.classes)))
        np.add.at(table, (strata, e.witnesses.probs.argmax(axis=1)), 1)
        figures["confusion"] = (table / np.maximum(table.sum(axis=1, keepdims=True), 1)).round(4).tolist()
        figures["errors"] = np.histogram(e.doubt.probability, bins=BINS, range=(0.05, 1))[0].tolist()
    if e.embeddings is not None and e.place is not None and len(e.embeddings) > 2:
        figures["map"] = _map(e, findings)
    return figures


def _typical(e: Evidence) -> dict[str, list[str]]:
    """For each class examples of different groups that heads and neighbours are surest of; none with a finding."""
    found: dict[str, list[str]] = {}
    suspect = {each.example_id for each in e.findings if each.severity != "low"}
    m = e.material
    for k, name in enumerate(m.classes):
        rows = np.flatnonzero((m.targets[:, k] > 0) & ~m.fixed_test)
        if e.witnesses is not None:
            own = np.full(len(m), -1.0)
            own[e.witnesses.rows] = e.witnesses.probs[:, k] + e.witnesses.votes[:, k]
            rows = rows[np.argsort(-own[rows], kind="stable")]
        chosen: dict[int, str] = {}
        for row in rows.tolist():
            if m.ids[row] not in suspect:
                chosen.setdefault(int(m.groups[row]), str(m.ids[row]))
            if len(chosen) == TYPICAL:
                break
        found[name] = [*chosen.values()]
    return found


def _levels(e: Evidence) -> Mapping[str, list[float]]:
    """Five quantiles of the level for each class."""
    found = {}
    for k, name in enumerate(e.material.classes):
        level = e.measures.level[(e.material.targets[:, k] > 0) & e.measures.readable] if e.measures else np.zeros(0)
        level = level[np.isfinite(level)]
        if len(level):
            found[name] = np.quantile(level, [0.05, 0.25, 0.5, 0.75, 0.95]).round(2).tolist()
    return found


def _map(e: Evidence, findings: Sequence[Finding]) -> list[list[Any]]:
    """``[x, y, class number or null, flagged]`` of the flagged examples and a draw of the others."""
    x, place = e.embeddings, e.place
    if x is None or place is None:  # pragma: no cover - the caller has looked
        return []
    centred = x[:: max(1, len(x) // 5000)].astype(np.float64)
    middle = centred.mean(axis=0)
    _, _, directions = np.linalg.svd(centred - middle, full_matrices=False)
    at = (x - middle) @ directions[:2].T
    if at.shape[1] < 2:
        at = np.concatenate([at, np.zeros((len(at), 2 - at.shape[1]))], axis=1)
    scale = np.maximum(np.abs(at).max(axis=0), 1e-12)
    rows = np.flatnonzero(place < len(x))
    marked = {each.example_id for each in findings if each.kind in ("label_error", "inconsistent_label", "outlier")}
    flagged = np.array([m in marked for m in e.material.ids[rows].tolist()], dtype=bool)
    order = np.concatenate([e.rng.permutation(np.flatnonzero(~flagged)), np.flatnonzero(flagged)])[-MOST_DOTS:]
    strata, classes = e.material.strata[rows], len(e.material.classes)
    return [
        [round(float(at[r, 0] / scale[0]), 4), round(float(at[r, 1] / scale[1]), 4),
         int(strata[r]) if strata[r] < classes else None, bool(flagged[r])]
        for r in order.tolist()
    ]  # fmt: skip
