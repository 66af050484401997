"""What a project has already, so that a second import adds only what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from yori.importers.recording import Label


@dataclass(frozen=True)
class KnownExample:
    """One example of the project.

    Parameters
    ----------
    sha256
        Of its content; None if nobody computed it.
    label
        As imported.
    duplicates
        Its cluster of copies; None if it stands for itself.
    """

    sha256: str | None
    label: Label
    duplicates: str | None


@dataclass(frozen=True)
class Known:
    """All examples of the project by id, dropped ones included: a dropped example must not come back by the back door."""

    examples: Mapping[str, KnownExample] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: pa.Table) -> Known:
        """Take ``example_id``, ``sha256``, ``label`` and ``duplicates`` of a table of rows.

        Examples
        --------
        >>> rows = pa.table({"example_id": ["a.wav"], "label": [["cat", "dog"]], "sha256": ["0" * 64]})
        >>> Known.from_rows(rows).examples["a.wav"].label
        ('cat', 'dog')
        """
        columns = [
            rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows
            for name in ("example_id", "sha256", "label", "duplicates")
        ]
        return cls(
            {
                name: KnownExample(sha256, tuple(sorted(label)) if isinstance(label, list) else label, duplicates)
                for name, sha256, label, duplicates in zip(*columns, strict=True)
            }
        )
