"""Read what any system predicted: ids, labels, and probabilities or logits, from Parquet, CSV or npz.

    column                              what it is                                              needed
    example_id, id or ids               which example a row is about                            yes
    label or labels                     its class                                               in one of the two files
    probs, or prob_<class>              probabilities: a list, or a column for each class       one of these,
    logits, or logit_<class>            scores before the softmax, in the same two ways           or
    confidence and correct              any score and right/wrong, where nothing else is known    both of these
    seed(s), domain(s), group(s)        training seed; held-out domain; recording, speaker …    no
    classes                             npz only: names of the columns of probs                 no

Classes are compared by name. A list has none, so its classes are called ``0 … c − 1``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_finite, check_length, check_probs
from yori.errors import AlignmentError, ShapeError, SourceError, ValuesError
from yori.metrics import apply_temperature
from yori.prove.prediction_columns import numbers, read_columns, words
from yori.statistics import Predictions

NAMES: dict[str, tuple[str, ...]] = {
    "ids": ("example_id", "id", "ids"),
    "labels": ("label", "labels"),
    "seeds": ("seed", "seeds"),
    "domains": ("domain", "domains"),
    "groups": ("group", "groups"),
}
"""Names under which each column is known, the first one first."""

NOTED = 1e-6
"""Sums of probabilities farther than this from 1 are repaired with a note; nearer ones are float32 rounding."""


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """One file of predictions, checked.

    Attributes
    ----------
    where
        Path of the file, for messages.
    ids, labels, seeds, domains, groups
        Shape ``(n,)``, text; None where the file has no such column.
    probs
        Shape ``(n, c)``, rows sum to 1; columns in the order of ``classes``.
    classes
        Names of the classes, sorted (numbers by value).
    confidence, correct
        Shape ``(n,)``, where there are no probabilities.
    notes
        Sentences a reader has to know.
    """

    where: str
    ids: Shaped[np.ndarray, " n"]
    labels: Shaped[np.ndarray, " n"] | None = None
    probs: Float[np.ndarray, "n c"] | None = None
    classes: tuple[str, ...] = ()
    confidence: Float[np.ndarray, " n"] | None = None
    correct: Bool[np.ndarray, " n"] | None = None
    seeds: Shaped[np.ndarray, " n"] | None = None
    domains: Shaped[np.ndarray, " n"] | None = None
    groups: Shaped[np.ndarray, " n"] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Int[np.ndarray, "..."]) -> PredictionTable:
        """Return these rows, in this order."""
        columns = ("ids", "labels", "probs", "confidence", "correct", "seeds", "domains", "groups")
        found: dict[str, Any] = {name: getattr(self, name) for name in columns}
        return replace(self, **{name: column[rows] for name, column in found.items() if column is not None})

    def predictions(self, labels: Shaped[np.ndarray, " n"] | None) -> Predictions:
        """Return the rows as one arm of a comparison, judged by these labels (names of classes)."""
        if self.probs is None:
            return Predictions(self.ids, confidence=self.confidence, correct=self.correct)
        if labels is None:
            raise SourceError("a column label in one of the two files", "none", where=self.where)
        return Predictions(self.ids, probs=self.probs, labels=_codes(labels, self.classes, self.where))


def read_predictions(path: str | Path) -> PredictionTable:
    """Read a file of predictions; see the table at the top of this file.

    Raises
    ------
    SourceError
        If the file cannot be read, or holds several arms of a proof.
    AlignmentError, ShapeError, ValuesError
        If a column is missing, has an empty cell, is not finite, or probabilities do not sum to 1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "before.csv"
    ...     _ = file.write_text("id,label,prob_dog,prob_cat\\n1,dog,0.9,0.1\\n2,cat,0.6,0.4\\n")
    ...     found = read_predictions(file)
    >>> found.classes, found.probs.tolist()
    (('cat', 'dog'), [[0.1, 0.9], [0.4, 0.6]])
    """
    where, columns = str(path), read_columns(path)
    _refuse_several_arms(columns, where)
    used: set[str] = set()
    found: dict[str, Any] = {}
    for role, names in NAMES.items():
        name = next((each for each in names if each in columns), None)
        if name is None:
            continue
        used.add(name)
        if role == "labels" and (columns[name].ndim > 1 or any(isinstance(x, list) for x in columns[name][:1])):
            raise ValuesError(
                "one label per row",
                "lists of labels",
                where=where,
                fix="Compare rows with several labels class by class, one file for each.",
            )
        found[role] = words(columns[name], name, where)
    if "ids" not in found:
        raise AlignmentError(
            f"a column {', '.join(NAMES['ids'][:-1])} or {NAMES['ids'][-1]}",
            f"columns {', '.join(columns) or 'none'}",
            where=where,
            fix="Name each example, so that the two files can be aligned.",
        )
    n = len(found["ids"])
    if n == 0:
        raise ShapeError("at least one prediction", "a table without rows", where=where)
    for role, column in found.items():
        check_length(column, n, name=role, where=where)
    notes: list[str] = []
    found.update(_outputs(columns, n, where, used, notes))
    ignored = [name for name in columns if name not in used]
    if ignored:
        notes.append(f"Columns of {where} that were not read: {', '.join(ignored)}.")
    return PredictionTable(where, notes=tuple(notes), **found)


def _refuse_several_arms(columns: dict[str, Shaped[np.ndarray, "..."]], where: str) -> None:
    for name in ("arm", "protocol"):
        if name in columns and columns[name].ndim == 1 and len({str(cell) for cell in columns[name]}) > 1:
            raise SourceError(
                f"the predictions of one {name}",
                f"several {name}s in one file",
                where=where,
                fix=f"Keep the rows of one {name}. A whole proof is checked with `yori verify`.",
            )


def _outputs(
    columns: dict[str, Shaped[np.ndarray, "..."]], n: int, where: str, used: set[str], notes: list[str]
) -> dict[str, Any]:
    """Probabilities from the first of probs, prob_*, logits, logit_*; otherwise confidence and correct."""
    for kind, prefix in (("probs", "prob_"), ("logits", "logit_")):
        single = [name for name in columns if name.startswith(prefix)]
        if kind not in columns and not single:
            continue
        if kind in columns:
            table, used_now = numbers(columns[kind], kind, where), [kind]
            dtype = columns[kind].dtype
            classes = _names_of_list(columns, table, where)
            if "classes" in columns:
                used.add("classes")
        else:
            used_now, classes = single, [name.removeprefix(prefix) for name in single]
            table = np.stack([numbers(columns[name], name, where) for name in single], axis=1)
            dtype = np.result_type(*(columns[name].dtype for name in single))
        used.update(used_now)
        check_length(table, n, name=kind, where=where)
        order = sorted(range(len(classes)), key=lambda k: _in_order(classes[k]))
        table = np.ascontiguousarray(table[:, order])
        probs = _probs(table, where, notes) if kind == "probs" else _softmax(table, where)
        if dtype == np.float16:
            notes.append(f"{kind} of {where} are float16, three digits: rows of equal confidence count as ties.")
        return {"probs": probs, "classes": tuple(classes[k] for k in order)}
    if "confidence" not in columns or "correct" not in columns:
        raise ShapeError(
            "columns probs, prob_<class>, logits or logit_<class> (or confidence and correct)",
            f"columns {', '.join(columns)}",
            where=where,
            fix="Save what the model answered for every class.",
        )
    used.update(("confidence", "correct"))
    confidence = numbers(columns["confidence"], "confidence", where)
    correct = _truth(columns["correct"], where)
    for name, column in (("confidence", confidence), ("correct", correct)):
        check_length(column, n, name=name, where=where)
    check_finite(confidence, name="confidence", where=where)
    return {"confidence": confidence, "correct": correct}


def _names_of_list(
    columns: dict[str, Shaped[np.ndarray, "..."]], table: Float[np.ndarray, "..."], where: str
) -> list[str]:
    if table.ndim != 2:
        raise ShapeError("probs or logits of shape (n, c)", f"shape {table.shape}", where=where)
    if "classes" not in columns:
        return [str(k) for k in range(table.shape[1])]
    names: list[str] = words(columns["classes"], "classes", where).tolist()
    if len(names) != table.shape[1] or len(set(names)) < len(names):
        raise ShapeError(f"{table.shape[1]} different names in classes", ", ".join(names), where=where)
    return names


def _in_order(name: str) -> tuple[bool, int, str]:
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _probs(table: Float[np.ndarray, "..."], where: str, notes: list[str]) -> Float[np.ndarray, "..."]:
    probs = check_probs(table, where=where)
    off = np.abs(table.sum(axis=1) - 1)
    rows = int((off > NOTED).sum())
    if rows:
        notes.append(
            f"{rows} rows of probabilities in {where} sum to 1 only within {off.max():.1g}: divided by their sum."
        )
    return probs


def _softmax(table: Float[np.ndarray, "..."], where: str) -> Float[np.ndarray, "..."]:
    if table.shape[1] < 2:
        raise ShapeError("logits of at least two classes", f"shape {table.shape}", where=where)
    check_finite(table, name="logits", where=where)
    return apply_temperature(table, 1.0)


def _truth(column: Shaped[np.ndarray, "..."], where: str) -> Bool[np.ndarray, " n"]:
    said = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    result = np.empty(len(column), dtype=np.bool_)
    for row, cell in enumerate(column.tolist()):
        answer = said.get(str(cell).strip().lower())
        if answer is None:
            raise ValuesError("true or false in column 'correct'", f"{cell!r} in row {row}", where=where)
        result[row] = answer
    return result


def _codes(labels: Shaped[np.ndarray, " n"], classes: tuple[str, ...], where: str) -> Int[np.ndarray, "..."]:
    number = {name: k for k, name in enumerate(classes)}
    codes = np.array([number.get(label, -1) for label in labels.tolist()], dtype=np.int64)
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        shown = ", ".join(classes[:8]) + (" …" if len(classes) > 8 else "")
        raise ValuesError(
            f"labels among the classes of the predictions ({shown})",
            f"{str(labels[unknown[0]])!r} in row {unknown[0]} ({len(unknown)} rows in all)",
            where=where,
            fix="Name the columns prob_<class> after the labels, or give labels as 0 … c − 1.",
        )
    return codes
