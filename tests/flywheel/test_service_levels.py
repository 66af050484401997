from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import insert

from yori.flywheel.database import Database
from yori.flywheel.schema import SHEDS
from yori.flywheel.service_levels import service_levels, sheds_since
from yori.task import Requirements


def test_figures_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    at, latency = np.sort(rng.random(200) * 30), rng.exponential(5, 200)
    found = service_levels(rng.permutation(at), latency, Requirements(latency_ms=50.0))
    assert found is not None
    peak = max(((at >= start) & (at < start + 1)).sum() for start in at)
    assert found.peak_per_second == peak
    assert found.per_second == pytest.approx(200 / (at.max() - at.min()))
    assert found.latency_p99 == pytest.approx(np.quantile(latency, 0.99))
    assert not found.too_slow


def test_no_requirement_is_never_missed() -> None:
    found = service_levels(np.zeros(3), np.full(3, 1e6), Requirements())
    assert found is not None
    assert not found.too_slow
    assert found.peak_per_second == 3


def test_an_empty_log_has_no_figures() -> None:
    assert service_levels(np.zeros(0), np.zeros(0), Requirements()) is None


def test_sheds_are_summed_by_rule(database: Database) -> None:
    with database.begin() as connection:
        for at, rule, count in ((1.0, "full", 5), (10.0, "full", 2), (11.0, "full", 3), (12.0, "database", 1)):
            connection.execute(insert(SHEDS).values(at=at, rule=rule, count=count))
    assert sheds_since(database, 10.0) == {"full": 5, "database": 1}
