"""Who answered what: the answers of several annotators to the same examples, as three aligned arrays.

An example may have any number of answers, none included; an annotator may answer any number of examples. There is no cell for
an answer nobody gave, so two million answers of a thousand people to a million examples are 48 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import sparse

from yori.arrays import check_labels, check_length
from yori.errors import AlignmentError, ShapeError, ValuesError


@dataclass(frozen=True)
class Votes:
    """Answers as codes.

    Parameters
    ----------
    example, annotator, answer
        Shape ``(v,)`` each: answer ``answer[i]`` was given by ``annotator[i]`` to ``example[i]``. Codes from 0.
    examples, annotators, classes
        How many there are. Examples and annotators without a single answer are allowed.

    Raises
    ------
    ShapeError
        If the arrays are not ``(v,)`` alike, or there is no answer at all.
    ValuesError
        If a code lies outside its range, or there are fewer than two classes.

    Examples
    --------
    >>> votes = Votes(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1, 1, 0]), 2, 2, 2)
    >>> votes.counts()
    array([[0, 2],
           [1, 0]])
    """

    example: Int[np.ndarray, " v"]
    annotator: Int[np.ndarray, " v"]
    answer: Int[np.ndarray, " v"]
    examples: int
    annotators: int
    classes: int

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValuesError("at least 2 classes", str(self.classes), where="votes", fix="Nothing can be decided.")
        if np.asarray(self.answer).size == 0:
            raise ShapeError("at least one answer", "none", where="votes")
        for name, limit in (("example", self.examples), ("annotator", self.annotators), ("answer", self.classes)):
            codes = check_labels(getattr(self, name), limit, name=name, where="votes")
            check_length(codes, len(np.asarray(self.answer)), name=name, where="votes")
            object.__setattr__(self, name, codes)

    def __len__(self) -> int:
        return len(self.answer)

    def counts(self) -> Int[np.ndarray, "n c"]:
        """``(n, c)``: how many annotators gave each example each class."""
        cell = self.example * self.classes + self.answer
        counted = np.bincount(cell, minlength=self.examples * self.classes)
        result: Int[np.ndarray, "n c"] = counted.reshape(self.examples, self.classes)
        return result

    def per_example(self) -> Int[np.ndarray, " n"]:
        """``(n,)``: answers of each example."""
        result: Int[np.ndarray, " n"] = np.bincount(self.example, minlength=self.examples)
        return result

    def per_annotator(self) -> Int[np.ndarray, " a"]:
        """``(a,)``: answers of each annotator."""
        result: Int[np.ndarray, " a"] = np.bincount(self.annotator, minlength=self.annotators)
        return result

    def take(self, kept: Shaped[np.ndarray, "..."]) -> Votes:
        """Some of the answers (positions or a mask) about the same examples, annotators and classes."""
        return Votes(
            self.example[kept], self.annotator[kept], self.answer[kept], self.examples, self.annotators, self.classes
        )

    def incidence(self) -> Any:
        """Sparse ``(n, a·c)``: how often each example met each (annotator, answer).

        Multiplied by ``(a·c, c)`` log-probabilities it gives the log-likelihoods of the examples; its transpose multiplied
        by ``(n, c)`` posteriors gives the confusion counts. Both steps of the EM are these two products.
        """
        column = self.annotator * self.classes + self.answer
        shape = (self.examples, self.annotators * self.classes)
        return sparse.csr_array((np.ones(len(self)), (self.example, column)), shape=shape)


@dataclass(frozen=True)
class Gold:
    """Examples whose true class is known: control questions.

    Parameters
    ----------
    example, label
        Shape ``(g,)`` each; an example at most once.

    Raises
    ------
    ShapeError, AlignmentError
        If the lengths differ, or an example comes twice.
    """

    example: Int[np.ndarray, " g"]
    label: Int[np.ndarray, " g"]

    def __post_init__(self) -> None:
        check_length(np.asarray(self.label), len(self.example), name="label", where="gold")
        if len(np.unique(self.example)) < len(self.example):
            raise AlignmentError("each gold example once", "one that comes twice", where="gold")

    def __len__(self) -> int:
        return len(self.label)

    def take(self, kept: Shaped[np.ndarray, "..."]) -> Gold:
        """Some of the gold examples, by positions or a mask."""
        return Gold(self.example[kept], self.label[kept])

    def check(self, examples: int, classes: int) -> Gold:
        """Refuse examples or classes that do not exist.

        Raises
        ------
        ValuesError
            If there are any.
        """
        example = check_labels(self.example, examples, name="gold examples", where="gold")
        return Gold(example, check_labels(self.label, classes, name="gold labels", where="gold"))

    def fix(self, probs: Float[np.ndarray, "n c"]) -> None:
        """Write certainty into the gold rows of ``probs``, in place."""
        probs[self.example] = 0
        probs[self.example, self.label] = 1


@dataclass(frozen=True)
class NamedVotes:
    """Votes, and what their codes stand for."""

    votes: Votes
    example_names: tuple[Any, ...]
    annotator_names: tuple[Any, ...]
    class_names: tuple[Any, ...]


def votes_of(
    examples: Sequence[Any],
    annotators: Sequence[Any],
    answers: Sequence[Any],
    *,
    classes: Sequence[Any] | None = None,
    among: Sequence[Any] | None = None,
) -> NamedVotes:
    """Encode answers given by names.

    Parameters
    ----------
    examples, annotators, answers
        ``(v,)`` each: ids of any sortable kind, and class names.
    classes
        All class names in their order; by default those that were answered, sorted.
    among
        All example ids in their order, where examples without answers count as well; by default those answered, sorted.

    Raises
    ------
    ShapeError
        If the lengths differ, or there is no answer.
    ValuesError
        If a vote is for a class that nobody declared, or about an example outside ``among``.

    Examples
    --------
    >>> named = votes_of(["b", "a", "a"], ["kim", "kim", "lee"], ["dog", "cat", "dog"])
    >>> named.votes.counts(), named.example_names, named.class_names
    (array([[1, 1], [0, 1]]), ('a', 'b'), ('cat', 'dog'))
    """
    if not len(examples) == len(annotators) == len(answers):
        raise ShapeError(
            "as many examples as annotators as answers",
            f"{len(examples)}, {len(annotators)} and {len(answers)}",
            where="votes",
        )
    example, example_names = _codes(examples, among, "example ids", "Add them, or leave these answers out.")
    annotator, annotator_names = _codes(annotators, None, "annotators", "")
    answer, class_names = _codes(
        answers, classes, "classes", "Declare the class in task.yaml, or correct these answers."
    )
    votes = Votes(example, annotator, answer, len(example_names), len(annotator_names), len(class_names))
    return NamedVotes(votes, example_names, annotator_names, class_names)


def _codes(
    values: Sequence[Any], known: Sequence[Any] | None, what: str, fix: str
) -> tuple[Int[np.ndarray, " v"], tuple[Any, ...]]:
    names = tuple(sorted(set(values))) if known is None else tuple(known)
    place = {name: code for code, name in enumerate(names)}
    unknown = sorted({str(value) for value in values if value not in place})
    if unknown:
        shown = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise ValuesError(f"answers about known {what}", f"{len(unknown)} unknown: {shown}", where="votes", fix=fix)
    return np.fromiter((place[value] for value in values), dtype=np.int64, count=len(values)), names
