"""What an import did, for people and machines, and ``import_report.csv``, which lists everything left out and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from yori.store import atomic
from yori.store.work import workspace

REPORT = "import_report.csv"

_COLUMNS = ("source", "uri", "start", "reason", "detail", "action")


@dataclass(frozen=True)
class Imported:
    """The result of `yori.main_job.init` and `yori.main_job.import_data`.

    Parameters
    ----------
    project
        The project folder.
    source
        Name of the source in the project.
    version
        Number of the data version that holds the examples.
    added
        Examples that are new in it.
    counts
        ``recordings`` found, ``examples`` new, ``known`` skipped, ``left out``, ``remarks`` (kept but listed).
    reasons
        Reason → ``(left out, kept)``: how many lines of the report have it.
    examples
        In the whole project.
    classes, domains
        Name → examples, in the whole project.
    groups
        Number of groups in the whole project.
    report
        The file with every line.
    notes
        Sentences a person should read.
    """

    project: Path
    source: str
    version: int
    added: int
    counts: Mapping[str, int]
    reasons: Mapping[str, tuple[int, int]]
    examples: int
    classes: Mapping[str, int]
    domains: Mapping[str, int]
    groups: int
    report: Path
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        fields = {**asdict(self), "project": str(self.project), "report": str(self.report)}
        fields["reasons"] = {name: {"left out": out, "kept": kept} for name, (out, kept) in self.reasons.items()}
        return fields


def count_reasons(left_out: pa.Table) -> dict[str, tuple[int, int]]:
    """Reason → (left out, kept), the most frequent first.

    Examples
    --------
    >>> count_reasons(pa.table({"reason": ["clipping", "empty", "empty"], "action": ["kept", "left out", "left out"]}))
    {'empty': (2, 0), 'clipping': (0, 1)}
    """
    found: dict[str, list[int]] = {}
    for reason, action in zip(left_out["reason"].to_pylist(), left_out["action"].to_pylist(), strict=True):
        found.setdefault(reason, [0, 0])[action == "kept"] += 1
    ordered = sorted(found.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    return {reason: (out, kept) for reason, (out, kept) in ordered}


def summary(rows: pa.Table) -> tuple[dict[str, int], int]:
    """Domain → examples, and the number of groups, of a table of examples."""
    import pyarrow.compute as pc

    counted = pc.value_counts(rows["domain"].drop_null().combine_chunks())
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return dict(sorted(pairs)), int(pc.count_distinct(rows["group"].combine_chunks()).as_py())


def write_report(project: Path, source: str, left_out: pa.Table) -> Path:
    """Write ``import_report.csv``: what the latest import of each source left out or has a remark on.

    Parameters
    ----------
    project
        The project folder.
    source
        Lines of this source are replaced, those of others kept.
    left_out
        ``uri, start, reason, detail, action``, from `yori.importers.Intake`.

    Raises
    ------
    StoreError
        If the disk is full or cannot be written; the report that was there is then untouched.
    """
    final = project / REPORT
    lines = [line for line in _read(final) if line["source"] != source]
    lines += [{"source": source, **line} for line in left_out.to_pylist()]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, _COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    with atomic.disk_errors(final), workspace(project) as aside:
        atomic.write_new(aside / REPORT, [sink.getvalue().encode("utf-8", "backslashreplace")])
        atomic.put_in_place(aside / REPORT, final)
    return final


def _read(path: Path) -> list[dict[str, Any]]:
    """Lines of a report; one that somebody changed beyond recognition is written anew."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader) if tuple(reader.fieldnames or ()) == _COLUMNS else []
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
