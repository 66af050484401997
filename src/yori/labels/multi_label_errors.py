"""Label errors where an example has several labels: a label that is missing, and one that should not be there.

Each class is a question with the answers *has it* and *has it not*; `join_witnesses` answers them one by one, so every class
has its own rates of missing and of superfluous labels. An example is doubtful if any of its answers is:
``1 − Π_k (1 − p_k)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.arrays import check_finite, check_length
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS, Spectrum
from yori.labels.find_label_errors import DRAWS, PENALTIES, TOLERANCE
from yori.labels.label_errors import join_witnesses
from yori.labels.neighbours import evenly_spaced_voters, neighbour_shares
from yori.labels.out_of_fold import FOLDS, out_of_fold_logits
from yori.splits import group_folds

WHERE = "multi_label_errors"


@dataclass(frozen=True)
class MultiLabelErrors:
    """``cells``: ``(n, c)`` probability that this answer is wrong. ``probability``: ``(n,)`` that any is.

    ``worst``: ``(n,)`` the class whose answer is the most doubtful.
    """

    cells: Float[np.ndarray, "n c"]
    probability: Float[np.ndarray, " n"]
    worst: Int[np.ndarray, " n"]

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """Positions from the most to the least doubtful example."""
        order: Int[np.ndarray, " n"] = np.argsort(-self.probability, kind="stable")
        return order


def join_multi_label_witnesses(
    probs: Float[np.ndarray, "n c"],
    targets: Num[np.ndarray, "n c"],
    *,
    votes: Float[np.ndarray, "n c"] | None = None,
    sources: Shaped[np.ndarray, " n"] | None = None,
) -> MultiLabelErrors:
    """Apply the rule to every class.

    Parameters
    ----------
    probs
        ``(n, c)`` out-of-fold probability that the example has the label; rows need not sum to 1.
    targets
        ``(n, c)`` zeros and ones.
    votes
        ``(n, c)`` share of the nearest examples that have the label.
    sources
        As in `join_witnesses`.

    Raises
    ------
    ShapeError, ValuesError
        If arrays do not fit together, or hold anything but probabilities and zeros and ones.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]])
    >>> targets = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    >>> found = join_multi_label_witnesses(probs, targets)
    >>> int(found.order[0]), int(found.worst[1])                                # the second misses its second label
    (1, 1)
    """
    array, answers = np.asarray(probs), np.asarray(targets)
    if array.ndim != 2 or 0 in array.shape or answers.shape != array.shape:
        raise ShapeError("probs and targets of shape (n, c)", f"{array.shape} and {answers.shape}", where=WHERE)
    check_finite(array, name="probs", where=WHERE)
    if array.min() < -1e-3 or array.max() > 1 + 1e-3:
        raise ValuesError("probabilities in 0 … 1", f"{array.min():.6g} … {array.max():.6g}", where=WHERE)
    if not np.isin(answers, (0, 1)).all():
        raise ValuesError("targets of 0 and 1", f"{answers[~np.isin(answers, (0, 1))][0]!r}", where=WHERE)
    if votes is not None and np.shape(votes) != array.shape:
        raise ShapeError(f"votes of shape {array.shape}", f"shape {np.shape(votes)}", where=WHERE)
    array = np.clip(array.astype(np.float64), 0, 1)
    cells = np.empty(array.shape)
    for k in range(array.shape[1]):
        two = np.stack([1 - array[:, k], array[:, k]], axis=1)
        shares = None if votes is None else np.stack([1 - votes[:, k], votes[:, k]], axis=1)
        cells[:, k] = join_witnesses(two, answers[:, k].astype(np.int64), votes=shares, sources=sources).probability
    probability = -np.expm1(np.log1p(-np.minimum(cells, 1 - 1e-12)).sum(axis=1))
    return MultiLabelErrors(cells, probability, cells.argmax(axis=1))


def find_multi_label_errors(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n c"],
    groups: Shaped[np.ndarray, " n"],
    *,
    l2: float,
    rng: np.random.Generator,
    sources: Shaped[np.ndarray, " n"] | None = None,
    draws: int = DRAWS,
    folds: int = FOLDS,
) -> MultiLabelErrors:
    """Doubt labels where an example may have several: makes heads and neighbours, then joins them.

    Parameters
    ----------
    embeddings, targets, groups
        ``(n, d)``; ``(n, c)`` zeros and ones; ``(n,)``.
    l2
        Penalty of the heads.
    rng
        Draws the folds.
    sources, draws, folds
        As in `find_label_errors`.

    Raises
    ------
    ShapeError, ValuesError
        If arrays do not fit together or hold NaN.
    SplitError
        If there are fewer groups than folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 3))
    >>> targets = (x[:, :2] > 0).astype(int)
    >>> row = int(x[:, 0].argmax())
    >>> targets[row, 0] = 0
    >>> int(find_multi_label_errors(x, targets, np.arange(200), l2=1e-3, rng=rng).order[0]) == row
    True
    """
    x, answers = np.asarray(embeddings), np.asarray(targets)
    if answers.ndim != 2 or x.ndim != 2 or 0 in answers.shape:
        raise ShapeError("embeddings (n, d) and targets (n, c)", f"shapes {x.shape} and {answers.shape}", where=WHERE)
    check_length(answers, len(x), name="targets", where=WHERE)
    check_length(np.asarray(groups), len(x), name="groups", where=WHERE)
    n, classes = answers.shape
    spectrum = Spectrum.of(x)
    probs = np.zeros((n, classes))
    # The rarest label of an example is its stratum; none is one more.
    rarity = np.argsort(np.argsort(-answers.sum(axis=0), kind="stable"), kind="stable") + 1
    strata = np.where(answers.any(axis=1), (answers * rarity).argmax(axis=1), classes)
    for draw in range(draws):
        fold = group_folds(strata, np.asarray(groups), folds, rng=rng)
        logits = out_of_fold_logits(
            x, answers, fold, classes=classes, l2=l2 * PENALTIES[draw % len(PENALTIES)], link="sigmoid",
            spectrum=spectrum, tolerance=TOLERANCE,
        )  # fmt: skip
        probs += LINKS["sigmoid"].probs(logits.astype(np.float64)) / draws
    votes = neighbour_shares(x, answers, np.asarray(groups), np.arange(n), voters=evenly_spaced_voters(n))
    return join_multi_label_witnesses(probs, answers, votes=votes, sources=sources)
