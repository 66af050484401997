"""What was prepared: a file beside the data versions that says which steps were fitted on what, and what to undo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yori.errors import CorruptError, StoreError
from yori.store import Project, atomic, content_key
from yori.store.work import workspace

FOLDER = "data/preparation"
FORMAT = 1
SUFFIX = "~"
"""Between the id of an example and the key of its preparation; no import makes such an id."""


@dataclass(frozen=True)
class Record:
    """One preparation.

    Parameters
    ----------
    steps
        ``{"step": name, **fields}`` of each fitted step, in the order they were applied.
    before, content_hash
        Number and hash of the data version they were fitted on.
    fitted_on
        Examples they were fitted on, and how those were chosen.
    weights
        Example → weight before, for examples that were weighed.
    copied, dropped
        Ids of examples that prepared copies replace, and of those left out.
    """

    steps: tuple[Mapping[str, Any], ...]
    before: int
    content_hash: str
    fitted_on: Mapping[str, Any]
    weights: Mapping[str, float] = field(default_factory=dict)
    copied: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Content key: equal preparations of equal data are one."""
        return content_key(
            steps=[json.dumps(dict(each), sort_keys=True) for each in self.steps], content=self.content_hash
        )[:24]

    def copy_of(self, example_id: str) -> str:
        """Id of the prepared copy of an example."""
        return f"{example_id}{SUFFIX}{self.key[:8]}"

    def sentence(self) -> str:
        """The steps, for the message of a data version."""
        return ", ".join(str(each["step"]) for each in self.steps)


def write_record(project: Project, record: Record) -> Path:
    """Write a record in one step; the same one twice is one file."""
    fields = {"format": FORMAT, **{**vars(record), "steps": [dict(each) for each in record.steps]}}
    final = project.path / FOLDER / f"{record.key}.json"
    with atomic.disk_errors(final), workspace(project.path) as aside:
        atomic.write_new(aside / final.name, [json.dumps(fields, ensure_ascii=False, indent=1).encode()])
        atomic.put_in_place(aside / final.name, final)
    return final


def read_record(project: Project, key: str) -> Record:
    """Read a record.

    Raises
    ------
    StoreError
        If there is none.
    CorruptError
        If it is damaged.
    """
    path = project.path / FOLDER / f"{key}.json"
    fix = "Restore it from a backup."
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("format") != FORMAT:
            raise CorruptError(f"a record of format {FORMAT}", "another", where=str(path), fix="Update yori.")
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        record = Record(**fields)
        if record.key != key:
            raise CorruptError("a record that agrees with its name", "another", where=str(path), fix=fix)
        return record
    except FileNotFoundError:
        raise StoreError(f"a preparation {key}", "none", where=str(project.path), fix="See: yori log") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, CorruptError):
            raise
        raise CorruptError("a readable record", str(error), where=str(path), fix=fix) from error


def standing(project: Project) -> str | None:
    """Key of the last preparation that has not been undone, from the messages of the data versions; None if there is none."""
    found: list[str] = []
    for version in project.log():
        words = version.message.split()
        if len(words) > 1 and words[0] == "prepare":
            if words[1] not in found:
                found.append(words[1])
        elif len(words) > 2 and words[:2] == ["undo", "prepare"] and words[2] in found:
            found.remove(words[2])
    return found[-1] if found else None
