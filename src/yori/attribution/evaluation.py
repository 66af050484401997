"""How far scores can be believed, on the user's own data: a head is cheap to refit, so the truth can be had.

* `agreement`: predicted effects against effects measured by refits (leave-one-out, relabels, groups).
* `linear_datamodeling_score`: do the scores, added up, foretell what heads fitted to random subsets achieve?
* `mislabel_auc`: do the lowest scores find the mistakes, where they are known?
* `removal_curve`: what happens as the lowest, or the highest, are left out?

References
----------
Park et al., ICML 2023, section 4 (linear datamodeling score). Ilyas et al., "Datamodels", ICML 2022. Ghorbani & Zou, ICML 2019
(removal curves).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from yori.arrays import check_length
from yori.attribution.objectives import Objective, query
from yori.errors import ShapeError, ValuesError
from yori.heads import fit_softmax
from yori.heads.curvature import Spectrum

FIT_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Agreement:
    """Predicted against measured. ``slope``: measured per unit of predicted, 1 = right size. ``error``: relative."""

    pearson: float
    spearman: float
    slope: float
    error: float


def agreement(predicted: Float[np.ndarray, " k"], measured: Float[np.ndarray, " k"]) -> Agreement:
    """Compare effects predicted with effects measured; correlations are NaN where one side is constant.

    Examples
    --------
    >>> found = agreement(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    >>> round(found.pearson, 6), round(found.slope, 6), round(found.error, 6)
    (1.0, 2.0, 0.5)
    """
    check_length(measured, len(predicted), name="measured", where="agreement")
    if len(predicted) < 2:
        raise ShapeError("at least two effects", f"{len(predicted)}", where="agreement")
    size, truth = float(predicted @ predicted), float(np.linalg.norm(measured))
    return Agreement(
        pearson=_correlation(predicted, measured),
        spearman=_correlation(rankdata(predicted), rankdata(measured)),
        slope=float(predicted @ measured) / size if size else float("nan"),
        error=float(np.linalg.norm(predicted - measured)) / truth if truth else float("nan"),
    )


def subset_outcomes(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Int[np.ndarray, " m"],
    *,
    classes: int,
    l2: float,
    rng: np.random.Generator,
    objective: str | Objective = "nll",
    subsets: int = 50,
    share: float = 0.5,
) -> tuple[Bool[np.ndarray, "s n"], Float[np.ndarray, " s"]]:
    """Fit a head to each of several random subsets and see what it achieves.

    Returns
    -------
    ``(taking, outcomes)``: which examples took part, ``(s, n)``, and the objective of the head fitted to them, ``(s,)``.

    Raises
    ------
    ValuesError
        If ``share`` is not inside (0, 1) or ``subsets < 2``.
    """
    if not 0 < share < 1 or subsets < 2:
        raise ValuesError("0 < share < 1 and subsets ≥ 2", f"{share} and {subsets}", where="subset_outcomes")
    n = len(labels)
    spectrum = Spectrum.of(embeddings)
    taking = np.zeros((subsets, n), dtype=np.bool_)
    outcomes = np.empty(subsets)
    weight: Float[np.ndarray, "c d1"] | None = None
    for each in range(subsets):
        taking[each, rng.choice(n, max(1, round(share * n)), replace=False)] = True
        weight = fit_softmax(
            embeddings, labels, l2=l2, classes=classes, sample_weight=taking[each].astype(np.float64), init=weight,
            spectrum=spectrum, tolerance=FIT_TOLERANCE,
        ).weight  # fmt: skip
        outcomes[each] = query(objective, query_embeddings, query_labels, weight).value
    return taking, outcomes


def linear_datamodeling_score(
    scores: Float[np.ndarray, " n"], taking: Bool[np.ndarray, "s n"], outcomes: Float[np.ndarray, " s"]
) -> float:
    """Spearman correlation of the scores' sum over each subset with what the subset achieves (minus the objective).

    Parameters
    ----------
    scores
        ``(n,)``, positive = helps.
    taking, outcomes
        From `subset_outcomes`; the objective, lower is better.

    Returns
    -------
    float in ``[-1, 1]``, 1 = the sums put the subsets in their true order. Departure from the paper: one objective over all
    query examples rather than the mean over single ones.

    Examples
    --------
    >>> taking = np.array([[True, False], [False, True], [True, True]])
    >>> round(linear_datamodeling_score(np.array([1.0, 2.0]), taking, np.array([0.9, 0.5, 0.1])), 6)
    1.0
    """
    check_length(scores, taking.shape[1], name="scores", where="linear_datamodeling_score")
    check_length(outcomes, len(taking), name="outcomes", where="linear_datamodeling_score")
    return _correlation(rankdata(taking @ scores), rankdata(-outcomes))


def mislabel_auc(scores: Float[np.ndarray, " n"], wrong: Bool[np.ndarray, " n"]) -> float:
    """Probability that a wrong example scores below a right one (ties half): 1 = all mistakes at the bottom, ½ = chance.

    Examples
    --------
    >>> mislabel_auc(np.array([-2.0, 1.0, 3.0]), np.array([True, False, False]))
    1.0
    """
    check_length(wrong, len(scores), name="wrong", where="mislabel_auc")
    bad = int(wrong.sum())
    if not 0 < bad < len(wrong):
        raise ValuesError("both wrong and right examples", f"{bad} wrong of {len(wrong)}", where="mislabel_auc")
    ranks = rankdata(scores)
    above = float(ranks[wrong].sum()) - bad * (bad + 1) / 2
    return 1 - above / (bad * (len(wrong) - bad))


def removal_curve(
    scores: Float[np.ndarray, " n"],
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Int[np.ndarray, " m"],
    *,
    classes: int,
    l2: float,
    shares: Sequence[float] = (0.0, 0.005, 0.01, 0.02, 0.05),
    lowest: bool = True,
    objective: str | Objective = "nll",
) -> Float[np.ndarray, " k"]:
    """Objective of heads refitted without the lowest (or highest) scores; good scores make it fall (or rise).

    Parameters
    ----------
    shares
        Of the examples left out, each in ``[0, 1)``.

    Returns
    -------
    ``(len(shares),)``.
    """
    check_length(scores, len(labels), name="scores", where="removal_curve")
    if any(not 0 <= share < 1 for share in shares):
        raise ValuesError("shares in [0, 1)", f"{shares}", where="removal_curve")
    order = np.argsort(scores if lowest else -scores, kind="stable")
    spectrum = Spectrum.of(embeddings)
    values = np.empty(len(shares))
    weight: Float[np.ndarray, "c d1"] | None = None
    for position, share in enumerate(shares):
        keep = np.ones(len(labels))
        keep[order[: min(len(labels) - 1, round(share * len(labels)))]] = 0
        weight = fit_softmax(
            embeddings, labels, l2=l2, classes=classes, sample_weight=keep, init=weight, spectrum=spectrum,
            tolerance=FIT_TOLERANCE,
        ).weight  # fmt: skip
        values[position] = query(objective, query_embeddings, query_labels, weight).value
    return values


def _correlation(a: Float[np.ndarray, " k"], b: Float[np.ndarray, " k"]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / scale, -1, 1)) if scale else float("nan")
