"""`yori run`: splits, embeddings, heads, edits, proof, report; what is up to date is skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yori.errors import ValuesError
from yori.prove import Overrides, prove
from yori.report import write_report
from yori.store import Project
from yori.task import parse_task
from yori.workers import Progress, silent

LARGE_BUDGET = 0.05
MODES = ("validation", "cross_fitted", "review")


@dataclass(frozen=True)
class Ran:
    """What a run made. ``reused``: everything was there already."""

    project: Path
    proof: Path
    certificate: Mapping[str, Any]
    reused: bool

    @property
    def report(self) -> Path:
        """The report a person opens."""
        return self.proof / "report.html"

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        certificate = self.certificate
        return {
            "project": str(self.project),
            "verdict": certificate["verdict"],
            "primary": certificate["primary"],
            "protocols": {
                name: {"values": part["values"], "comparisons": part["comparisons"], "seeds": part["seeds"],
                       "domains": part["domains"]}
                for name, part in certificate["protocols"].items()
            },
            "certificate": str(self.proof / "certificate.json"),
            "edits": str(self.proof / "edits.parquet"),
            "predictions": str(self.proof / "predictions.parquet"),
            "report": str(self.report),
            "edit_set": certificate["edits"],
            "truth": certificate["truth"],
            "curation": certificate.get("curation"),
            "leakage_gap": certificate["leakage_gap"],
            "flops": certificate["flops"],
            "parity": certificate["parity"],
            "notes": certificate["notes"],
            "reused": self.reused,
        }  # fmt: skip


def run(
    folder: str | Path,
    *,
    budget: float | None = None,
    seeds: int | None = None,
    allow_large: bool = False,
    mode: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Ran:
    """Do the main job on the latest data version of a project.

    Parameters
    ----------
    folder
        The project.
    budget, seeds
        In place of those in task.yaml, for this proof; written into its certificate.
    allow_large
        Allow a budget above 5 % of the training examples.
    mode
        In place of ``curate.mode``: ``validation`` or ``cross_fitted``; ``review``: every edit is a proposal for a person.
    workers
        Processes; None = one for each processor.
    progress
        Told about finished pieces of work.

    Raises
    ------
    YoriError
        If anything is wrong; what was finished is kept and used by the next run.
    """
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    if budget is not None:
        if not 0 < budget < 1:
            raise ValuesError(
                "a budget between 0 and 1, a share of the training examples", f"{budget:g}", where="--budget"
            )
        if budget > LARGE_BUDGET and not (allow_large or task.budget.allow_large):
            raise ValuesError(
                f"a budget of at most {LARGE_BUDGET}", f"{budget:g}", where="--budget",
                fix="Small changes can be checked by people. If it is meant: --allow-large.",
            )  # fmt: skip
    if seeds is not None and not 1 <= seeds <= 100:
        raise ValuesError("1 to 100 seeds", str(seeds), where="--seeds")
    if mode is not None and mode not in MODES:
        raise ValuesError(f"a mode out of {', '.join(MODES)}", repr(mode), where="--mode")

    def finish(content: Path) -> None:
        write_report(content, project, content / "report.html", lang="en")
        write_report(content, project, content / "report.ko.html", lang="ko")

    made = prove(project, overrides=Overrides(budget, seeds, mode), workers=workers, progress=progress, finish=finish)
    return Ran(project.path, made.path, made.certificate, made.reused)
