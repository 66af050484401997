"""`yori audit`: look at the data of a project from every side, and write down what was found. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yori.audit.annotators import Answers
from yori.audit.checks import Evidence, run_checks
from yori.audit.clip_measures import measure_clips
from yori.audit.findings import Finding, findings_table, in_order, read_findings
from yori.audit.material import read_material
from yori.audit.page import write_pages
from yori.audit.predictions import audit_embeddings, hear_witnesses
from yori.audit.summary import summary_of
from yori.errors import CorruptError, ValuesError
from yori.importers.read_table import read_table
from yori.store import Project, content_key
from yori.task import parse_task
from yori.workers import Progress, silent

VERSION = 2


@dataclass(frozen=True)
class Audited:
    """An audit. ``reused``: it was there already."""

    folder: Path
    findings: tuple[Finding, ...]
    summary: Mapping[str, Any]
    reused: bool

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``: the summary without the numbers of the figures, and where the files are."""
        return {
            **{name: value for name, value in self.summary.items() if name not in ("figures", "gravest")},
            "findings": str(self.folder / "findings.parquet"),
            "page": str(self.folder / "audit.html"),
            "reused": self.reused,
        }


def audit(
    folder: str | Path,
    *,
    answers: str | Path | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
) -> Audited:
    """Audit the latest data version of a project.

    Parameters
    ----------
    folder
        The project. No run is needed before.
    answers
        A table of answers: ``example_id``, ``annotator``, ``label``, one row for each answer.
    seed
        Of folds, permutations and samples.
    workers
        Processes; None = one for each processor.
    progress
        Told about finished pieces of work.

    Returns
    -------
    The findings, the gravest first. The same data, task and seed are audited once.

    Raises
    ------
    YoriError
        If anything cannot be read; what was finished is kept and used by the next audit.
    """
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    given = None if answers is None else read_answers(answers)
    material = read_material(project, task)
    key = content_key(
        stage="audit", version=VERSION, data=material.version.content_hash, task=project.task_text(), seed=seed,
        answers=None if given is None else [list(given.example), list(given.annotator), list(given.label)],
        embeddings=_given_names(project),
    )[:32]  # fmt: skip
    if project.has_stage("audits", key):
        return read_audit(project, key, reused=True)
    evidence = Evidence(material, np.random.default_rng(seed), answers=given, progress=progress)
    readable = np.ones(len(material), dtype=bool)
    if task.modality == "audio":
        evidence.measures, evidence.prints = measure_clips(project, material.table, workers=workers, progress=progress)
        readable = evidence.measures.readable
    embedded = audit_embeddings(material, readable, workers=workers, progress=progress)
    if embedded is not None:
        evidence.embeddings, name = embedded
        place = np.full(len(material), len(evidence.embeddings), dtype=np.int64)
        place[np.flatnonzero(readable)] = np.arange(len(evidence.embeddings))
        evidence.place = place
        evidence.witnesses = hear_witnesses(
            material, evidence.embeddings, place, name, rng=np.random.default_rng(seed), progress=progress
        )
    run_checks(evidence)
    findings = in_order(evidence.findings)
    summary = summary_of(evidence, findings, key=key)
    import pyarrow.parquet as pq

    with project.stage_folder("audits", key) as content:
        pq.write_table(findings_table(findings), content / "findings.parquet")
        (content / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
        write_pages(content, findings, summary, project)
    return Audited(project.stage_path("audits", key), tuple(findings), summary, False)


def read_audit(project: Project, key: str, *, reused: bool = True) -> Audited:
    """An audit that was made before.

    Raises
    ------
    CorruptError
        If one of its files is missing or damaged.
    """
    folder = project.stage_path("audits", key)
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptError(
            "a readable audit", str(error), where=str(folder), fix="Remove the folder and audit again."
        ) from error
    return Audited(folder, tuple(read_findings(folder / "findings.parquet")), summary, reused)


def latest_audit(project: Project) -> Audited | None:
    """The newest audit of the latest data version; None if there is none."""
    number = project.version().number
    home = project.path / "audits"
    found = []
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        if (folder / "summary.json").is_file():
            made = read_audit(project, folder.name)
            if made.summary["version"] == number:
                found.append(made)
    return max(found, key=lambda each: each.summary["created"], default=None)


def read_answers(path: str | Path) -> Answers:
    """Read a table of answers.

    Raises
    ------
    SourceError
        If it cannot be read.
    ValuesError
        If a column is missing, a cell is empty, or there is no row.
    """
    table = read_table(Path(path))
    columns = []
    for name in ("example_id", "annotator", "label"):
        if name not in table.column_names:
            known = ", ".join(table.column_names)
            raise ValuesError("columns example_id, annotator and label", f"columns {known}", where=str(path))
        cells = ["" if each is None else str(each) for each in table[name].to_pylist()]
        if "" in cells:
            raise ValuesError(f"a value in every row of {name}", f"none in row {cells.index('')}", where=str(path),
                              fix="Leave out answers that were not given.")  # fmt: skip
        columns.append(cells)
    if not columns[0]:
        raise ValuesError("at least one answer", "none", where=str(path))
    return Answers(*columns)


def _given_names(project: Project) -> list[str]:
    from yori.backbones.given import given_parts

    return [part.path.name for part in given_parts(project)]
