"""What a proof tells the person who operates the model: where the alarm threshold lies, and whether a wish is met.

The operator asks for a *risk*: of the examples the model answers, at most this part may be wrong. That fixes a threshold of
confidence; below it the model raises an alarm and hands over to a person. Here are, for every seed and domain, the threshold
before and after, how far it moved, and what the new model does under the old threshold; and beside a wished coverage at
that risk, the coverage reached.

These thresholds come from test predictions: they say how stable the threshold is. One for service is chosen on validation
predictions, see `yori.metrics.guaranteed_threshold`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.metrics import alarm_stability, coverage_at_risk
from yori.task import CoverageRequirement, Requirements, Task

DEFAULT_RISK = 0.05
"""Target risk where task.yaml asks for none."""


@dataclass(frozen=True)
class Outcomes:
    """What one arm answered on the test examples of one kind of protocol, in any order.

    Attributes
    ----------
    confidence
        Shape ``(n,)``. Higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    seed
        Shape ``(n,)``.
    domain
        Shape ``(n,)``. The held-out domain; None where the protocol holds out none.
    """

    confidence: Float[np.ndarray, " n"]
    correct: Bool[np.ndarray, " n"]
    seed: Int[np.ndarray, " n"]
    domain: Shaped[np.ndarray, " n"] | None = None

    def by_cell(self) -> Outcomes:
        """The same rows, sorted by domain and seed."""
        keys = (self.seed,) if self.domain is None else (self.seed, self.domain)
        order = np.lexsort(keys)
        domain = None if self.domain is None else self.domain[order]
        return Outcomes(self.confidence[order], self.correct[order], self.seed[order], domain)

    def cells(self) -> Iterator[tuple[str | None, int, Int[np.ndarray, " k"]]]:
        """Domain, seed and rows of each cell, sorted by domain and seed."""
        for domain in [None] if self.domain is None else np.unique(self.domain).tolist():
            inside = np.ones(len(self.seed), dtype=bool) if domain is None else self.domain == domain
            for seed in np.unique(self.seed[inside]).tolist():
                yield domain, int(seed), np.flatnonzero(inside & (self.seed == seed))


def target_risk(task: Task) -> float:
    """The risk of ``requirements.coverage_at_risk``, or `DEFAULT_RISK`."""
    asked = task.requirements.coverage_at_risk
    return DEFAULT_RISK if asked is None else float(asked.risk)


def alarm(before: Outcomes, after: Outcomes, *, risk: float) -> dict[str, Any]:
    """Alarm thresholds before and after, as a certificate keeps them.

    Parameters
    ----------
    before, after
        The same test examples under both arms; rows in any order.
    risk
        Target for the error among answered examples, in ``[0, 1]``.

    Returns
    -------
    dict
        ``risk``; ``cells``, one for each domain and seed, with the thresholds ``before``, ``after``, their ``shift``
        (positive: alarms sooner), the coverage each reaches, and ``kept_coverage``, ``kept_risk`` of *after* under the
        threshold of *before*; ``mean_shift`` (over domains of the mean over seeds) and ``largest_shift`` (absolute);
        ``seed_spread``, the standard deviation over seeds; ``range``, the lowest and highest threshold. None wherever no
        threshold reaches the risk, or one seed has no spread.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.metrics.alarm_stability`.

    Examples
    --------
    >>> right, seed = np.array([True, True, False, False]), np.zeros(4, dtype=np.int64)
    >>> old = Outcomes(np.array([0.9, 0.8, 0.5, 0.4]), right, seed)
    >>> new = Outcomes(np.array([0.9, 0.7, 0.5, 0.4]), right, seed)
    >>> found = alarm(old, new, risk=0.1)
    >>> found["cells"][0]["before"], found["cells"][0]["after"], found["cells"][0]["kept_coverage"]
    (0.8, 0.7, 0.25)
    >>> alarm(old, Outcomes(new.confidence, ~right, seed), risk=0.1)["cells"][0]["after"] is None
    True
    """
    # Only cells are compared, not rows, so equal cells in equal places are enough.
    old, new = before.by_cell(), after.by_cell()
    found = alarm_stability(
        old.confidence, old.correct, new.confidence, new.correct, risk=risk, seeds=old.seed, domains=old.domain
    )
    shift = found.shift
    cells = []
    for number, (domain, seed, rows) in enumerate(old.cells()):
        threshold_before, threshold_after = float(found.before[number]), float(found.after[number])
        kept = math.isfinite(threshold_before)  # no threshold, nothing to keep
        cells.append(
            {
                "domain": domain,
                "seed": seed,
                "before": _finite(threshold_before),
                "after": _finite(threshold_after),
                "shift": _finite(shift[number]),
                "coverage_before": _answered(old.confidence[rows], threshold_before),
                "coverage_after": _answered(new.confidence[rows], threshold_after),
                "kept_coverage": float(found.kept_coverage[number]) if kept else None,
                "kept_risk": _finite(found.kept_risk[number]) if kept else None,
            }
        )
    spread_before, spread_after = found.seed_spread
    return {
        "risk": risk,
        "cells": cells,
        "mean_shift": _finite(found.mean_shift),
        "largest_shift": _finite(found.largest_shift),
        "seed_spread": {"before": _finite(spread_before), "after": _finite(spread_after)},
        "range": {"before": _range(found.before), "after": _range(found.after)},
    }


def coverage_requirement(before: Outcomes, after: Outcomes, asked: CoverageRequirement | None) -> dict[str, Any] | None:
    """Whether each arm answers as much as was asked for, at the risk that was asked for; None where nothing was.

    Returns
    -------
    dict
        ``risk`` and ``coverage`` as asked, and for the arms ``before`` and ``after``: ``coverage``, the mean over domains of
        the mean over seeds; ``met``, whether that reaches the wish; ``cells_met`` of ``cells``, because a mean can hide a
        domain that misses it.

    Examples
    --------
    >>> right, seed = np.array([True, True, True, False]), np.zeros(4, dtype=np.int64)
    >>> arm = Outcomes(np.array([0.9, 0.8, 0.5, 0.4]), right, seed)
    >>> coverage_requirement(arm, arm, CoverageRequirement(risk=0.0, coverage=0.8))["after"]
    {'coverage': 0.75, 'met': False, 'cells_met': 0, 'cells': 1}
    """
    if asked is None:
        return None
    return {
        "risk": float(asked.risk),
        "coverage": float(asked.coverage),
        "before": _reached(before, asked),
        "after": _reached(after, asked),
    }


def requirements_of(task: Task) -> dict[str, Any] | None:
    """The requirements of a task as a plain dict; None where it has none.

    Examples
    --------
    >>> requirements_of(Task(name="bells", classes=())) is None
    True
    """
    asked = task.requirements
    return None if asked == Requirements() else dataclasses.asdict(asked)


def _reached(arm: Outcomes, asked: CoverageRequirement) -> dict[str, Any]:
    by_domain: dict[str | None, list[float]] = {}
    for domain, _, rows in arm.cells():
        reached = coverage_at_risk(arm.confidence[rows], arm.correct[rows], asked.risk)
        by_domain.setdefault(domain, []).append(reached)
    mean = float(np.mean([np.mean(values) for values in by_domain.values()]))
    each = [value for values in by_domain.values() for value in values]
    return {
        "coverage": mean,
        "met": _enough(mean, asked),
        "cells_met": sum(_enough(value, asked) for value in each),
        "cells": len(each),
    }


def _enough(coverage: float, asked: CoverageRequirement) -> bool:
    return coverage >= asked.coverage - 1e-9  # a mean of exact shares may lie one rounding below


def _answered(confidence: Float[np.ndarray, " k"], threshold: float) -> float | None:
    return float((confidence >= threshold).mean()) if math.isfinite(threshold) else None


def _range(thresholds: Float[np.ndarray, " k"]) -> dict[str, float] | None:
    reached = thresholds[np.isfinite(thresholds)]
    return {"low": float(reached.min()), "high": float(reached.max())} if len(reached) else None


def _finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return float(value) if math.isfinite(value) else None
