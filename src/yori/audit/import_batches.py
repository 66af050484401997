"""Which import brought each example, from the data versions: a batch of the collection that nobody had to write down."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped

from yori.store import Project
from yori.store.examples import read_parquet


def import_batches(project: Project, ids: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"] | None:
    """Name of the import of each example.

    Parameters
    ----------
    project
        Its data versions say when each file of rows came in.
    ids
        ``(n,)``.

    Returns
    -------
    ``(n,)`` such as ``version 2 (2026-05-01)``, ``""`` where no file names the example; None if all came at once.

    Raises
    ------
    CorruptError
        If a file of rows is missing or damaged.
    """
    latest = project.version()
    files = {file.path: file for file in latest.files if file.is_rows}
    if len(files) < 2:
        return None
    came: dict[str, str] = {}
    for version in sorted(project.log(), key=lambda each: each.number):
        for file in version.files:
            if file.path in files:
                came.setdefault(file.path, f"version {version.number} ({version.when[:10]})")
    if len(set(came.values())) < 2:
        return None
    batch: dict[str, str] = {}
    for path, name in came.items():
        for example in read_parquet(project.path, files[path], {"example_id"})["example_id"].to_pylist():
            batch.setdefault(example, name)
    return np.array([batch.get(str(each), "") for each in ids], dtype=object)
