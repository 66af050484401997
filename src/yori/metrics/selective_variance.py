r"""What each row contributes to AURC and AUGRC, and the standard errors that follow without resampling.

Give row *i* a little more weight and the others a little less: the rate at which the metric moves is the row's empirical
influence value (the infinitesimal jackknife). The values average zero, and their standard deviation over :math:`\sqrt n` is
the standard error of the metric. The difference of two models on the same rows has the difference of their values; rows that
come in clusters are summed within the cluster first.

With groups of equal confidence :math:`g = 1 \dots G` from high to low, :math:`m_g` rows in each, :math:`K_g` rows and
:math:`E_g` errors accepted, and :math:`r_g = E_g / K_g`, the two areas for row weights :math:`w` are

.. math::
    \text{AURC} = \frac1n \sum_g m_g \frac{r_g + r_{g-1}}2,\quad r_0 = r_1
    \qquad
    \text{AUGRC} = \frac1{n^2} \sum_g m_g \frac{E_g + E_{g-1}}2,\quad E_0 = 0

and the values here are their derivatives along *add a row to the distribution*, exactly, ties included.

Not to be confused with the influence of a *training* example, which is `yori.attribution`.

References
----------
Efron, "Nonparametric estimates of standard error: the jackknife, the bootstrap and other methods", Biometrika 1981,
doi:10.1093/biomet/68.3.589 (infinitesimal jackknife).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.arrays import Confidence, Correct
from yori.metrics.outcomes import check_outcomes


def aurc_influence(confidence: Confidence, correct: Correct) -> Float[np.ndarray, " n"]:
    """Empirical influence value of every row on `yori.metrics.aurc`.

    Positive: more rows like this one raise AURC, which is worse. Wrong rows with high confidence stand out.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted. Equal scores enter together.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Returns
    -------
    Shape ``(n,)``, in the order of the rows, mean 0. ``values.std() / sqrt(n)`` is the standard error of AURC.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.metrics.aurc`.

    Notes
    -----
    O(n log n).

    Examples
    --------
    >>> aurc_influence(np.array([0.9, 0.5, 0.5]), np.array([False, True, False])).round(4)
    array([ 0.2222, -0.2778,  0.0556])
    """
    return aurc_with_influence(confidence, correct)[1]


def aurc_with_influence(confidence: Confidence, correct: Correct) -> tuple[float, Float[np.ndarray, " n"]]:
    """`yori.metrics.aurc` and `aurc_influence` from one sort: the same numbers, in less time than both.

    Examples
    --------
    >>> area, influence = aurc_with_influence(np.array([0.9, 0.5, 0.5]), np.array([False, True, False]))
    >>> round(area, 4), influence.round(4).tolist()
    (0.8889, [0.2222, -0.2778, 0.0556])
    """
    scores, right = check_outcomes(confidence, correct, where="aurc_influence")
    order = np.argsort(scores)
    ordered = scores.take(order)
    tied = ordered[1:] == ordered[:-1]
    if not tied.any():
        return _aurc_without_ties(order, ~right.take(order))
    groups = _groups(order, tied, right)
    risk = groups.errors / groups.accepted
    before = np.concatenate([risk[:1], risk[:-1]])
    # The area moves with the width of the row's own group, and with the risk of every later point, whose weight is half
    # of the two widths beside it (the first point also carries the flat part). Counts stand for parts throughout: the
    # factor n of the derivative cancels the 1/n of the area.
    weight = (groups.size + np.concatenate([groups.size[1:], [0]])) / 2
    weight[0] += groups.size[0] / 2
    per_error = _from_here_on(weight / groups.accepted)
    per_row = (risk + before) / 2 - _from_here_on(weight * risk / groups.accepted)
    area = float(np.dot(groups.size, risk + before) / (2 * len(order)))
    return area, groups.to_rows(per_row, per_error)


def augrc_influence(confidence: Confidence, correct: Correct) -> Float[np.ndarray, " n"]:
    """Empirical influence value of every row on `yori.metrics.augrc`.

    Positive: more rows like this one raise AUGRC, which is worse.

    Parameters
    ----------
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted. Equal scores enter together.
    correct
        Shape ``(n,)``. True where the prediction equals the label.

    Returns
    -------
    Shape ``(n,)``, in the order of the rows, mean 0. ``values.std() / sqrt(n)`` is the standard error of AUGRC.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.metrics.augrc`.

    Notes
    -----
    O(n log n). AUGRC is a V-statistic of order two, so these are twice its centred projections.

    Examples
    --------
    >>> augrc_influence(np.array([0.9, 0.5]), np.array([False, True]))
    array([ 0.25, -0.25])
    """
    scores, right = check_outcomes(confidence, correct, where="augrc_influence")
    order = np.argsort(scores)
    ordered = scores.take(order)
    groups = _groups(order, ordered[1:] == ordered[:-1], right)
    n = len(groups.order)
    errors_before = np.concatenate([[0], groups.errors[:-1]])
    as_covered_row = (groups.errors + errors_before) / (2 * n)
    as_wrong_row = (n - groups.accepted + groups.size / 2) / n
    return groups.to_rows(as_covered_row, as_wrong_row)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Rows by distinct confidence, from high to low."""

    order: Int[np.ndarray, " n"]  # rows from high to low
    wrong: Int[np.ndarray, " n"]  # 1 for a wrong row, in that order
    size: Int[np.ndarray, " g"]
    accepted: Int[np.ndarray, " g"]
    errors: Int[np.ndarray, " g"]

    def to_rows(self, per_row: Float[np.ndarray, " g"], per_error: Float[np.ndarray, " g"]) -> Float[np.ndarray, " n"]:
        """Give every row the value of its group, plus that of an error if it is wrong, less the mean over all rows."""
        if len(self.size) < len(self.order):
            per_row, per_error = np.repeat(per_row, self.size), np.repeat(per_error, self.size)
        ordered = per_row + self.wrong * per_error
        values = np.empty(len(ordered))
        values[self.order] = ordered - ordered.mean()
        return values


