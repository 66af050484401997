"""What every method that scores a head is given, checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

from yori.arrays import check_finite, check_labels, check_length
from yori.errors import ShapeError, ValuesError
from yori.heads.curvature import row_blocks


@dataclass(frozen=True)
class Inputs:
    """Training rows ``(n, d)``, their targets and shares (sum 1); a head ``(c, d+1)``; query rows ``(m, d)`` and answers."""

    rows: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    share: Float[np.ndarray, " n"]
    head: Float[np.ndarray, "c d1"]
    asking: Float[np.ndarray, "m d"]
    answers: Num[np.ndarray, "m ..."]
    link: str
    where: str

    def check_targets(self, targets: Num[np.ndarray, "k ..."], k: int, name: str) -> Num[np.ndarray, "k ..."]:
        """Check other targets of the same kind."""
        return check_targets(targets, k, len(self.head), self.link, name=name, where=self.where)


def check_inputs(
    embeddings: Num[np.ndarray, "..."],
    labels: Num[np.ndarray, "..."],
    weight: Num[np.ndarray, "..."],
    query_embeddings: Num[np.ndarray, "..."],
    query_labels: Num[np.ndarray, "..."],
    *,
    sample_weight: Num[np.ndarray, "..."] | None = None,
    link: str,
    where: str,
    finite_rows: bool = True,
) -> Inputs:
    """Check and convert; embeddings of half precision or integers become float32.

    ``finite_rows=False``: the caller sees NaN in its results (`refuse_nan`), and the embeddings are not read for it alone.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, unknown classes or links, weights that are negative or all zero.
    """
    rows = check_matrix(embeddings, name="embeddings", where=where, finite=finite_rows)
    asking = check_matrix(query_embeddings, name="query_embeddings", where=where)
    head = np.asarray(weight, dtype=np.float64)
    if head.ndim != 2 or head.shape[1] != rows.shape[1] + 1 or asking.shape[1] != rows.shape[1]:
        raise ShapeError(
            f"weight of shape (c, {rows.shape[1] + 1}) and query_embeddings of shape (m, {rows.shape[1]})",
            f"shapes {head.shape} and {asking.shape}",
            where=where,
        )
    check_finite(head, name="weight", where=where)
    if link not in ("softmax", "sigmoid"):
        raise ValuesError("link 'softmax' or 'sigmoid'", repr(link), where=where)
    targets = check_targets(labels, len(rows), len(head), link, name="labels", where=where)
    answers = check_targets(query_labels, len(asking), len(head), link, name="query_labels", where=where)
    share = check_share(sample_weight, len(rows), where=where).astype(rows.dtype)
    return Inputs(rows, targets, share, head, asking, answers, link, where)


def check_matrix(
    array: Num[np.ndarray, "..."], *, name: str, where: str, finite: bool = True
) -> Float[np.ndarray, "n d"]:
    """``(n, d)`` float32 or float64, finite; checked in row blocks, so that a memory-mapped file stays on disk."""
    matrix = np.asarray(array)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(f"{name} of shape (n, d)", f"shape {matrix.shape}", where=where)
    if matrix.dtype not in (np.float32, np.float64):
        check_finite(matrix, name=name, where=where)
        return matrix.astype(np.float32)
    for block in row_blocks(matrix) if finite else ():
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = not np.isfinite(matrix[block].sum())  # cheaper than a mask; only a bad block is looked at closely
        bad = ~np.isfinite(matrix[block]).all(axis=1) if suspect else np.zeros(0, dtype=np.bool_)
        if bad.any():
            raise ValuesError(
                f"finite numbers in {name}",
                f"NaN or infinity in row {block.start + int(bad.argmax())}",
                where=where,
                fix="Remove or impute these rows first.",
            )
    return matrix


def refuse_nan(scores: Float[np.ndarray, " n"], *, where: str) -> None:
    """Raise `ValuesError` where a score is NaN or infinite: so was a number in its row."""
    finite = np.isfinite(scores)
    if not finite.all():
        row = int((~finite).argmax())
        raise ValuesError(
            "finite numbers in embeddings",
            f"NaN, infinity or overflow in row {row} ({int((~finite).sum())} rows in all)",
            where=where,
            fix="Remove or impute these rows first.",
        )


def check_share(sample_weight: Num[np.ndarray, "..."] | None, n: int, *, where: str) -> Float[np.ndarray, " n"]:
    """``(n,)`` weights that sum to 1; equal ones by default."""
    if sample_weight is None:
        return np.full(n, 1 / n)
    weights = np.asarray(sample_weight, dtype=np.float64)
    check_length(weights, n, name="sample_weight", where=where)
    check_finite(weights, name="sample_weight", where=where)
    negative: Bool[np.ndarray, " n"] = weights < 0
    if weights.ndim != 1 or negative.any() or not weights.sum() > 0:
        raise ValuesError("sample_weight (n,) ≥ 0 with a positive sum", f"a sum of {weights.sum():g}", where=where)
    share: Float[np.ndarray, " n"] = weights / weights.sum()
    return share


def check_targets(
    labels: Num[np.ndarray, "..."], n: int, classes: int, link: str, *, name: str, where: str
) -> Num[np.ndarray, "n ..."]:
    """Labels ``(n,)`` of a softmax head, or multi-hot ``(n, c)`` of a sigmoid head."""
    array = np.asarray(labels)
    check_length(array, n, name=name, where=where)
    if link == "softmax":
        return check_labels(array, classes, name=name, where=where)
    if array.shape != (n, classes):
        raise ShapeError(f"{name} of shape {(n, classes)}", f"shape {array.shape}", where=where)
    if not np.isin(array, (0, 1)).all():
        raise ValuesError(f"{name} of 0 and 1", "other values", where=where)
    return array
