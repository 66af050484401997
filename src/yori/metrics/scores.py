"""Proper scores of probabilities, and each example's share of them.

The per-example arrays are exact: their mean is the score, so the difference of two models on the same rows is a mean of
paired differences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from yori.arrays import Confidence, Correct, Labels, Probs, check_labels, check_length, check_probs
from yori.errors import ValuesError
from yori.metrics.outcomes import check_probability_of_correct
from yori.metrics.ranking import rank

NLL_CLIP = 1e-12
"""Probabilities of the true class below this count as this in the negative log-likelihood."""


def negative_log_likelihood(probs: Probs, labels: Labels, *, clip: float = NLL_CLIP) -> float:
    """Mean negative log probability of the true class, in nats (lower is better).

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.
    clip
        Probabilities below ``clip`` count as ``clip``, so that one row given probability 0 costs 27.6 and not infinity.
        With ``clip=0`` the value can be ``inf``.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a row does not sum to 1, a label is no class, or ``clip`` is outside ``[0, 1)``.

    Examples
    --------
    >>> round(negative_log_likelihood(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])), 6)
    0.490415
    """
    return float(per_example_nll(probs, labels, clip=clip).mean())


def brier_score(probs: Probs, labels: Labels) -> float:
    """Mean squared distance of the probabilities from the one-hot label, summed over classes (lower is better).

    In ``[0, 2]``. For two classes this is twice scikit-learn's default, which looks at one class only.

    Parameters
    ----------
    probs
        Shape ``(n, c)``. Rows sum to 1.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a row does not sum to 1, or a label is no class.

    References
    ----------
    Brier, Monthly Weather Review 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> brier_score(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1]))
    0.3125
    """
    return float(per_example_brier(probs, labels).mean())


def per_example_nll(probs: Probs, labels: Labels, *, clip: float = NLL_CLIP) -> Float[np.ndarray, " n"]:
    """Negative log probability of the true class of each row; the mean is `negative_log_likelihood`.

    Parameters
    ----------
    probs, labels, clip
        As `negative_log_likelihood`.

    Returns
    -------
    Shape ``(n,)``, each at least 0.

    Raises
    ------
    ShapeError, ValuesError
        As `negative_log_likelihood`.

    Examples
    --------
    >>> per_example_nll(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 0])).round(4)
    array([ 0.6931, 27.631 ])
    """
    if not 0 <= clip < 1:
        raise ValuesError("a clip in [0, 1)", f"{clip}", where="per_example_nll")
    rows, classes = _read(probs, labels, where="negative_log_likelihood")
    true = np.clip(rows[np.arange(len(rows)), classes], clip, 1)
    with np.errstate(divide="ignore"):  # clip=0 asks for the infinity
        losses: Float[np.ndarray, " n"] = -np.log(true)
    return losses + 0.0  # no -0.0


def per_example_brier(probs: Probs, labels: Labels) -> Float[np.ndarray, " n"]:
    """Squared distance of each row from its one-hot label; the mean is `brier_score`.

    Parameters
    ----------
    probs, labels
        As `brier_score`.

    Returns
    -------
    Shape ``(n,)``, each in ``[0, 2]``.

    Raises
    ------
    ShapeError, ValuesError
        As `brier_score`.

    Examples
    --------
    >>> per_example_brier(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 0]))
    array([0.5, 2. ])
    """
    rows, classes = _read(probs, labels, where="brier_score")
    # The row is squared whole and put right at the label, which needs no one-hot matrix.
    each = np.arange(len(rows))
    off = rows.copy()
    off[each, classes] -= 1
    squared: Float[np.ndarray, " n"] = np.einsum("nc,nc->n", off, off)
    return squared


def per_example_error(probs: Probs, labels: Labels) -> Float[np.ndarray, " n"]:
    """Return 1 where the most probable class is not the label, 0 where it is; the mean is the error rate.

    Parameters
    ----------
    probs, labels
        As `brier_score`. Among equally probable classes the lowest index is the prediction.

    Returns
    -------
    Shape ``(n,)``, each 0 or 1.

    Raises
    ------
    ShapeError, ValuesError
        As `brier_score`.

    Examples
    --------
    >>> per_example_error(np.array([[0.6, 0.4], [0.1, 0.9]]), np.array([0, 0]))
    array([0., 1.])
    """
    rows, classes = _read(probs, labels, where="per_example_error")
    return (rows.argmax(axis=1) != classes).astype(np.float64)


class BrierParts(NamedTuple):
    """Murphy's parts of a Brier score: ``score = reliability − resolution + uncertainty``."""

    reliability: float
    resolution: float
    uncertainty: float


def brier_parts(confidence: Confidence, correct: Correct) -> BrierParts:
    """Split the Brier score of the predicted class, ``mean((confidence − correct)²)``, into Murphy's three parts.

    Reliability (lower is better) is the squared gap between confidence and accuracy among rows of one confidence;
    resolution (higher is better) is how far those accuracies spread around the overall accuracy ``a``; uncertainty is
    ``a (1 − a)``, which no model can change. Rows are grouped by their exact confidence, so the sum is exact; where all
    confidences differ, resolution equals uncertainty and the parts say little.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Probability of being right, in ``[0, 1]``.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a confidence lies outside ``[0, 1]``.

    References
    ----------
    Murphy, Journal of Applied Meteorology 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2.

    Examples
    --------
    >>> parts = brier_parts(np.array([0.5, 0.5, 1.0, 1.0]), np.array([True, False, True, True]))
    >>> parts
    BrierParts(reliability=0.0, resolution=0.0625, uncertainty=0.1875)
    """
    scores, right = check_probability_of_correct(confidence, correct, where="brier_parts")
    ranking = rank(scores, right)
    accepted, errors = ranking.distinct()
    size = np.diff(accepted, prepend=0)
    hits = size - np.diff(errors, prepend=0)
    n, accuracy = len(scores), float(right.mean())
    stated = ranking.confidence()[accepted - 1]
    return BrierParts(
        float(np.dot(size, (stated - hits / size) ** 2)) / n,
        float(np.dot(size, (hits / size - accuracy) ** 2)) / n,
        accuracy * (1 - accuracy),
    )


def _read(probs: Probs, labels: Labels, *, where: str) -> tuple[Probs, Labels]:
    rows = check_probs(probs, where=where)
    check_length(np.asarray(labels), len(rows), name="labels", where=where)
    return rows, check_labels(labels, rows.shape[1], where=where)
