"""What must be true of a cell before anything is trained on it, and again before anything is claimed from it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Shaped

from yori.errors import LeakError, SplitError
from yori.splits.protocols import Cell


def check_cell(
    cell: Cell,
    ids: Shaped[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"] | None,
    *,
    classes: tuple[str, ...],
) -> None:
    """Refuse a cell in which test data could reach training, or that cannot be trained or judged.

    Parameters
    ----------
    groups
        ``(n,)`` what no split may cut; None when the task splits by clip (which is a warning elsewhere).

    Raises
    ------
    LeakError
        If an example or a group is on two sides.
    SplitError
        If training or validation lacks a class that is tested.
    """
    parts = (("train", cell.train), ("validation", cell.validation), ("test", cell.test))
    for position, (name, index) in enumerate(parts):
        if len(index) == 0:
            raise SplitError(f"examples in {name}", "none", where=cell.name)
        if len(np.unique(index)) != len(index):
            raise LeakError(f"every example once in {name}", "one twice", where=cell.name)
        for other, other_index in parts[position + 1 :]:
            _check_apart(ids[index], ids[other_index], f"example in both {name} and {other}", cell.name)
            if groups is not None:
                _check_apart(groups[index], groups[other_index], f"group in both {name} and {other}", cell.name)
    for name, index in parts[:2]:
        missing = np.setdiff1d(np.unique(labels[cell.test]), labels[index])
        if len(missing) and (name == "train" or len(missing) == len(np.unique(labels[cell.test]))):
            names = ", ".join(classes[each] for each in missing[:5])
            raise SplitError(
                f"every tested class in {name}",
                f"none of: {names}",
                where=cell.name,
                fix="Give this class more groups, or take it out of the task.",
            )


def _check_apart(left: Shaped[np.ndarray, " a"], right: Shaped[np.ndarray, " b"], what: str, where: str) -> None:
    both = np.intersect1d(left.astype(str), right.astype(str))
    if len(both):
        shown = ", ".join(repr(str(each)) for each in both[:3])
        raise LeakError(f"no {what}", f"{len(both)}: {shown}", where=where, fix="Split by group.")
