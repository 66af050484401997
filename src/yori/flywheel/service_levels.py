"""Latency and throughput from the log, against what task.yaml requires."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sqlalchemy import select

from yori.flywheel.database import Database
from yori.flywheel.schema import SHEDS
from yori.task import Requirements


@dataclass(frozen=True)
class ServiceLevels:
    """Milliseconds for one answer, answers per second, and rows that were not logged.

    ``peak_per_second``: most answers logged within one second; what the service *could* do is more than it was asked to, so
    a requirement on it can be seen to be met and never to be missed. ``sheds``: rule → rows let go.
    """

    rows: int
    latency_median: float
    latency_p95: float
    latency_p99: float
    per_second: float
    peak_per_second: float
    sheds: dict[str, int]
    latency_required: float | None
    per_second_required: float | None

    @property
    def too_slow(self) -> bool:
        """Whether one answer in a hundred takes longer than required."""
        return self.latency_required is not None and self.latency_p99 > self.latency_required

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "too_slow": self.too_slow}


def service_levels(
    at: Float[np.ndarray, " n"],
    latency_ms: Float[np.ndarray, " n"],
    required: Requirements,
    *,
    sheds: dict[str, int] | None = None,
) -> ServiceLevels | None:
    """Figures of logged rows; None without any.

    Examples
    --------
    >>> found = service_levels(np.array([0.0, 0.1, 0.2, 3.0]), np.full(4, 5.0), Requirements(latency_ms=4))
    >>> found.peak_per_second, found.too_slow
    (3.0, True)
    """
    if len(at) == 0:
        return None
    times = np.sort(at)
    span = float(times[-1] - times[0])
    inside = np.searchsorted(times, times + 1.0, side="left") - np.arange(len(times))
    median, p95, p99 = np.quantile(latency_ms, [0.5, 0.95, 0.99]).tolist()
    return ServiceLevels(
        rows=len(at),
        latency_median=median,
        latency_p95=p95,
        latency_p99=p99,
        per_second=len(at) / span if span > 0 else float(len(at)),
        peak_per_second=float(inside.max()),
        sheds=sheds or {},
        latency_required=required.latency_ms,
        per_second_required=required.queries_per_second,
    )


def sheds_since(database: Database, since: float) -> dict[str, int]:
    """Rows that were not logged after a time, by the rule that let them go."""
    query = select(SHEDS.c.rule, SHEDS.c.count).where(SHEDS.c.at >= since)
    found: dict[str, int] = {}
    with database.connect() as connection:
        for rule, count in connection.execute(query):
            found[rule] = found.get(rule, 0) + int(count)
    return found
