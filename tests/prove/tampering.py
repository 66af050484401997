"""A copy of a proof in the hands of somebody who wants another result."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yori.prove.proof import FILES, seal, write_certificate
from yori.prove.verify import Verification
from yori.store import sha256_file

SEAL = "certificate is unchanged"
HASHES = "files are those the certificate names"
SPLITS = "splits are as recorded, and nothing is on two sides"
EDITS = "edits are as recorded, within budget, on training examples only"
ROWS = "predictions are on test examples only, the same ones for every arm"
TEMPERATURES = "temperatures follow from validation predictions"
PARITY = "every arm is the same model trained at equal FLOPs"
NUMBERS = "every number follows from the predictions"
PROJECT = "the project still holds the data version and the task"


class Copy:
    """A copy that can be changed; `reseal` makes all hashes agree again, as an attacker would."""

    def __init__(self, proof: Path, folder: Path) -> None:
        self.path = folder / "copy"
        shutil.copytree(proof, self.path)
        self.certificate: dict[str, Any] = json.loads((self.path / "certificate.json").read_text())

    def table(self, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
        """Replace a Parquet file."""
        pq.write_table(change(pq.read_table(self.path / name)), self.path / name)

    def column(self, name: str, column: str, change: Callable[[list[Any]], Sequence[Any]]) -> None:
        """Replace one column of a Parquet file, given and returned as a list."""

        def changed(table: pa.Table) -> pa.Table:
            place = table.column_names.index(column)
            field = table.schema.field(column)
            return table.set_column(place, field, pa.array(change(table[column].to_pylist()), field.type))

        self.table(name, changed)

    def splits(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change splits.json."""
        path = self.path / "splits.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def save(self) -> None:
        """Write the certificate as it is now, old seal and all."""
        write_certificate(self.path, self.certificate)

    def reseal(self) -> None:
        """Recompute the hash of every file and the seal."""
        self.certificate["files"] = {name: sha256_file(self.path / name) for name in FILES}
        self.certificate["seal"] = seal(self.certificate)
        self.save()


def failing(found: Verification) -> dict[str, str]:
    """Name of each check that fails, and its findings in one text."""
    return {check.name: "; ".join(check.findings) for check in found.checks if not check.holds}


def rows_of(table: pa.Table, protocol: str, seed: int, arm: str) -> np.ndarray:
    """Numbers of the rows of one arm of one cell."""
    found = zip(
        table["protocol"].to_pylist(), table["seed"].to_pylist(), table["arm"].to_pylist(), strict=True
    )  # fmt: skip
    return np.array([row for row, key in enumerate(found) if key == (protocol, seed, arm)])
