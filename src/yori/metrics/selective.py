"""The risk-coverage family: what an abstaining classifier gets wrong on the rows it still answers.

Rows are accepted from the most to the least trusted one. Coverage is the part accepted, the selective risk is the part of
the accepted rows that is wrong, and the generalised risk is the part of *all* rows that is accepted and wrong. Rows of equal
confidence enter together, so row order never changes a number here.

References
----------
Geifman, Uziel, El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019, arXiv:1805.08206.
Traub et al., "Overcoming common flaws in the evaluation of selective classification systems", NeurIPS 2024,
arXiv:2407.01032 (AUGRC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.arrays import Confidence, Correct
from yori.errors import ValuesError
from yori.metrics.outcomes import check_outcomes
from yori.metrics.ranking import ERRORS_BLOCK, Ranking, rank


@dataclass(frozen=True, slots=True)
class RiskCoverageCurve:
    """One point per distinct confidence, from the highest (lowest coverage) to the lowest (coverage 1).

    Attributes
    ----------
    coverage
        Shape ``(g,)``. Part of the rows with at least this confidence; ends at 1.
    risk
        Shape ``(g,)``. Part of the accepted rows that is wrong (selective risk).
    generalised_risk
        Shape ``(g,)``. Part of all rows that is accepted and wrong; ends at the error rate.
    threshold
        Shape ``(g,)``. The confidence itself: accept rows with ``confidence >= threshold``.
    """

    coverage: Float[np.ndarray, " g"]
    risk: Float[np.ndarray, " g"]
    generalised_risk: Float[np.ndarray, " g"]
    threshold: Float[np.ndarray, " g"]


def risk_coverage_curve(confidence: Confidence, correct: Correct) -> RiskCoverageCurve:
    """Return the risk-coverage curve, one point per distinct confidence.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted. Equal scores enter together.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a confidence is not finite.

    Examples
    --------
    >>> curve = risk_coverage_curve(np.array([0.9, 0.8, 0.8, 0.5]), np.array([True, True, False, False]))
    >>> curve.coverage, curve.risk, curve.threshold
    (array([0.25, 0.75, 1.  ]), array([0. , 0.33333333, 0.5 ]), array([0.9, 0.8, 0.5]))
    """
    scores, right = check_outcomes(confidence, correct, where="risk_coverage_curve")
    ranking = rank(scores, right)
    accepted, errors = ranking.distinct()
    return RiskCoverageCurve(
        accepted / len(ranking), errors / accepted, errors / len(ranking), ranking.confidence()[accepted - 1]
    )


def aurc(confidence: Confidence, correct: Correct) -> float:
    """Area under the risk-coverage curve (lower is better).

    The trapezoid of the selective risk over coverage, through one point per distinct confidence, flat from coverage 0 to
    the first point. For the mean over ``k = 1 … n`` of some papers and libraries see `mean_selective_risk`: another number.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted. Equal scores enter together.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Returns
    -------
    float in ``[0, 1]``; 0 if all rows are right, 1 if all are wrong, the error rate if all confidences are equal.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a confidence is not finite.

    Notes
    -----
    O(n log n).

    References
    ----------
    Geifman, Uziel, El-Yaniv, ICLR 2019.

    Examples
    --------
    >>> round(aurc(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False])), 6)
    0.145833
    """
    scores, right = check_outcomes(confidence, correct, where="aurc")
    ranking, n = rank(scores, right), len(scores)
    if not ranking.any_tied():
        total = first = last = 0.0
        accepted = np.arange(1.0, ERRORS_BLOCK + 1)
        for start, counts in ranking.errors_in_blocks():
            shares = counts.astype(np.float64)
            np.divide(shares, accepted[: len(shares)], out=shares)
            total += float(shares.sum())
            first, last = first if start else float(shares[0]), float(shares[-1])
            accepted += ERRORS_BLOCK
        return (total + (first - last) / 2) / n
    accepted, errors = ranking.distinct()
    risk = errors / accepted
    before = np.concatenate([risk[:1], risk[:-1]])
    return float(np.dot(np.diff(accepted, prepend=0), risk + before) / (2 * n))


def augrc(confidence: Confidence, correct: Correct) -> float:
    """Area under the generalised risk-coverage curve (lower is better).

    The trapezoid of the part of rows that is accepted and wrong, from ``(0, 0)``. It is the chance that of two random rows
    one is wrong and has at least the confidence of the other (half counted when equal): the mean cost of a silent failure.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted. Equal scores enter together.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Returns
    -------
    float in ``[0, 1/2]``. A perfect ranking at error rate ``p`` gives ``p²/2``, equal confidences give ``p/2``.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, or a confidence is not finite.

    Notes
    -----
    O(n log n), exact: the sum is taken in integers and divided once.

    References
    ----------
    Traub et al., NeurIPS 2024, arXiv:2407.01032.

    Examples
    --------
    >>> augrc(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False]))
    0.125
    """
    scores, right = check_outcomes(confidence, correct, where="augrc")
    return _twice_generalised_area(rank(scores, right)) / (2 * len(scores) ** 2)


def excess_augrc(confidence: Confidence, correct: Correct) -> float:
    """AUGRC above that of a perfect ranking at the same error rate ``p``: ``augrc − p²/2`` (lower is better, never < 0).

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        As `augrc`.

    Examples
    --------
    >>> excess_augrc(np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, True, False, True]))
    0.1875
    """
    scores, right = check_outcomes(confidence, correct, where="excess_augrc")
    errors = len(right) - int(np.count_nonzero(right))
    return (_twice_generalised_area(rank(scores, right)) - errors**2) / (2 * len(scores) ** 2)


def mean_selective_risk(confidence: Confidence, correct: Correct) -> float:
    """Mean over ``k = 1 … n`` of the risk among the ``k`` most trusted rows (lower is better).

    The form of AURC in Geifman et al. 2019, MAPIE and uncertainty-calibration. Where rows are tied it is the expected value
    over all orders of the tied rows, so row order does not matter. It differs from the trapezoid of `aurc` by about
    ``(risk at full coverage − risk of the first row) / 2n``.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        As `aurc`.

    Examples
    --------
    >>> round(mean_selective_risk(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False])), 6)
    0.208333
    """
    scores, right = check_outcomes(confidence, correct, where="mean_selective_risk")
    return float((_expected_errors(rank(scores, right)) / np.arange(1, len(scores) + 1)).mean())


def excess_aurc(confidence: Confidence, correct: Correct) -> float:
    """AURC above that of the best ranking of these same rows (lower is better, never < 0, 0 for a perfect ranking).

    Both sides are the mean form (`mean_selective_risk`), as in the paper that defines E-AURC, and the best ranking is
    computed for this very ``n``. The trapezoid cannot be used here: drawn through tied rows it can pass below the best
    ranking. The limit ``p + (1 − p) ln(1 − p)`` for infinite ``n``, which many tools subtract, makes a perfect ranking of
    few rows negative.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        As `aurc`.

    References
    ----------
    Geifman, Uziel, El-Yaniv, ICLR 2019, section 3. Departure: exact finite-n optimum.

    Examples
    --------
    >>> right = np.array([True, True, False, False])
    >>> excess_aurc(np.array([0.9, 0.8, 0.7, 0.6]), right)
    0.0
    >>> round(excess_aurc(np.array([0.6, 0.7, 0.8, 0.9]), right), 6)
    0.583333
    """
    scores, right = check_outcomes(confidence, correct, where="excess_aurc")
    n = len(scores)
    accepted = np.arange(1, n + 1)
    fewest = np.maximum(accepted - np.count_nonzero(right), 0)
    return float(((_expected_errors(rank(scores, right)) - fewest) / accepted).mean())


def failure_auroc(confidence: Confidence, correct: Correct) -> float:
    """Chance that a right row is more trusted than a wrong one, half counted when equal (higher is better).

    Linked to AUGRC exactly, ties included: ``augrc = (1 − failure_auroc) p (1 − p) + p²/2``.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Raises
    ------
    ShapeError, ValuesError
        As `augrc`, and if all rows are right or all are wrong: there is then no pair to compare.

    Examples
    --------
    >>> failure_auroc(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False]))
    0.75
    """
    scores, right = check_outcomes(confidence, correct, where="failure_auroc")
    hits = int(np.count_nonzero(right))
    errors = len(right) - hits
    if not hits or not errors:
        raise ValuesError(
            "right and wrong rows to compare", f"{hits} right and {errors} wrong ones", where="failure_auroc"
        )
    return 1 - (_twice_generalised_area(rank(scores, right)) - errors**2) / (2 * hits * errors)


def _twice_generalised_area(ranking: Ranking) -> int:
    """Return ``2 n² · AUGRC``, an integer."""
    if not ranking.any_tied():
        total = last = 0
        for _, counts in ranking.errors_in_blocks():
            total, last = total + int(counts.sum()), int(counts[-1])
        return 2 * total - last
    accepted, errors = ranking.distinct()
    before = np.concatenate([[0], errors[:-1]])
    return int(np.dot(np.diff(accepted, prepend=0), errors + before))


def _expected_errors(ranking: Ranking) -> Float[np.ndarray, " n"]:
    """Return the errors among the ``k`` most trusted rows, ``k = 1 … n``, expected over the orders of tied rows."""
    accepted, errors = ranking.distinct()
    if len(accepted) == len(ranking):
        return errors.astype(np.float64)
    size = np.diff(accepted, prepend=0)
    wrong = np.diff(errors, prepend=0)
    position = np.arange(1, len(ranking) + 1) - np.repeat(accepted - size, size)
    return np.repeat(errors - wrong, size) + np.repeat(wrong / size, size) * position
