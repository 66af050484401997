"""Bring two files of predictions into the same rows: by domain, seed and id, or a refusal that names the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Shaped

from yori.errors import AlignmentError
from yori.prove.prediction_files import PredictionTable
from yori.statistics import Predictions

_SHOWN = 3
_FIX = "Predict the same test examples with both systems."


@dataclass(frozen=True, eq=False)
class AlignedPredictions:
    """Two arms whose row *i* is the same example, and what `yori.statistics.compare` has to know about the rows."""

    before: Predictions
    after: Predictions
    seeds: Shaped[np.ndarray, " n"] | None
    domains: Shaped[np.ndarray, " n"] | None
    groups: Shaped[np.ndarray, " n"] | None


def align_predictions(before: PredictionTable, after: PredictionTable) -> AlignedPredictions:
    """Sort the rows of both by domain, seed and id, and check that they are the same ones.

    A label, seed, domain or group that one file lacks is taken from the other where every id occurs once, and for labels
    and groups also where it does not: they belong to the example.

    Raises
    ------
    AlignmentError
        If ids are missing on one side or occur twice within one domain and seed, or if the files disagree about a
        label, domain or group, or about the classes.
    ValuesError
        If a label is no class of the predictions.
    """
    if before.probs is not None and after.probs is not None and before.classes != after.classes:
        raise AlignmentError(
            f"the same classes in both files ({_list(before.classes)})",
            _list(after.classes),
            where=after.where,
            fix="Name the columns alike, prob_<class>.",
        )
    _check_same(before.ids, after.ids, "ids", after.where)
    before, after = _fill_positions(before, after)
    order = []
    for table in (before, after):
        rows = np.lexsort([key for key in (table.ids, table.seeds, table.domains) if key is not None])
        order.append(table.take(rows))
        _refuse_repeats(order[-1])
    first, second = order
    for name in ("domains", "seeds", "ids"):
        left, right = getattr(first, name), getattr(second, name)
        if left is not None and not np.array_equal(left, right):
            row = int(np.flatnonzero(left != right)[0]) if len(left) == len(right) else min(len(left), len(right)) - 1
            raise AlignmentError(
                "the same examples in every domain and seed of both files",
                f"{_place(first, row)} in before where after has {_place(second, row)}",
                where=after.where,
                fix=_FIX,
            )
    labels, groups = (_agreed(first, second, name) for name in ("labels", "groups"))
    return AlignedPredictions(first.predictions(labels), second.predictions(labels), first.seeds, first.domains, groups)


def _fill_positions(before: PredictionTable, after: PredictionTable) -> tuple[PredictionTable, PredictionTable]:
    """Give a file without a seed or domain column the one of the other, by id, where every id occurs once."""
    tables = [before, after]
    for name in ("seeds", "domains"):
        for lacking, giving in ((0, 1), (1, 0)):
            given = getattr(tables[giving], name)
            if getattr(tables[lacking], name) is not None or given is None:
                continue
            if len(set(tables[giving].ids.tolist())) < len(tables[giving]):
                raise AlignmentError(
                    f"a column {name[:-1]!r} in both files, because ids occur more than once",
                    "none",
                    where=tables[lacking].where,
                    fix=f"Save the {name[:-1]} of every row.",
                )
            column: Any = _by_id(tables[giving].ids, given, tables[lacking].ids)
            tables[lacking] = replace(tables[lacking], **{name: column})
    return tables[0], tables[1]


def _agreed(first: PredictionTable, second: PredictionTable, name: str) -> Shaped[np.ndarray, "..."] | None:
    """A column that belongs to the example: the same in both files, or given in one of them."""
    left, right = getattr(first, name), getattr(second, name)
    if left is None or right is None:
        return right if left is None else left
    differ = np.flatnonzero(left != right)
    if len(differ):
        row = int(differ[0])
        raise AlignmentError(
            f"the same {name} in both files",
            f"{len(differ)} that differ, first of id {first.ids[row]!r}: {str(left[row])!r} and {str(right[row])!r}",
            where=second.where,
            fix="Both systems are judged by one and the same test set.",
        )
    return left


def _check_same(left: Shaped[np.ndarray, "..."], right: Shaped[np.ndarray, "..."], what: str, where: str) -> None:
    lost, extra = np.setdiff1d(left, right), np.setdiff1d(right, left)
    if len(lost) or len(extra):
        raise AlignmentError(
            f"the same {what} in both files",
            f"{len(lost)} only in before ({_list(lost.tolist())}), {len(extra)} only in after ({_list(extra.tolist())})",
            where=where,
            fix=_FIX,
        )


def _refuse_repeats(table: PredictionTable) -> None:
    same = table.ids[1:] == table.ids[:-1]
    for key in (table.seeds, table.domains):
        if key is not None:
            same &= key[1:] == key[:-1]
    if same.any():
        row = int(np.flatnonzero(same)[0])
        fix = "Remove the repeated rows."
        if table.seeds is None:
            fix = "Rows of several training seeds must not be pooled: add a column seed."
        raise AlignmentError(
            "every id once within one domain and seed",
            f"{int(same.sum())} repeated rows, first {_place(table, row)}",
            where=table.where,
            fix=fix,
        )


def _by_id(
    ids: Shaped[np.ndarray, " m"], values: Shaped[np.ndarray, " m"], wanted: Shaped[np.ndarray, " n"]
) -> Shaped[np.ndarray, " n"]:
    order = np.argsort(ids)
    result: Shaped[np.ndarray, " n"] = values[order][np.searchsorted(ids[order], wanted)]
    return result


def _place(table: PredictionTable, row: int) -> str:
    parts = [("id", table.ids), ("domain", table.domains), ("seed", table.seeds)]
    return ", ".join(f"{name} {str(column[row])!r}" for name, column in parts if column is not None)


def _list(names: Any) -> str:
    shown = ", ".join(repr(str(name)) for name in list(names)[:_SHOWN]) or "none"
    return shown + (" …" if len(names) > _SHOWN else "")
