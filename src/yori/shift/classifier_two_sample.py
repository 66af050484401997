"""Classifier two-sample test: can a head tell the sample from the reference, on rows it was not trained on?

The same kind of head that is deployed is trained to answer "old or new?". If it can, the world has moved, in a way the
deployed head can see; its score for a row says how much *this* row looks new, which is what the queue wants to know. Rows
are cut into two folds; each head judges the fold it has not seen, and within a fold the sides are permuted while the head
stays. That makes the p-value of each fold exact; two dependent p-values are joined as twice their mean.

References
----------
Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", ICLR 2017, arXiv:1610.06545. Departure: a permutation test of the
area under the curve in place of a normal approximation of the accuracy, and both folds are used.
Rüschendorf, "Random variables with maximum sums", Advances in Applied Probability 1982 (twice the mean of p-values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.errors import ValuesError
from yori.heads import fit_softmax
from yori.shift.relabelling import PERMUTATIONS, Pooled, Statistic, check_rows, permuted_p_value, pool_sides

L2 = 1.0
"""Penalty on standardised embeddings: with few rows and many columns a weak one only learns the rows by heart."""


@dataclass(frozen=True)
class ClassifierResult:
    """What the heads found.

    Attributes
    ----------
    auc
        Chance that a sample row scores above a reference row, out of fold, mean of the folds: 0.5 = cannot tell, 1 = always.
    p_value
        Of "cannot tell".
    newness
        Shape ``(m,)``. How new each sample row looks to the head that has not seen it: the share of reference rows of its
        fold that look less new.
    """

    auc: float
    p_value: float
    newness: Float[np.ndarray, " m"]


def classifier_two_sample(
    reference: Float[np.ndarray, "n d"],
    sample: Float[np.ndarray, "m d"],
    *,
    reference_groups: Shaped[np.ndarray, " n"] | None = None,
    sample_groups: Shaped[np.ndarray, " m"] | None = None,
    l2: float = L2,
    permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> ClassifierResult:
    """Test whether a sample comes from the distribution of the reference, by a head trained to tell them apart.

    Parameters
    ----------
    reference, sample, reference_groups, sample_groups, rng
        As `yori.shift.mmd`; a side needs four units, two for each fold.
    l2
        Penalty of the heads on standardised embeddings.
    permutations
        For each fold.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.shift.mmd`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = classifier_two_sample(rng.normal(0, 1, (200, 4)), rng.normal(0.6, 1, (100, 4)), rng=rng)
    >>> found.p_value <= 0.005, found.auc > 0.7
    (True, True)
    """
    where = "classifier_two_sample"
    first, second = check_rows(reference, sample, where=where)
    pooled = pool_sides(len(first), len(second), reference_groups, sample_groups, where=where)
    rows = np.concatenate([first, second])
    spread = rows.std(axis=0)
    # Standardised over both sides: which side a row is on does not enter.
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    fold = _folds(pooled, rng)
    scores = np.empty(pooled.rows)
    p_values, areas = [], []
    for inside in (fold == 0, fold == 1):
        train = np.flatnonzero(~inside)
        on = pooled.sample[train].astype(np.int64)
        weight = np.where(on == 1, 0.5 / max(on.sum(), 1), 0.5 / max((1 - on).sum(), 1))
        head = fit_softmax(rows[train], on, l2=l2, classes=2, sample_weight=weight, tolerance=1e-3)
        logits = head.logits(rows[inside])
        found = (logits[:, 1] - logits[:, 0]).astype(np.float64)
        scores[inside] = found
        held = Pooled(pooled.sample[inside], np.unique(pooled.unit[inside], return_inverse=True)[1])
        result = permuted_p_value(_area(found), held, permutations=permutations, rng=rng)
        areas.append(result.statistic)
        p_values.append(result.p_value)
    newness = np.empty(len(second))
    place = np.cumsum(pooled.sample) - 1
    for number in (0, 1):
        here = fold == number
        known = np.sort(scores[here & ~pooled.sample])
        asked = here & pooled.sample
        newness[place[asked]] = np.searchsorted(known, scores[asked]) / max(len(known), 1)
    return ClassifierResult(float(np.mean(areas)), min(1.0, 2 * float(np.mean(p_values))), newness)


def _folds(pooled: Pooled, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Half of the units of each side into each fold."""
    units = int(pooled.unit.max()) + 1
    fold = np.empty(units, dtype=np.int64)
    for side in (False, True):
        own = np.unique(pooled.unit[pooled.sample == side])
        if len(own) < 4:
            name = "sample" if side else "reference"
            raise ValuesError(
                f"at least four independent rows or groups in {name}", str(len(own)), where="classifier_two_sample",
                fix="Wait for more, or pass finer groups.",
            )  # fmt: skip
        fold[rng.permutation(own)] = np.arange(len(own)) % 2
    return fold[pooled.unit]


def _area(scores: Float[np.ndarray, " n"]) -> Statistic:
    """Area under the curve for many assignments of sides, ties halved, by rank sums."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = ((last - counts + 1 + last) / 2)[inverse]

    def area(sides: Bool[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        m = sides.sum(axis=1)
        return (sides @ rank - m * (m + 1) / 2) / np.maximum(m * (sides.shape[1] - m), 1)

    return area
