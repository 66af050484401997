"""Every check on the material of a project: which findings it makes, and why a check could not be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Int, Shaped

from yori.audit.ambiguity import ambiguity_findings, several_ambiguity_findings
from yori.audit.annotators import Answers, annotator_error_findings, annotator_findings, unknown_answer_findings
from yori.audit.audio_faults import ClipMeasures, audio_fault_findings
from yori.audit.class_balance import class_balance_findings
from yori.audit.collection_drift import batch_drift, drift_findings
from yori.audit.domain_coverage import domain_coverage_findings
from yori.audit.duplicates import duplicate_findings, duplicate_rows
from yori.audit.findings import Finding
from yori.audit.group_leaks import hidden_group_findings, split_by_clip_finding, split_leak_findings
from yori.audit.import_batches import import_batches
from yori.audit.inconsistent_labels import inconsistent_label_findings
from yori.audit.label_errors import label_error_findings, several_label_error_findings
from yori.audit.material import Material
from yori.audit.missing_values import missing_cells, missing_value_findings
from yori.audit.outliers import outlier_findings
from yori.audit.predictions import Witnesses, correct_by_columns
from yori.audit.shortcuts import Prediction, shortcut_findings, shortcut_predictions
from yori.importers.copies import Waveform, exact_copies, near_copies
from yori.labels import LabelErrors, MultiLabelErrors, join_multi_label_witnesses, join_witnesses
from yori.workers import Progress, silent

MEASURED_SHORTCUTS = ("level", "noise_floor", "rate", "seconds", "bandwidth", "offset", "padding")
MOST_COLUMNS = 12
"""At most so many imported columns are asked as shortcuts, groups and batches."""


@dataclass
class Evidence:
    """What is known about the material, and what the checks have found; filled check by check.

    Parameters
    ----------
    embeddings, place
        ``(m, d)``, and the row of each example in them, ``m`` = none; None = there are none.
    unchecked
        ``(kind, why)``: checks that could not be made; ``why`` is a name of ``audit_wording.yaml``.
    doubt
        About the labels of the witnesses' rows.
    recall
        Measured share of the copies that the search found.
    """

    material: Material
    rng: np.random.Generator
    measures: ClipMeasures | None = None
    prints: Float32[np.ndarray, "n p"] | None = None
    embeddings: Float32[np.ndarray, "m d"] | None = None
    place: Int[np.ndarray, " n"] | None = None
    witnesses: Witnesses | None = None
    answers: Answers | None = None
    progress: Progress = silent
    doubt: LabelErrors | MultiLabelErrors | None = None
    shortcuts: dict[str, Prediction] = field(default_factory=dict)
    recall: float = 1.0
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)


def run_checks(evidence: Evidence) -> None:
    """Make every check, in an order in which later ones can use earlier ones."""
    checks = (check_labels, check_copies, check_annotators, check_groups, check_outliers, check_classes,
              check_ambiguity, check_shortcuts, check_audio, check_missing, check_drift, check_domains)  # fmt: skip
    for number, check in enumerate(checks):
        check(evidence)
        evidence.progress("check", number + 1, len(checks))


def check_labels(e: Evidence) -> None:
    """Labels that are probably wrong, and labels nobody declared."""
    m = e.material
    for row, label in enumerate(m.labels):
        unknown = [name for name in (label or "").split(";") if name and name not in m.classes]
        if label is not None and unknown:
            values = {"label": ", ".join(unknown)}
            e.findings.append(Finding("label_error", "label_unknown", "high", 2.0, str(m.ids[row]), (), values))
    if e.witnesses is None:
        e.unchecked.append(("label_error", "no_classes" if e.embeddings is not None else "no_embeddings"))
        return
    w = e.witnesses
    who = np.array([each or "" for each in m.table["annotator"].to_pylist()], dtype=object)[w.rows]
    sources = who if len(np.unique(who)) > 1 else None
    if m.several:
        e.doubt = join_multi_label_witnesses(w.probs, m.targets[w.rows], votes=w.votes, sources=sources)
        e.findings += several_label_error_findings(m.ids[w.rows], m.targets[w.rows], e.doubt, m.classes)
    else:
        scores = None if w.margin is None else {"minus_margin": -w.margin}
        e.doubt = join_witnesses(w.probs, m.strata[w.rows], votes=w.votes, sources=sources, scores=scores)
        e.findings += label_error_findings(m.ids[w.rows], m.strata[w.rows], e.doubt, m.classes)


def check_copies(e: Evidence) -> None:
    """Copies, copies across splits, and copies that disagree."""
    m = e.material
    first, second, similarity = _copies(e)
    e.findings += duplicate_findings(m.ids, first, second, similarity, splits=m.splits, groups=m.groups)
    e.findings += inconsistent_label_findings(m.ids, m.labels, first, second, similarity)


def _copies(e: Evidence) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    m = e.material
    content = m.table["sha256"].to_pylist()
    if m.task.modality == "audio" and e.prints is not None and e.measures is not None:
        without_sound = e.measures.constant  # one silence is like another, and is reported as what it is
        digests = [f"\x00{row}" if not each or without_sound[row] else each for row, each in enumerate(content)]
        found = [(copy.of, copy.clip, 1.0) for copy in exact_copies(digests, [None] * len(digests))]
        again = {copy for _, copy, _ in found}
        roots = m.project.roots()
        columns = {name: m.table[name].to_pylist() for name in ("uri", "source", "start")}
        rows, waveforms = [], []
        for row in np.flatnonzero(e.measures.readable & ~e.measures.constant).tolist():
            if row not in again:
                place = roots[columns["source"][row]]
                seconds = float(e.measures.seconds[row])
                rows.append(row)
                waveforms.append(Waveform(place, columns["uri"][row], columns["start"][row], seconds))
        if len(rows) > 1:
            near = near_copies(e.prints[rows], waveforms, progress=e.progress)
            found += [(rows[copy.of], rows[copy.clip], min(copy.correlation, 1 - 2e-6)) for copy in near]
    elif e.embeddings is not None and e.place is not None:
        pairs, e.recall = duplicate_rows(e.embeddings, rng=e.rng, progress=e.progress)
        row_of = np.flatnonzero(e.place < len(e.embeddings))
        found = [
            *zip(row_of[pairs.first].tolist(), row_of[pairs.second].tolist(), pairs.similarity.tolist(), strict=True)
        ]
    else:
        e.unchecked.append(("duplicate", "no_embeddings"))
        found = []
    columns_of = [*zip(*found, strict=True)] or [(), (), ()]
    return (
        np.array(columns_of[0], dtype=np.int64),
        np.array(columns_of[1], dtype=np.int64),
        np.array(columns_of[2], dtype=np.float64),
    )


def check_annotators(e: Evidence) -> None:
    """Annotators who disagree with each other, or whose labels are often wrong."""
    if e.answers is not None:
        e.findings += annotator_findings(e.answers)
        e.findings += unknown_answer_findings(e.answers, set(e.material.ids.tolist()), set(e.material.classes))
    who = e.material.table["annotator"].to_pylist()
    if e.doubt is not None and e.witnesses is not None and any(who):
        wrong = (e.doubt.probability >= 0.5).tolist()
        e.findings += annotator_error_findings([who[row] for row in e.witnesses.rows], wrong)
    elif e.answers is None:
        e.unchecked.append(("annotator", "no_answers"))


def check_groups(e: Evidence) -> None:
    """Groups that a split cuts, and columns that should have been groups."""
    m = e.material
    if m.splits is not None:
        names = np.array([f"{group}" for group in m.groups], dtype=object)
        names = np.where(m.group_names != "", m.group_names, "")
        e.findings += split_leak_findings(m.ids, names, m.splits)
    else:
        e.unchecked.append(("group_leak", "no_split"))
    if m.task.splits.by == "clip":
        e.findings += split_by_clip_finding(len(np.unique(m.groups)), len(m))
    if e.witnesses is None or e.embeddings is None or e.place is None:
        return
    for name, column in _columns(m, ["domain"] if "lodo" not in m.task.splits.protocols else []).items():
        if column.dtype != object:
            continue
        measured = correct_by_columns(m, e.embeddings, e.place, e.witnesses, column, rng=e.rng)
        if measured is not None:
            e.findings += hidden_group_findings(name, *measured)


def check_outliers(e: Evidence) -> None:
    """Examples unlike all others."""
    if e.embeddings is None or e.place is None or len(e.embeddings) < 5:
        e.unchecked.append(("outlier", "no_embeddings"))
        return
    m, rows = e.material, np.flatnonzero(e.place < len(e.embeddings))
    test = m.fixed_test[rows]
    labels = [m.labels[row] for row in rows]
    e.findings += outlier_findings(
        m.ids[rows], e.embeddings, labels, test=test if test.any() else None, progress=e.progress
    )


def check_classes(e: Evidence) -> None:
    """Classes with too few or too many examples."""
    m = e.material
    counts = {name: int(m.targets[:, k].sum()) for k, name in enumerate(m.classes)}
    groups = {name: len(np.unique(m.groups[m.targets[:, k] > 0])) for k, name in enumerate(m.classes)}
    rare = [each.name for each in m.task.classes if each.rare]
    means = {each.name: each.means for each in m.task.classes}
    e.findings += class_balance_findings(counts, groups=groups, rare=rare, means=means)


def check_ambiguity(e: Evidence) -> None:
    """Pairs of classes that cannot be told apart."""
    if e.witnesses is None:
        e.unchecked.append(("ambiguous", "no_classes" if e.embeddings is not None else "no_embeddings"))
        return
    w, m = e.witnesses, e.material
    if m.several:
        e.findings += several_ambiguity_findings(m.ids[w.rows], m.targets[w.rows], w.probs, w.votes, m.classes)
    else:
        e.findings += ambiguity_findings(m.ids[w.rows], m.strata[w.rows], w.probs, w.votes, m.classes)


def check_shortcuts(e: Evidence) -> None:
    """What predicts the label by itself."""
    m = e.material
    rows = np.flatnonzero(m.labelled & ~m.fixed_test & m.targets.any(axis=1))
    candidates: dict[str, Shaped[np.ndarray, " n"]] = {}
    if e.measures is not None:
        rows = rows[e.measures.readable[rows]]
        candidates = {name: getattr(e.measures, name)[rows] for name in MEASURED_SHORTCUTS}
    candidates |= {name: column[rows] for name, column in _columns(m, ["domain", "annotator"]).items()}
    if len(rows) and candidates:
        e.shortcuts = shortcut_predictions(candidates, m.strata[rows], m.groups[rows], rng=e.rng)
    if not e.shortcuts:
        e.unchecked.append(("shortcut", "no_candidates"))
    head = None
    if e.witnesses is not None and not m.several:
        truth, guess = m.strata[e.witnesses.rows], e.witnesses.probs.argmax(axis=1)
        head = float(np.mean([(guess[truth == k] == k).mean() for k in np.unique(truth)]))
    e.findings += shortcut_findings(e.shortcuts, head_accuracy=head)


def check_audio(e: Evidence) -> None:
    """Faults of recordings."""
    if e.measures is None:
        e.unchecked.append(("audio_fault", "no_sound"))
    else:
        e.findings += audio_fault_findings(e.material.ids, e.measures, rate=e.material.task.audio.sample_rate)


def check_missing(e: Evidence) -> None:
    """Values that are not there."""
    needed: tuple[str, ...] = ("domain",) if "lodo" in e.material.task.splits.protocols else ()
    needed += ("split",) if e.material.task.splits.by == "table" else ()
    e.findings += missing_value_findings(e.material.table, needed=needed)
    if e.embeddings is not None and e.place is not None:
        row_of = np.flatnonzero(e.place < len(e.embeddings))
        empty = e.material.ids[row_of[~e.embeddings.any(axis=1)]]
        if len(empty):
            values = {"n": len(empty), "examples": ", ".join(map(str, empty[:3]))}
            e.findings.append(Finding("missing_value", "zero_embedding", "high", len(empty), None, (), values))


def check_drift(e: Evidence) -> None:
    """Batches that differ from the rest."""
    m = e.material
    batches: dict[str, np.ndarray] = {}
    if (time := _tenths(m.table["time"])) is not None:
        batches["time"] = time
    elif (imported := import_batches(m.project, m.ids)) is not None:
        batches["import"] = imported
    batches |= {
        name: column
        for name, column in _columns(m, []).items()
        if column.dtype == object and 2 <= len(np.unique(column[column != ""].astype(str))) <= 10
    }
    known = m.labelled & ~m.fixed_test
    if e.place is not None and e.embeddings is not None:
        known &= e.place < len(e.embeddings)
    rows = np.flatnonzero(known)
    if not batches or len(rows) < 2:
        e.unchecked.append(("drift", "no_batches"))
        return
    x = e.embeddings[e.place[rows]] if e.embeddings is not None and e.place is not None else None
    for name, column in batches.items():
        e.findings += drift_findings(name, batch_drift(column[rows], x, m.strata[rows], m.groups[rows], rng=e.rng))


def check_domains(e: Evidence) -> None:
    """Domains with too little in them."""
    m = e.material
    if m.domains is None:
        e.unchecked.append(("domain_coverage", "no_domains"))
    else:
        e.findings += domain_coverage_findings(m.domains, m.strata, m.classes)


def _columns(m: Material, roles: list[str]) -> dict[str, np.ndarray]:
    """Columns without a role, and some with one: numbers as floats, everything else as text."""
    found: dict[str, np.ndarray] = {}
    for name in [*roles, *m.extra_columns()][:MOST_COLUMNS]:
        column = m.table[name]
        if missing_cells(column).all() or pa.types.is_nested(column.type):
            continue
        values: list[Any] = column.to_pylist()
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            found[name] = np.array([np.nan if each is None else float(each) for each in values])
        else:
            found[name] = np.array(["" if each is None else str(each) for each in values], dtype=object)
    return found


def _tenths(column: pa.ChunkedArray) -> np.ndarray | None:
    """Days, or tenths of the time named by their first day if there are more than ten days; None if there are not two."""
    from datetime import UTC, datetime

    seconds = []
    for each in column.to_pylist():
        try:
            seconds.append(np.nan if not each else datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp())
        except ValueError:
            return None
    time = np.array(seconds)
    known = time[~np.isnan(time)]
    days = np.unique(known // 86_400)
    if len(days) < 2:
        return None
    edges = days * 86_400 if len(days) <= 10 else np.unique(np.quantile(known, np.linspace(0, 1, 11))[:-1])
    place = np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(edges) - 1)
    names = [f"{datetime.fromtimestamp(each, UTC):%Y-%m-%d}" for each in edges]
    return np.array(["" if np.isnan(at) else names[k] for at, k in zip(time, place, strict=True)], dtype=object)
