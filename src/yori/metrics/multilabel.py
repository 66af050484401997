"""Scores for heads that give several labels per row: every class is a yes-or-no decision of its own.

``probs`` is ``(n, c)``, one probability per class, rows need not sum to 1; ``targets`` is ``(n, c)``, true where the class
applies. *Per class* gives ``(c,)``; *macro* is the mean over classes; *micro* pools all n · c decisions, so frequent classes
weigh more.

References
----------
Average precision as the step sum of precision over recall: Manning, Raghavan, Schütze, "Introduction to information
retrieval", Cambridge 2008, chapter 8.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.errors import ShapeError, ValuesError
from yori.metrics.confidence import check_class_probs
from yori.metrics.ranking import rank
from yori.metrics.scores import NLL_CLIP

Targets: TypeAlias = Bool[np.ndarray, "n c"] | Int[np.ndarray, "n c"]
Average: TypeAlias = Literal["macro", "micro"]


def average_precision_per_class(probs: Float[np.ndarray, "n c"], targets: Targets) -> Float[np.ndarray, " c"]:
    """Average precision of each class (higher is better).

    Rows are taken from high to low probability, equal ones together; each step adds the precision so far times the gain in
    recall.

    Parameters
    ----------
    probs
        Shape ``(n, c)``, in ``[0, 1]``.
    targets
        Shape ``(n, c)``. True (1) where the class applies.

    Returns
    -------
    Shape ``(c,)`` in ``[0, 1]``; NaN for a class that applies to no row, which has no recall.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a probability lies outside ``[0, 1]``, or a target is neither 0 nor 1.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.6, 0.8], [0.3, 0.7]])
    >>> average_precision_per_class(probs, np.array([[1, 0], [0, 0], [1, 1]])).round(4)
    array([0.8333, 0.5   ])
    """
    rows, answers = _read(probs, targets, where="average_precision_per_class")
    return np.array([_average_precision(rows[:, k], answers[:, k]) for k in range(rows.shape[1])])


def mean_average_precision(
    probs: Float[np.ndarray, "n c"], targets: Targets, *, average: Average = "macro", skip_absent: bool = False
) -> float:
    """Mean average precision, mAP (higher is better).

    Parameters
    ----------
    probs
        Shape ``(n, c)``, in ``[0, 1]``.
    targets
        Shape ``(n, c)``. True (1) where the class applies.
    average
        ``"macro"``: mean over classes. ``"micro"``: one ranking of all n · c decisions.
    skip_absent
        Leave classes that apply to no row out of the macro mean, instead of refusing them.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`; if nothing applies to any row; and, for ``"macro"`` without ``skip_absent``, if some
        class applies to no row.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.6, 0.8], [0.3, 0.7]])
    >>> round(mean_average_precision(probs, np.array([[1, 0], [0, 0], [1, 1]])), 6)
    0.666667
    """
    where = "mean_average_precision"
    _check_average(average, where=where)
    rows, answers = _read(probs, targets, where=where)
    present = answers.any(axis=0)
    if not present.any():
        raise ValuesError("a class that applies to some row", "targets that are all false", where=where)
    if average == "micro":
        return _average_precision(rows.ravel(), answers.ravel())
    if not skip_absent and not present.all():
        raise ValuesError(
            "every class to apply to some row",
            f"class {int((~present).argmax())} and {int((~present).sum()) - 1} more without one",
            where=where,
            fix="Pass skip_absent=True to average over the others, and say so.",
        )
    return float(np.mean([_average_precision(rows[:, k], answers[:, k]) for k in np.flatnonzero(present)]))


def f1_per_class(
    probs: Float[np.ndarray, "n c"], targets: Targets, *, threshold: float = 0.5
) -> Float[np.ndarray, " c"]:
    """F1 of each class with ``probs >= threshold`` as the prediction (higher is better).

    Parameters
    ----------
    probs
        Shape ``(n, c)``, in ``[0, 1]``.
    targets
        Shape ``(n, c)``. True (1) where the class applies.
    threshold
        In ``[0, 1]``.

    Returns
    -------
    Shape ``(c,)`` in ``[0, 1]``; NaN for a class that is neither predicted nor applies anywhere.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`.

    Examples
    --------
    >>> f1_per_class(np.array([[0.9, 0.1], [0.6, 0.8]]), np.array([[1, 0], [0, 1]])).round(4)
    array([0.6667, 1.    ])
    """
    hits, occurs = _hits(probs, targets, threshold, where="f1_per_class")
    return np.where(occurs > 0, 2 * hits / np.maximum(occurs, 1), np.nan)


def multilabel_f1(
    probs: Float[np.ndarray, "n c"], targets: Targets, *, average: Average = "macro", threshold: float = 0.5
) -> float:
    """F1 over all classes with ``probs >= threshold`` as the prediction (higher is better).

    Parameters
    ----------
    probs, targets, threshold
        As `f1_per_class`.
    average
        ``"macro"``: mean over the classes that are predicted or apply somewhere. ``"micro"``: all decisions pooled.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`, and if nothing is predicted and nothing applies.

    Examples
    --------
    >>> multilabel_f1(np.array([[0.9, 0.1], [0.6, 0.8]]), np.array([[1, 0], [0, 1]]), average="micro")
    0.8
    """
    _check_average(average, where="multilabel_f1")
    hits, occurs = _hits(probs, targets, threshold, where="multilabel_f1")
    if not occurs.any():
        raise ValuesError("a class that is predicted or applies somewhere", "none", where="multilabel_f1")
    if average == "micro":
        return float(2 * hits.sum() / occurs.sum())
    return float((2 * hits[occurs > 0] / occurs[occurs > 0]).mean())


def label_set_correct(probs: Float[np.ndarray, "n c"], targets: Targets) -> Bool[np.ndarray, " n"]:
    """Whether the whole predicted label set of a row is right; the partner of `yori.metrics.label_set_confidence`.

    A class is predicted where its probability is at least one half.

    Parameters
    ----------
    probs, targets
        As `average_precision_per_class`.

    Returns
    -------
    Shape ``(n,)``.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`.

    Examples
    --------
    >>> label_set_correct(np.array([[0.9, 0.1], [0.6, 0.8]]), np.array([[1, 0], [0, 1]]))
    array([ True, False])
    """
    rows, answers = _read(probs, targets, where="label_set_correct")
    right: Bool[np.ndarray, " n"] = ((rows >= 0.5) == answers).all(axis=1)
    return right


def per_example_multilabel_nll(
    probs: Float[np.ndarray, "n c"], targets: Targets, *, clip: float = NLL_CLIP
) -> Float[np.ndarray, " n"]:
    """Negative log probability of each row's label set, summed over classes, in nats (lower is better).

    Parameters
    ----------
    probs, targets
        As `average_precision_per_class`.
    clip
        Probabilities of the right answer below ``clip`` count as ``clip``.

    Returns
    -------
    Shape ``(n,)``. The mean is the negative log-likelihood.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`, and if ``clip`` lies outside ``[0, 1)``.

    Examples
    --------
    >>> per_example_multilabel_nll(np.array([[0.5, 0.5]]), np.array([[1, 0]])).round(4)
    array([1.3863])
    """
    if not 0 <= clip < 1:
        raise ValuesError("a clip in [0, 1)", f"{clip}", where="per_example_multilabel_nll")
    rows, answers = _read(probs, targets, where="per_example_multilabel_nll")
    with np.errstate(divide="ignore"):  # clip=0 asks for the infinity
        losses: Float[np.ndarray, " n"] = -np.log(np.maximum(np.where(answers, rows, 1 - rows), clip)).sum(axis=1)
    return losses + 0.0


def per_example_multilabel_brier(probs: Float[np.ndarray, "n c"], targets: Targets) -> Float[np.ndarray, " n"]:
    """Squared distance of each row from its targets, summed over classes (lower is better).

    Parameters
    ----------
    probs, targets
        As `average_precision_per_class`.

    Returns
    -------
    Shape ``(n,)`` in ``[0, c]``.

    Raises
    ------
    ShapeError, ValuesError
        As `average_precision_per_class`.

    Examples
    --------
    >>> per_example_multilabel_brier(np.array([[0.5, 1.0]]), np.array([[1, 0]]))
    array([1.25])
    """
    rows, answers = _read(probs, targets, where="per_example_multilabel_brier")
    squared: Float[np.ndarray, " n"] = ((rows - answers) ** 2).sum(axis=1)
    return squared


def _average_precision(scores: Float[np.ndarray, " m"], applies: Bool[np.ndarray, " m"]) -> float:
    positives = int(np.count_nonzero(applies))
    if not positives:
        return float("nan")
    taken, others = rank(scores, applies).distinct()
    hits = taken - others
    return float(np.dot(hits / taken, np.diff(hits, prepend=0)) / positives)


def _hits(
    probs: Float[np.ndarray, "n c"], targets: Targets, threshold: float, *, where: str
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Return per class the hits, and the rows predicted plus the rows labelled so."""
    if not 0 <= threshold <= 1:
        raise ValuesError("a threshold in [0, 1]", f"{threshold}", where=where)
    rows, answers = _read(probs, targets, where=where)
    predicted = rows >= threshold
    return (predicted & answers).sum(axis=0), predicted.sum(axis=0) + answers.sum(axis=0)


def _check_average(average: str, *, where: str) -> None:
    if average not in ("macro", "micro"):
        raise ValuesError("one of macro, micro", f"{average!r}", where=where)


def _read(
    probs: Float[np.ndarray, "n c"], targets: Targets, *, where: str
) -> tuple[Float[np.ndarray, "n c"], Bool[np.ndarray, "n c"]]:
    rows, answers = check_class_probs(probs, where=where), np.asarray(targets)
    if answers.shape != rows.shape:
        raise ShapeError(f"targets of shape {rows.shape}", f"shape {answers.shape}", where=where)
    if answers.dtype.kind not in "biuf" or not ((answers == 0) | (answers == 1)).all():
        raise ValuesError("targets as 0 and 1", f"other values of dtype {answers.dtype}", where=where)
    return rows, answers.astype(np.bool_)
