"""Weak supervision: functions that vote for a class or abstain, instead of people.

A labelling function is anything with a ``name`` and ``votes(columns, classes)``: a Python callable that is asked row by row,
or a declared rule (labelling_rules.py). Their answers are the vote matrix, the one place where `ABSTAIN` exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.errors import AlignmentError, ShapeError, ValuesError
from yori.labels.votes import Gold

ABSTAIN = -1
WHERE = "labelling functions"

Columns = Mapping[str, Sequence[Any]]


@runtime_checkable
class LabellingFunction(Protocol):
    """What may vote."""

    @property
    def name(self) -> str:
        """Name in tables and errors."""

    def votes(self, columns: Columns, classes: Sequence[str]) -> Int[np.ndarray, " n"]:
        """One class index or `ABSTAIN` per row."""


@dataclass(frozen=True)
class RowFunction:
    """A Python callable: from one row, as a dict of column to value, to the name of a class, or None to abstain."""

    name: str
    function: Callable[[Mapping[str, Any]], str | None]

    def votes(self, columns: Columns, classes: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Ask row by row.

        Raises
        ------
        ValuesError
            If the callable raises, or names a class that does not exist; with the row.
        """
        place = {name: index for index, name in enumerate(classes)}
        names = list(columns)
        found = np.full(row_count(columns), ABSTAIN, dtype=np.int64)
        for row, values in enumerate(zip(*(columns[name] for name in names), strict=True)):
            try:
                answer = self.function(dict(zip(names, values, strict=True)))
            except Exception as error:
                raise ValuesError(
                    "a function that answers or abstains", f"{type(error).__name__}: {error} in row {row}",
                    where=self.name, fix="Return None where the function cannot say anything.",
                ) from error  # fmt: skip
            if answer is None:
                continue
            if answer not in place:
                raise ValuesError(
                    f"one of the classes {', '.join(classes)}, or None", f"{answer!r} in row {row}", where=self.name
                )
            found[row] = place[answer]
        return found


@dataclass(frozen=True)
class VoteMatrix:
    """``votes``: ``(n, m)`` class indices or `ABSTAIN`; ``names``: of the m functions; ``classes``: names of the classes."""

    votes: Int[np.ndarray, "n m"]
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        array = np.asarray(self.votes)
        if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "iu":
            raise ShapeError("whole-number votes of shape (n, m), n ≥ 1, m ≥ 1",
                             f"shape {array.shape} of {array.dtype}", where=WHERE)  # fmt: skip
        if len(self.names) != array.shape[1]:
            raise ShapeError(f"{array.shape[1]} names", str(len(self.names)), where=WHERE)
        if len(self.classes) < 2:
            raise ValuesError("at least 2 classes", str(len(self.classes)), where=WHERE)
        if array.min() < ABSTAIN or array.max() >= len(self.classes):
            raise ValuesError(
                f"votes in 0 … {len(self.classes) - 1}, or ABSTAIN", f"{array.min()} … {array.max()}", where=WHERE
            )
        object.__setattr__(self, "votes", array.astype(np.int64))

    def counts(self) -> Int[np.ndarray, "n c"]:
        """``(n, c)`` votes for each class."""
        n, classes = len(self.votes), len(self.classes)
        row, column = np.nonzero(self.votes != ABSTAIN)
        counted = np.bincount(row * classes + self.votes[row, column], minlength=n * classes)
        result: Int[np.ndarray, "n c"] = counted.reshape(n, classes)
        return result


def row_count(columns: Columns) -> int:
    """Number of rows.

    Raises
    ------
    AlignmentError, ShapeError
        If columns differ in length, or there are none.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise AlignmentError("columns of one length", ", ".join(map(str, sorted(lengths))), where=WHERE)
    if not lengths:
        raise ShapeError("at least one column", "none", where=WHERE)
    return lengths.pop()


def vote_matrix(functions: Sequence[LabellingFunction], columns: Columns, *, classes: Sequence[str]) -> VoteMatrix:
    """Ask every function about every row.

    Parameters
    ----------
    functions
        Python callables as `RowFunction`, rules from `read_rules`, or both.
    columns
        The rows, as columns of one length.
    classes
        Names of the classes.

    Raises
    ------
    ShapeError, ValuesError, AlignmentError
        If two functions have one name, there is none, a column is missing, a vote is for an unknown class, a function fails.

    Examples
    --------
    >>> short = RowFunction("short", lambda row: "click" if row["seconds"] < 0.1 else None)
    >>> vote_matrix([short], {"seconds": [0.05, 2.0]}, classes=["click", "song"]).votes
    array([[ 0],
           [-1]])
    """
    names = tuple(function.name for function in functions)
    if not names:
        raise ShapeError("at least one labelling function", "none", where=WHERE)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise AlignmentError("each name once", f"{twice!r} twice", where=WHERE)
    votes = np.stack([function.votes(columns, classes) for function in functions], axis=1)
    return VoteMatrix(votes, names, tuple(classes))


@dataclass(frozen=True)
class FunctionTable:
    """One row per function, ``(m,)`` each, shares of all examples.

    ``coverage``: it votes. ``overlap``: it votes, and another one too. ``conflict``: it votes, and another votes otherwise.
    ``accuracy``: of its votes on the gold examples; without gold the estimate of a label model, if one is given; else ``nan``.
    ``judged``: how many votes the accuracy is from (0 for an estimate).
    """

    names: tuple[str, ...]
    coverage: Float[np.ndarray, " m"]
    overlap: Float[np.ndarray, " m"]
    conflict: Float[np.ndarray, " m"]
    accuracy: Float[np.ndarray, " m"]
    judged: Int[np.ndarray, " m"]


def function_table(
    matrix: VoteMatrix, *, gold: Gold | None = None, probs: Float[np.ndarray, "n c"] | None = None
) -> FunctionTable:
    """What each function is worth.

    Parameters
    ----------
    matrix
        Votes.
    gold
        Examples whose class is known.
    probs
        ``(n, c)`` posteriors of a label model: accuracy is estimated where there is no gold.

    Examples
    --------
    >>> matrix = VoteMatrix(np.array([[0, 0], [1, -1], [0, 1], [-1, -1]]), ("a", "b"), ("x", "y"))
    >>> table = function_table(matrix, gold=Gold(np.array([0, 2]), np.array([0, 1])))
    >>> table.coverage, table.conflict, table.accuracy
    (array([0.75, 0.5 ]), array([0.25, 0.25]), array([0.5, 1. ]))
    """
    votes = matrix.votes
    says: Bool[np.ndarray, "n m"] = votes != ABSTAIN
    counts = matrix.counts()
    total = counts.sum(axis=1, keepdims=True)
    same = np.take_along_axis(counts, np.maximum(votes, 0), axis=1)
    accuracy, judged = np.full(votes.shape[1], np.nan), np.zeros(votes.shape[1], dtype=np.int64)
    if gold is not None:
        known = gold.check(len(votes), len(matrix.classes))
        asked = says[known.example]
        judged = asked.sum(axis=0)
        right = (asked & (votes[known.example] == known.label[:, None])).sum(axis=0)
        accuracy = np.divide(right, judged, out=accuracy, where=judged > 0)
    elif probs is not None:
        chance = np.take_along_axis(np.asarray(probs), np.maximum(votes, 0), axis=1)
        accuracy = np.divide((chance * says).sum(axis=0), says.sum(axis=0), out=accuracy, where=says.any(axis=0))
    return FunctionTable(
        matrix.names, says.mean(axis=0), (says & (total > 1)).mean(axis=0), (says & (total > same)).mean(axis=0),
        accuracy, judged,
    )  # fmt: skip
