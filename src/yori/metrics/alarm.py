"""How far the alarm threshold moves when the data change.

An operator sets a confidence below which the model hands over to a person, so that the error among answered rows is at most a
target. If new data move this threshold by a lot, or differently for each seed and domain, the threshold in service must be set
again. For every seed and domain this finds the threshold before and after, and what happens to coverage and risk if the old
threshold stays in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray

from yori.arrays import Confidence, Correct, check_length
from yori.errors import ShapeError
from yori.metrics.outcomes import check_outcomes
from yori.metrics.working_points import working_point_at_risk


@dataclass(frozen=True, slots=True)
class AlarmStability:
    """One entry per cell, a cell being one seed in one domain, ordered by domain and then seed.

    Attributes
    ----------
    domain, seed
        Shape ``(k,)``. What was handed in, 0 where it was not.
    before, after
        Shape ``(k,)``. Lowest threshold with the target risk; ``inf`` where there is none.
    kept_coverage, kept_risk
        Shape ``(k,)``. Coverage and selective risk of *after* under the threshold of *before*; the risk is NaN where nothing
        is answered.
    """

    domain: Shaped[np.ndarray, " k"]
    seed: Shaped[np.ndarray, " k"]
    before: Float[np.ndarray, " k"]
    after: Float[np.ndarray, " k"]
    kept_coverage: Float[np.ndarray, " k"]
    kept_risk: Float[np.ndarray, " k"]

    @property
    def reached(self) -> Bool[np.ndarray, " k"]:
        """Cells in which both before and after reach the target risk; only these have a shift."""
        return np.isfinite(self.before) & np.isfinite(self.after)

    @property
    def shift(self) -> Float[np.ndarray, " k"]:
        """``after − before`` per cell, NaN where one of them does not reach the target. Positive: alarms sooner."""
        moved = np.full(len(self.before), np.nan)
        moved[self.reached] = self.after[self.reached] - self.before[self.reached]
        return moved

    @property
    def mean_shift(self) -> float:
        """Mean over domains of the mean over seeds, cells with a shift only; NaN if there is none."""
        by_domain = [self.shift[self.reached & (self.domain == d)] for d in np.unique(self.domain)]
        means = [float(cells.mean()) for cells in by_domain if len(cells)]
        return float(np.mean(means)) if means else float("nan")

    @property
    def largest_shift(self) -> float:
        """Largest absolute shift over the cells; NaN if there is none."""
        moved = np.abs(self.shift[self.reached])
        return float(moved.max()) if len(moved) else float("nan")

    @property
    def seed_spread(self) -> tuple[float, float]:
        """Standard deviation over seeds of the threshold before and after, mean over the domains with two such seeds.

        A shift much smaller than this is what retraining alone does. NaN if no domain has two seeds.
        """
        spreads = [
            (self.before[cells].std(ddof=1), self.after[cells].std(ddof=1))
            for cells in (self.reached & (self.domain == d) for d in np.unique(self.domain))
            if np.count_nonzero(cells) > 1
        ]
        if not spreads:
            return float("nan"), float("nan")
        before, after = np.mean(spreads, axis=0).tolist()
        return before, after


def alarm_stability(
    confidence_before: Confidence,
    correct_before: Correct,
    confidence_after: Confidence,
    correct_after: Correct,
    *,
    risk: float,
    seeds: Shaped[np.ndarray, " n"] | None = None,
    domains: Shaped[np.ndarray, " n"] | None = None,
) -> AlarmStability:
    """Compare the threshold for a target risk before and after, for every seed and domain.

    Rows before and after are the same examples in the same order (row *i* is one example under one seed).

    Parameters
    ----------
    confidence_before, confidence_after
        Shape ``(n,)``. Any real score; higher = more trusted. Both of the same kind, or the shift has no meaning.
    correct_before, correct_after
        Shape ``(n,)``. True where the prediction equals the label.
    risk
        Target for the error among answered rows, in ``[0, 1]``.
    seeds, domains
        Shape ``(n,)``. Which seed and which domain a row belongs to; any values that can be sorted.

    Raises
    ------
    ShapeError, ValuesError
        If ``n == 0``, lengths differ, a confidence is not finite, or the risk lies outside ``[0, 1]``.

    Notes
    -----
    Thresholds are `yori.metrics.working_point_at_risk`: largest coverage, equal confidences together.

    Examples
    --------
    >>> right = np.array([True, True, False, False])
    >>> found = alarm_stability(np.array([0.9, 0.8, 0.5, 0.4]), right, np.array([0.9, 0.7, 0.5, 0.4]), right, risk=0.1)
    >>> found.before, found.after, round(found.mean_shift, 6)
    (array([0.8]), array([0.7]), -0.1)
    >>> found.kept_coverage, found.kept_risk
    (array([0.25]), array([0.]))
    """
    where = "alarm_stability"
    before, right_before = check_outcomes(confidence_before, correct_before, where=where)
    after, right_after = check_outcomes(confidence_after, correct_after, where=where)
    check_length(after, len(before), name="confidence_after", where=where)
    seed_of = _column(seeds, len(before), name="seeds", where=where)
    domain_of = _column(domains, len(before), name="domains", where=where)
    cells = sorted(set(zip(domain_of.tolist(), seed_of.tolist(), strict=True)))
    found: list[tuple[float, float, float, float]] = []
    for domain, seed in cells:
        rows = (domain_of == domain) & (seed_of == seed)
        old = working_point_at_risk(before[rows], right_before[rows], risk).threshold
        new = working_point_at_risk(after[rows], right_after[rows], risk).threshold
        answered = after[rows] >= old
        kept_risk = float(1 - right_after[rows][answered].mean()) if answered.any() else float("nan")
        found.append((old, new, float(answered.mean()), kept_risk))
    columns = np.array(found).T
    return AlarmStability(np.array([domain for domain, _ in cells]), np.array([seed for _, seed in cells]), *columns)


def _column(values: NDArray[np.generic] | None, n: int, *, name: str, where: str) -> Shaped[np.ndarray, " n"]:
    if values is None:
        return np.zeros(n, dtype=np.int64)
    column = np.asarray(values)
    if column.ndim != 1:
        raise ShapeError(f"{name} of shape (n,)", f"shape {column.shape}", where=where)
    check_length(column, n, name=name, where=where)
    return column
