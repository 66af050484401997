"""What an audit looks at: the examples of a data version, read without the strictness of a run.

A run refuses labels nobody declared, a single class, a missing domain. An audit is there to find them, so nothing of the
kind stops it here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int, Shaped

from yori.errors import SourceError
from yori.splits import cluster_names, merge_groups
from yori.store import Project, Version
from yori.store.tables import ROW_COLUMNS
from yori.task import Task


@dataclass(frozen=True)
class Material:
    """Examples of a version, sorted by id.

    Parameters
    ----------
    table
        All examples, unlabelled ones too.
    ids
        ``(n,)``.
    classes
        Names of the task.
    labels
        ``n`` labels as text, several joined by ``;``, None where there is none.
    targets
        ``(n, c)`` 0 or 1: which classes of the task each example is labelled with.
    groups
        ``(n,)`` what no split cuts, joined by the copies the import found.
    group_names
        ``(n,)`` as in the table, ``""`` = none.
    domains, splits
        ``(n,)``, ``""`` = none; None if no example has one.
    """

    project: Project
    task: Task
    version: Version
    table: pa.Table
    ids: Shaped[np.ndarray, " n"]
    classes: tuple[str, ...]
    labels: list[str | None]
    targets: Float[np.ndarray, "n c"]
    groups: Int[np.ndarray, " n"]
    group_names: Shaped[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None
    splits: Shaped[np.ndarray, " n"] | None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def several(self) -> bool:
        """Whether examples may have several labels."""
        return self.task.labels == "multiple"

    @property
    def labelled(self) -> Bool[np.ndarray, " n"]:
        """Examples with a label, a set of none counted as one."""
        known = np.array([label is not None for label in self.labels], dtype=bool)
        return known if self.several else known & (self.targets.sum(axis=1) == 1)

    @property
    def fixed_test(self) -> Bool[np.ndarray, " n"]:
        """Test examples of a split the table fixes. What needs a model or labels leaves them alone."""
        if self.splits is None:
            return np.zeros(len(self), dtype=bool)
        test: Bool[np.ndarray, " n"] = self.splits == "test"
        return test

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of each example; of several the rarest; the number of classes where there is none."""
        rarity = np.argsort(np.argsort(-self.targets.sum(axis=0), kind="stable"), kind="stable") + 1
        place = (self.targets * rarity).argmax(axis=1)
        return np.where(self.targets.any(axis=1), place, len(self.classes)).astype(np.int64)

    def extra_columns(self) -> list[str]:
        """Imported columns without a role, in order."""
        return [name for name in self.table.column_names if name not in ROW_COLUMNS and name != "label_original"]


def read_material(project: Project, task: Task) -> Material:
    """Read the latest version.

    Raises
    ------
    SourceError
        If there are no examples.
    """
    version = project.version()
    table = project.examples(version.number)
    if len(table) == 0:
        raise SourceError("examples", "none", where=str(project.path), fix="Import some: yori import")
    ids = np.array(table["example_id"].to_pylist(), dtype=object)
    given = table["label"].to_pylist()
    sets = [None if each is None else [each] if isinstance(each, str) else list(each) for each in given]
    place = {name: number for number, name in enumerate(task.class_names)}
    targets = np.zeros((len(ids), len(place)))
    for row, names in enumerate(sets):
        for name in names or ():
            if name in place:
                targets[row, place[name]] = 1
    group_names = _text(table["group"])
    own = np.array(
        [name or f"\x00{example}" for name, example in zip(group_names, ids, strict=True)], dtype=object
    )  # an example without a group is one of its own, whatever groups are called
    domains, splits = _text(table["domain"]), _text(table["split"])
    return Material(
        project=project, task=task, version=version, table=table, ids=ids, classes=task.class_names,
        labels=[None if names is None else ";".join(names) for names in sets], targets=targets,
        groups=merge_groups(own, cluster_names(ids, table["duplicates"].to_pylist())), group_names=group_names,
        domains=domains if (domains != "").any() else None, splits=splits if (splits != "").any() else None,
    )  # fmt: skip


def _text(column: pa.ChunkedArray) -> Shaped[np.ndarray, " n"]:
    return np.array([each or "" for each in column.to_pylist()], dtype=object)
