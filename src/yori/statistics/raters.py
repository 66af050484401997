"""Do people (or models) give the same labels? Cohen's and Fleiss' kappa, Krippendorff's alpha.

All are 1 for full agreement, 0 for what chance gives, negative below. All refuse labels of a single class: agreement
beyond chance is then 0/0, not 1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int, Shaped

from yori.arrays import check_length
from yori.errors import ShapeError, ValuesError

WEIGHTS = (None, "linear", "quadratic")


def cohen_kappa(
    first: Shaped[np.ndarray, " n"], second: Shaped[np.ndarray, " n"], *, weights: str | None = None
) -> float:
    """Agreement of two raters beyond chance.

    Parameters
    ----------
    first, second
        Shape ``(n,)``. Labels of the same items: numbers or strings.
    weights
        None: two labels agree or not. ``"linear"`` or ``"quadratic"``: classes are ordered (as they sort) and a miss
        costs its distance, or its square.

    Raises
    ------
    ShapeError, ValuesError
        If lengths differ, ``n == 0``, both use one single class, or the weights are not known.

    References
    ----------
    Cohen, Educational and Psychological Measurement 1960, doi:10.1177/001316446002000104.

    Examples
    --------
    >>> import numpy as np
    >>> round(cohen_kappa(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 2])), 4)
    0.6875
    """
    where = "cohen_kappa"
    if weights not in WEIGHTS:
        raise ValuesError("weights out of None, linear, quadratic", repr(weights), where=where)
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or len(a) == 0:
        raise ShapeError("labels of shape (n,) with n ≥ 1", f"shape {a.shape}", where=where)
    check_length(b, len(a), name="second", where=where)
    classes, code = np.unique(np.concatenate([a, b]), return_inverse=True)
    _refuse_one_class(len(classes), where)
    c, n = len(classes), len(a)
    table = np.bincount(code[:n] * c + code[n:], minlength=c * c).reshape(c, c) / n
    apart = np.abs(np.subtract.outer(np.arange(c), np.arange(c))).astype(np.float64)
    cost = {None: (apart > 0).astype(np.float64), "linear": apart, "quadratic": apart**2}[weights]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float(1.0 - (cost * table).sum() / (cost * expected).sum())


def fleiss_kappa(counts: Int[np.ndarray, "n c"]) -> float:
    """Agreement of several raters beyond chance, each item rated by the same number of raters.

    Parameters
    ----------
    counts
        Shape ``(n, c)``. How many raters gave item *i* the class *k*; every row has the same sum, of at least 2. The
        raters may be different people from item to item.

    Raises
    ------
    ShapeError, ValuesError
        If the shape is wrong, a count is negative or no whole number, rows have different sums, or one class got all
        votes.

    References
    ----------
    Fleiss, Psychological Bulletin 1971, doi:10.1037/h0031619.

    Examples
    --------
    >>> import numpy as np
    >>> round(fleiss_kappa(np.array([[3, 0], [2, 1], [0, 3], [0, 3]])), 4)
    0.6571
    """
    where = "fleiss_kappa"
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[0] == 0 or table.shape[1] < 2:
        raise ShapeError("counts of shape (n, c) with n ≥ 1 and c ≥ 2", f"shape {table.shape}", where=where)
    if table.dtype.kind not in "iu" or (table < 0).any():
        raise ValuesError("counts as whole numbers ≥ 0", f"dtype {table.dtype}, least {table.min()}", where=where)
    votes = table.sum(axis=1)
    if votes.min() != votes.max() or votes[0] < 2:
        raise ValuesError(
            "the same number of raters, of at least 2, for every item",
            f"between {votes.min()} and {votes.max()}",
            where=where,
            fix="Use krippendorff_alpha when ratings are missing.",
        )
    share = table.sum(axis=0) / table.sum()
    _refuse_one_class(int((share > 0).sum()), where)
    r = float(votes[0])
    observed = float(((table.astype(np.float64) ** 2).sum(axis=1) - r).mean()) / (r * (r - 1))
    expected = float((share**2).sum())
    return (observed - expected) / (1 - expected)


def krippendorff_alpha(ratings: Shaped[np.ndarray, "n r"], *, rated: Bool[np.ndarray, "n r"] | None = None) -> float:
    """Agreement of several raters beyond chance, nominal labels, missing ratings allowed.

    Items with fewer than two ratings say nothing about agreement and are left out.

    Parameters
    ----------
    ratings
        Shape ``(n, r)``. Label that rater *r* gave item *n*: numbers or strings. NaN in a float array is a missing
        rating.
    rated
        Shape ``(n, r)``. True where a rating exists, for arrays that cannot hold NaN. Values elsewhere are ignored.

    Raises
    ------
    ShapeError, ValuesError
        If the shapes are wrong, no item has two ratings, or all ratings are one class.

    References
    ----------
    Krippendorff, Content Analysis, 4th edition 2018, chapter 12; Hayes, Krippendorff, Communication Methods and
    Measures 2007, doi:10.1080/19312450709336664.

    Examples
    --------
    >>> import numpy as np
    >>> ratings = np.array([[1, 1, np.nan], [2, 2, 2], [1, 2, 1], [np.nan, 1, np.nan]])
    >>> round(krippendorff_alpha(ratings), 4)
    0.5625
    """
    where = "krippendorff_alpha"
    array = np.asarray(ratings)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < 2:
        raise ShapeError("ratings of shape (n, r) with n ≥ 1 and r ≥ 2", f"shape {array.shape}", where=where)
    present = np.ones(array.shape, dtype=np.bool_) if rated is None else np.asarray(rated, dtype=np.bool_)
    if present.shape != array.shape:
        raise ShapeError(f"rated of shape {array.shape}", f"shape {present.shape}", where=where)
    if array.dtype.kind == "f":
        present = present & ~np.isnan(array)
    present = present & (present.sum(axis=1) >= 2)[:, None]
    if not present.any():
        raise ValuesError("an item with two ratings or more", "none", where=where)
    item = np.nonzero(present)[0]
    classes, label = np.unique(array[present], return_inverse=True)
    _refuse_one_class(len(classes), where)
    c = len(classes)
    votes = np.bincount(item * c + label, minlength=array.shape[0] * c).reshape(-1, c).astype(np.float64)
    per_item = votes.sum(axis=1)
    used = per_item > 0
    total, by_class = float(per_item.sum()), votes.sum(axis=0)
    # disagreeing ordered pairs: within items (each item's pairs weigh 1 / (ratings − 1)), and among all ratings
    within = float(((per_item**2 - (votes**2).sum(axis=1))[used] / (per_item[used] - 1)).sum())
    among_all = float(total**2 - (by_class**2).sum()) / (total - 1)
    return 1.0 - within / among_all


def count_ratings(labels: Int[np.ndarray, "n r"], classes: int) -> Int[np.ndarray, "n c"]:
    """Votes per class from labels per rater: what `fleiss_kappa` reads.

    Parameters
    ----------
    labels
        Shape ``(n, r)``. Classes ``0 … classes − 1``.
    classes
        Number of classes *c*.

    Raises
    ------
    ShapeError, ValuesError
        If the shape is wrong or a label lies outside the classes.

    Examples
    --------
    >>> import numpy as np
    >>> count_ratings(np.array([[0, 0, 1], [1, 1, 1]]), classes=2)
    array([[2, 1],
           [0, 3]])
    """
    array = np.asarray(labels)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "iu":
        raise ShapeError(
            "whole-number labels of shape (n, r)", f"shape {array.shape} of {array.dtype}", where="count_ratings"
        )
    if array.min() < 0 or array.max() >= classes:
        raise ValuesError(f"labels in 0 … {classes - 1}", f"{array.min()} … {array.max()}", where="count_ratings")
    n = len(array)
    flat = np.arange(n)[:, None] * classes + array
    counts: Int[np.ndarray, "n c"] = np.bincount(flat.ravel(), minlength=n * classes).reshape(n, classes)
    return counts


def _refuse_one_class(classes: int, where: str) -> None:
    if classes < 2:
        raise ValuesError(
            "labels of at least two classes",
            "a single one",
            where=where,
            fix="Chance agreement is complete then; report the plain share of agreement.",
        )
