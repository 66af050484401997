r"""Thresholds that keep their promise on new rows, chosen on validation rows.

The working point that meets a target risk on validation rows misses it on about half of all new samples: it was chosen for
looking good there. Two rules repair this, for rows drawn independently from the distribution the model will meet.

`guaranteed_threshold` (selection with guaranteed risk) promises, with probability at least ``1 − delta`` over the validation
rows, that the *selective* risk, the error among answered rows, is at most the target. `conformal_threshold` (conformal risk
control) promises that the *generalised* risk, the chance that a row is answered and wrong, is at most the target on average
over validation samples. The first is the stronger promise and needs more rows.

References
----------
Geifman, El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017, arXiv:1705.08500.
Clopper, Pearson, Biometrika 1934, doi:10.1093/biomet/26.4.404 (the exact binomial bound).
Angelopoulos et al., "Conformal risk control", ICLR 2024, arXiv:2208.02814.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from yori.arrays import Confidence, Correct
from yori.errors import ValuesError
from yori.metrics.outcomes import check_outcomes
from yori.metrics.ranking import rank


class SelectiveThreshold(NamedTuple):
    """A rule ``answer where confidence >= threshold`` and what is known about it.

    Attributes
    ----------
    threshold
        ``inf`` where no threshold can be promised: answer nothing.
    coverage
        Part of the validation rows that is answered.
    risk
        Observed on them: selective for `guaranteed_threshold`, generalised for `conformal_threshold`. NaN where nothing is
        answered and the risk is selective.
    bound
        What is promised for new rows, at most the target; where no threshold can be promised, what could not be
        pushed below it.
    """

    threshold: float
    coverage: float
    risk: float
    bound: float


def guaranteed_threshold(confidence: Confidence, correct: Correct, risk: float, delta: float) -> SelectiveThreshold:
    r"""Return the threshold of largest coverage found whose selective risk is at most ``risk`` with high probability.

    Coverages are tried by halving, :math:`k = \lceil \log_2 n \rceil` of them. Each gets the exact binomial upper bound at
    level ``delta / k``, so all hold together with probability at least ``1 − delta``, and with them the one returned.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score of validation rows; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    risk
        Target for the error among answered rows, in ``(0, 1)``.
    delta
        Chance that the promise may fail, in ``(0, 1)``.

    Returns
    -------
    SelectiveThreshold. ``threshold = inf`` and ``coverage = 0`` if no threshold can be promised: too few rows or too many
    errors; ``bound`` is then the smallest one met.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence is not finite, or ``risk`` or ``delta`` is outside ``(0, 1)``.

    Notes
    -----
    O(n log n). Departure from the paper: of the coverages tried, the largest that holds is returned; the paper returns the
    last one tried, which may be one that does not hold.

    References
    ----------
    Geifman, El-Yaniv, NeurIPS 2017, algorithm 2 and lemma 3.1.

    Examples
    --------
    >>> confidence = np.linspace(1, 0, 1000)
    >>> found = guaranteed_threshold(confidence, confidence > 0.2, risk=0.05, delta=0.05)
    >>> found.coverage, round(found.risk, 4), round(found.bound, 4)
    (0.825, 0.0303, 0.0492)
    """
    where = "guaranteed_threshold"
    scores, right = check_outcomes(confidence, correct, where=where)
    _check_inside(risk, name="risk", where=where)
    _check_inside(delta, name="delta", where=where)
    ranking = rank(scores, right)
    accepted, errors = ranking.distinct()
    n = len(scores)
    level = delta / max(1, math.ceil(math.log2(n)))
    best, bound, smallest = -1, 1.0, 1.0
    low, high = 0, n
    while low < high:
        rows = (low + high + 1) // 2
        group = int(np.searchsorted(accepted, rows))
        tried = binomial_upper_bound(int(errors[group]), int(accepted[group]), level)
        smallest = min(smallest, tried)
        if tried <= risk:
            best, bound = group, tried
            low = rows
        else:
            high = rows - 1
    if best < 0:
        return SelectiveThreshold(math.inf, 0.0, math.nan, smallest)
    taken = int(accepted[best])
    return SelectiveThreshold(float(ranking.confidence()[taken - 1]), taken / n, int(errors[best]) / taken, bound)


def conformal_threshold(confidence: Confidence, correct: Correct, risk: float) -> SelectiveThreshold:
    r"""Return the lowest threshold whose chance to answer a new row wrongly is at most ``risk``, on average.

    With :math:`\hat R` the part of validation rows that is answered and wrong, it is the largest coverage with
    :math:`(n \hat R + 1) / (n + 1) \le` ``risk``. There is no ``delta``: the promise is about the mean over validation
    samples. At coverage *c* the error among answered rows is ``risk / c``.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score of validation rows; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    risk
        Target for the chance that a row is answered and wrong, in ``(0, 1)``.

    Returns
    -------
    SelectiveThreshold, with the generalised risk. ``threshold = inf`` if no threshold can be promised: fewer than about
    ``1 / risk`` rows, or errors among the most trusted ones.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, the lengths differ, a confidence is not finite, or ``risk`` is outside ``(0, 1)``.

    Notes
    -----
    O(n log n). The loss "answered and wrong" never grows with the threshold, which is what the theorem asks for. The
    selective risk is not such a loss, hence the two functions.

    References
    ----------
    Angelopoulos et al., ICLR 2024, theorem 1.

    Examples
    --------
    >>> conformal_threshold(np.linspace(1, 0, 99), np.arange(99) < 60, risk=0.05)
    SelectiveThreshold(threshold=0.357..., coverage=0.646..., risk=0.0404..., bound=0.05)
    """
    where = "conformal_threshold"
    scores, right = check_outcomes(confidence, correct, where=where)
    _check_inside(risk, name="risk", where=where)
    ranking = rank(scores, right)
    accepted, errors = ranking.distinct()
    n = len(scores)
    # The errors never fall along the curve, so the last one that holds is the largest coverage.
    holds = np.flatnonzero((errors + 1) / (n + 1) <= risk)
    if not len(holds):
        return SelectiveThreshold(math.inf, 0.0, 0.0, 1 / (n + 1))
    best = int(holds[-1])
    taken, wrong = int(accepted[best]), int(errors[best])
    return SelectiveThreshold(float(ranking.confidence()[taken - 1]), taken / n, wrong / n, (wrong + 1) / (n + 1))


def binomial_upper_bound(errors: int, rows: int, level: float) -> float:
    """Return the error rate at which ``errors`` or fewer of ``rows`` have probability ``level`` (Clopper-Pearson)."""
    from scipy.special import betaincinv  # loaded on use: importing yori.metrics stays light

    if errors == rows:
        return 1.0
    return float(betaincinv(errors + 1, rows - errors, 1 - level))


def _check_inside(value: float, *, name: str, where: str) -> None:
    if not 0 < value < 1:  # also refuses NaN
        raise ValuesError(f"{name} between 0 and 1, ends left out", f"{value}", where=where)