def _groups(ascending: Int[np.ndarray, " n"], tied_with_next: Bool[np.ndarray, " m"], right: Correct) -> _Groups:
    """Group the rows, given from low to high, by distinct confidence."""
    order = ascending[::-1]
    wrong = (~right[order]).astype(np.int64)
    last = np.append(np.flatnonzero(~tied_with_next[::-1]), len(order) - 1)
    return _Groups(order, wrong, np.diff(last, prepend=-1), last + 1, np.cumsum(wrong)[last])


def _aurc_without_ties(
    ascending: Int[np.ndarray, " n"], wrong: Bool[np.ndarray, " n"]
) -> tuple[float, Float[np.ndarray, " n"]]:
    """The same where every row is its own group: no gathering by group, and every sum runs forward through memory.

    Rows come from low to high here, so *this point and all later ones* of the curve are the rows up to this one.
    """
    n = len(wrong)
    accepted = np.arange(n, 0, -1, dtype=np.float64)
    errors = np.cumsum(wrong)
    np.subtract(int(errors[-1]), errors, out=errors)
    errors += wrong
    risk = errors / accepted
    # Summed from high to low, as `aurc` does, so that the last bit is the same.
    area = float((np.ascontiguousarray(risk[::-1]).sum() + (risk[-1] - risk[0]) / 2) / n)
    step = np.divide(1.0, accepted, out=accepted)
    step[-1] *= 1 + 0.5 * (n > 1)  # the first point also carries the flat part
    step[0] *= 0.5 + 0.5 * (n == 1)  # the last one has no interval behind it
    values: Float[np.ndarray, " n"] = np.cumsum(step)
    values *= wrong
    step *= risk
    values -= np.cumsum(step, out=step)
    risk *= 0.5
    values += risk
    values[:-1] += risk[1:]
    values[-1] += risk[-1]
    values -= values.mean()
    result = np.empty(n)
    result[ascending] = values
    return area, result


def _from_here_on(values: Float[np.ndarray, " g"]) -> Float[np.ndarray, " g"]:
    """Return the sum of each value and all later ones."""
    sums: Float[np.ndarray, " g"] = np.cumsum(values[::-1])[::-1]
    return sums
