"""`yori apply`: an edit set makes the next data version; `--undo` takes it back. Nothing is deleted either way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from yori.curate import Edit, read_edits
from yori.errors import ValuesError
from yori.main_job.initialise import user_name
from yori.prove import read_certificate
from yori.store import Commit, Project

_SEPARATOR = ";"


def apply_edits(folder: str | Path, edits: str | Path, *, undo: bool = False, who: str | None = None) -> Commit:
    """Commit an edit set, or its opposite.

    Parameters
    ----------
    folder
        The project.
    edits
        ``edits.parquet``, or the folder of a proof.
    undo
        Give every edited example the label it had, and take back what was dropped.
    who
        Written into each patch; by default the name of the user.

    Returns
    -------
    The commit. Edits that are there already are skipped and counted.

    Raises
    ------
    ConflictError
        If a label is not the one the edit was made for any more.
    ValuesError
        If the set is empty, or holds nothing but reviews, which wait for a person and are left out.
    CorruptError, StoreError
        If a file cannot be read.
    """
    project = Project.open(folder)
    path = Path(edits)
    about = path.name
    if path.is_dir():
        about = f"proof {path.name[:12]}: {read_certificate(path)['verdict']['word']}"
        path = path / "edits.parquet"
    found = read_edits(path)
    if len(found) == 0:
        raise ValuesError("an edit set with edits", "an empty one", where=str(path), fix="There is nothing to apply.")
    decided = [edit for edit in found if edit.action != "review"]
    if not decided:
        raise ValuesError("edits that are decided", f"{len(found)} reviews", where=str(path),
                          fix="Let people decide: yori mine, then yori review.")  # fmt: skip
    several = project.version().label_kind == "several"
    imported = _imported(project, several) if undo else {}
    rows: list[dict[str, Any]] = []
    for edit in decided:
        rows += _undone(edit, imported, several) if undo else [_done(edit, several)]
    kind = pa.list_(pa.string()) if several else pa.string()
    schema = pa.schema([("example_id", pa.string()), ("action", pa.string()), ("old", kind), ("new", kind),
                        ("weight", pa.float64()), ("who", pa.string()), ("why", pa.string())])  # fmt: skip
    signed = who or user_name()
    table = pa.Table.from_pylist([{**row, "who": signed} for row in rows], schema=schema)
    return project.add_labels(table, message=f"{'undo ' if undo else ''}{len(decided)} edits of {about}")


def _label(text: str | None, several: bool) -> str | list[str] | None:
    if text is None or not several:
        return text
    return [name for name in text.split(_SEPARATOR) if name]


def _done(edit: Edit, several: bool) -> dict[str, Any]:
    return {
        "example_id": edit.example_id,
        "action": edit.action,
        "old": _label(edit.old_label, several),
        "new": _label(edit.new_label, several),
        "weight": edit.weight if edit.action == "reweight" else None,
        "why": edit.reason,
    }


def _imported(project: Project, several: bool) -> dict[str, str]:
    """The label every example was imported with, dropped ones included."""
    found: dict[str, str] = {}
    for version in project.log():
        table = project.examples(version.number, columns=["example_id", "label_original"])
        for name, label in zip(table["example_id"].to_pylist(), table["label_original"].to_pylist(), strict=True):
            found.setdefault(name, _SEPARATOR.join(label) if several and label else label)
    return found


def _undone(edit: Edit, imported: dict[str, str], several: bool) -> list[dict[str, Any]]:
    back: list[dict[str, Any]] = [{"example_id": edit.example_id, "action": "restore", "why": "undo"}]
    first = imported.get(edit.example_id)
    if first != edit.old_label:  # it had been relabelled before: that is kept
        old, new = _label(first, several), _label(edit.old_label, several)
        back.append({"example_id": edit.example_id, "action": "relabel", "old": old, "new": new, "why": "undo"})
    return back
