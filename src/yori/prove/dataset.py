"""The labelled examples of a data version, as arrays: what splits, heads and tests are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Num, Shaped

from yori.errors import SourceError, SplitError, ValuesError
from yori.splits import Cell, check_cell, cluster_names, id_cells, lodo_cells, merge_groups, table_cells
from yori.store import Project
from yori.task import Task

FEW_WITHOUT_LABEL = 20
"""Fewer examples without any of several labels than this are no stratum of their own."""


@dataclass(frozen=True)
class Dataset:
    """Examples sorted by id.

    ``targets``: the label each example is trained on, ``(n,)`` or multi-hot ``(n, c)``. ``truth``: the label it is judged
    by, the one a person verified where there is one. ``groups``: number of what no split may cut, near-duplicates joined.
    ``labels``: the current labels as text, several joined by ``;``.
    """

    table: pa.Table
    ids: Shaped[np.ndarray, " n"]
    classes: tuple[str, ...]
    targets: Num[np.ndarray, "n ..."]
    truth: Num[np.ndarray, "n ..."]
    labels: tuple[str, ...]
    groups: Int[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None
    splits: Shaped[np.ndarray, " n"] | None
    weight: Float[np.ndarray, " n"]
    verified: int
    unlabelled: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def link(self) -> str:
        """``softmax`` for one label per example, ``sigmoid`` for several."""
        return "softmax" if self.targets.ndim == 1 else "sigmoid"

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of each example for stratification; of several labels the rarest, of none one more class."""
        if self.targets.ndim == 1:
            return self.targets.astype(np.int64)
        rarity = np.argsort(np.argsort(-self.targets.sum(axis=0), kind="stable"), kind="stable") + 1
        place = (self.targets * rarity).argmax(axis=1)
        return np.where(self.targets.any(axis=1), place, self.targets.shape[1]).astype(np.int64)


def dataset_of(project: Project, task: Task, version: int | None = None) -> Dataset:
    """Read the labelled examples of a data version.

    Raises
    ------
    SourceError
        If no example has a label.
    ValuesError
        If a label is no class of the task, or fewer than two classes occur.
    """
    everything = project.examples(version)
    labelled = everything.filter(everything["label"].is_valid())
    if len(labelled) == 0:
        raise SourceError("labelled examples", "none", where=str(project.path), fix="Import some: yori import")
    classes = task.class_names
    given = labelled["label"].to_pylist()
    checked = labelled["verified"].to_pylist()
    ids = np.array(labelled["example_id"].to_pylist(), dtype=object)
    targets = _targets(given, classes, ids, "label", several=task.labels == "multiple")
    best = [new if new is not None else old for old, new in zip(given, checked, strict=True)]
    truth = _targets(best, classes, ids, "verified", several=task.labels == "multiple")
    seen = np.unique(targets) if targets.ndim == 1 else np.flatnonzero(targets.any(axis=0))
    if len(seen) < 2:
        name = classes[int(seen[0])] if len(seen) else "none"
        raise ValuesError(
            "examples of at least two classes", f"only {name!r}", where="labels", fix="Import the others."
        )
    own = [name if name is not None else f"example {example}" for name, example in zip(
        labelled["group"].to_pylist(), ids, strict=True)]  # fmt: skip
    groups = merge_groups(np.array(own, dtype=object), cluster_names(ids, labelled["duplicates"].to_pylist()))
    if task.splits.by == "clip":
        groups = np.arange(len(ids))
    return Dataset(
        table=labelled,
        ids=ids,
        classes=classes,
        targets=targets,
        truth=truth,
        labels=tuple(label if isinstance(label, str) else ";".join(label) for label in given),
        groups=groups,
        domains=_text(labelled["domain"]),
        splits=_text(labelled["split"]),
        weight=np.array(labelled["weight"].to_pylist(), dtype=np.float64),
        verified=sum(each is not None for each in checked),
        unlabelled=len(everything) - len(labelled),
    )


def _text(column: pa.ChunkedArray) -> Shaped[np.ndarray, " n"] | None:
    values = column.to_pylist()
    return None if all(each is None for each in values) else np.array([each or "" for each in values], dtype=object)


def _targets(
    labels: list[str | list[str]],
    classes: tuple[str, ...],
    ids: Shaped[np.ndarray, " n"],
    column: str,
    *,
    several: bool,
) -> Num[np.ndarray, "n ..."]:
    place = {name: number for number, name in enumerate(classes)}
    sets = [[label] if isinstance(label, str) else list(label) for label in labels]
    for example, names in zip(ids, sets, strict=True):
        for name in names:
            if name not in place:
                shown = ", ".join(map(repr, classes[:10]))
                raise ValuesError(
                    f"one of the classes {shown} in column {column!r}",
                    f"{name!r} for example {example!r}",
                    where="labels",
                    fix="Add it to the classes of task.yaml, or correct the label.",
                )
        if not several and len(names) != 1:
            raise ValuesError(
                "one label for each example", f"{len(names)} for {example!r}", where="labels",
                fix="Set labels: multiple in task.yaml.",
            )  # fmt: skip
    if not several:
        return np.array([place[names[0]] for names in sets], dtype=np.int64)
    hot = np.zeros((len(sets), len(classes)), dtype=np.float32)
    for row, names in enumerate(sets):
        hot[row, [place[name] for name in names]] = 1
    return hot


def cells_of(data: Dataset, task: Task) -> list[Cell]:
    """Every train / validation / test assignment the task asks for, checked for leaks.

    Raises
    ------
    SplitError, LeakError
        If no split satisfies the wishes, or the table's own split leaks.
    """
    policy = task.splits
    strata = data.strata
    empty = strata == len(data.classes)
    if empty.sum() < FEW_WITHOUT_LABEL:  # too few to spread over folds: they go with the commonest class
        strata = np.where(empty, np.bincount(strata[~empty]).argmax(), strata)
    names = np.array([*data.classes, "(no label)"], dtype=object)[strata].astype(str)
    cells: list[Cell] = []
    for protocol in policy.protocols:
        if protocol == "id" and policy.by == "table":
            if data.splits is None:
                raise SplitError(
                    "a split column with train, validation and test", "none", where="split",
                    fix="Import one, or set splits.by: group.",
                )  # fmt: skip
            cells += table_cells(data.splits, seeds=task.seeds)
        elif protocol == "id":
            cells += id_cells(
                names, data.groups, test=policy.test, validation=policy.validation, seeds=task.seeds, seed=policy.seed
            )
        else:
            if data.domains is None or (data.domains == "").any():
                missing = len(data) if data.domains is None else int((data.domains == "").sum())
                raise SplitError(
                    "a domain for every example", f"{missing} examples without one", where="lodo",
                    fix="Import a domain column, or leave lodo out of splits.protocols.",
                )  # fmt: skip
            cells += lodo_cells(
                names, data.groups, data.domains,
                validation=policy.validation, seeds=task.seeds, seed=policy.seed,
            )  # fmt: skip
    for cell in cells:
        check_cell(cell, data.ids, strata, None if policy.by == "clip" else data.groups,
                   classes=(*data.classes, "(no label)"))  # fmt: skip
    return cells
