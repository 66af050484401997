"""Who trains, asks and tests over all turns: decided once for every example, and never changed.

A proof deals the examples anew for every data version. A flywheel must not: an example that once was tested must never be
trained on, or the gate of a later turn would read the labels it learned from. So the first turn takes over the split of the
release that serves, and every later one only adds. New examples join the part of their group; of new groups, those that
were asked for under the random share become test examples, because they are what the stream is like and not what a
strategy liked, and the others train or validate.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yori.errors import CorruptError, StoreError
from yori.flywheel.released_model import Release
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.splits import Cell
from yori.store import Project, atomic
from yori.store.work import workspace
from yori.task import Task

PARTS = ("train", "validation", "test")
FOLDER = "flywheel/assignment"


def first_assignment(project: Project, task: Task, release: Release) -> dict[str, str]:
    """The split under which a release was trained.

    Raises
    ------
    StoreError
        If task.yaml no longer gives that split.
    """
    head = release.manifest["head"]
    data = dataset_of(project, task, release.manifest["data"]["version"])
    for cell in cells_of(data, task):
        if cell.protocol == head["protocol"] and cell.seed == head["seed"] and cell.sha256(data.ids) == head["split"]:
            rows = {"train": cell.train, "validation": cell.validation, "test": cell.test}
            return {str(data.ids[row]): part for part in PARTS for row in rows[part]}
    raise StoreError(
        f"the split of release {release.release_id[:12]}", "another", where="task.yaml",
        fix="Its splits, seeds or protocols have changed since: change them back, or release anew and start over.",
    )  # fmt: skip


def read_assignment(project: Project) -> dict[str, str]:
    """Part of every example assigned so far; empty before the first turn.

    Raises
    ------
    CorruptError
        If a file is damaged, or two of them disagree.
    """
    found: dict[str, str] = {}
    folder = project.path / FOLDER
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else []:
        try:
            table = pq.read_table(path)
            names, parts = table["example_id"].to_pylist(), table["part"].to_pylist()
        except (OSError, KeyError, pa.ArrowException) as error:
            raise CorruptError("a readable assignment", str(error), where=str(path), fix="Restore it.") from error
        for name, part in zip(names, parts, strict=True):
            if part not in PARTS or found.setdefault(name, part) != part:
                raise CorruptError("one part for every example", f"another for {name!r}", where=str(path))
    return found


def add_assignment(project: Project, turn: int, new: Mapping[str, str]) -> dict[str, str]:
    """Write the parts of new examples, once for a turn, and return all. What a turn has written is never written again."""
    final = _path(project, turn)
    if not final.exists():
        table = pa.table({"example_id": sorted(new), "part": [new[name] for name in sorted(new)]})
        sink = io.BytesIO()
        pq.write_table(table, sink)
        with atomic.disk_errors(final), workspace(project.path) as aside:
            atomic.make_folder(final.parent)
            atomic.write_new(aside / final.name, [sink.getvalue()])
            atomic.create_if_absent(aside / final.name, final)
    return read_assignment(project)


def has_assignment(project: Project, turn: int) -> bool:
    """Whether a turn has assigned its examples."""
    return _path(project, turn).exists()


def assign(
    data: Dataset, known: Mapping[str, str], *, random: Collection[str], task: Task, grow_test: bool = True
) -> dict[str, str]:
    """Parts for the examples of a data version that have none.

    Parameters
    ----------
    known
        Parts so far.
    random
        Examples asked for under the random share.
    grow_test
        False: new groups only train or validate.

    Returns
    -------
    Part of every *new* example. All examples of a group are in one part.
    """
    of_group: dict[int, str] = {}
    members: dict[int, list[int]] = {}
    for row, (name, group) in enumerate(zip(data.ids.tolist(), data.groups.tolist(), strict=True)):
        members.setdefault(group, []).append(row)
        if name in known:
            # A new duplicate can join groups of two parts: test wins, so that nothing tested is trained on from now on.
            parts = {known[name], of_group.get(group, known[name])}
            of_group[group] = max(parts, key=PARTS.index)
    new: dict[str, str] = {}
    for group, rows in members.items():
        names = [str(data.ids[row]) for row in rows if str(data.ids[row]) not in known]
        if not names:
            continue
        part = of_group.get(group)
        if part is None and grow_test and any(name in random for name in names):
            part = "test"
        if part is None:
            part = "validation" if _share(min(names)) < task.splits.validation else "train"
        new.update(dict.fromkeys(names, part))
    return new


def cell_of(data: Dataset, parts: Mapping[str, str], *, turn: int) -> Cell:
    """The assignment of a data version as a cell.

    A new near-duplicate can join groups that were apart. Their examples then neither train nor validate where one of the
    group is tested, nor train where one validates.
    """
    place = np.array([PARTS.index(parts[str(name)]) for name in data.ids.tolist()])
    highest = np.full(int(data.groups.max()) + 1, -1)
    np.maximum.at(highest, data.groups, place)
    train, validation, test = (
        np.flatnonzero((place == number) & (highest[data.groups] == number)) for number in range(3)
    )
    return Cell("id", turn, train, validation, test)


def _share(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def _path(project: Project, turn: int) -> Path:
    return project.path / FOLDER / f"{turn:04}.parquet"
