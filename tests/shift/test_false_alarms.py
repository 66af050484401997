from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.shift import alarms, level_of_look, permutations_for
from yori.shift.false_alarms import BUDGET, MONTH_SECONDS

DAY = 86_400.0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 20 * DAY), min_size=1, max_size=80))
def test_no_month_spends_more_than_its_budget(gaps: list[float]) -> None:
    times = np.cumsum(gaps)
    levels, last = [], None
    for now in times.tolist():
        levels.append(level_of_look(now, last))
        last = now
    for start in times:
        inside = (times >= start) & (times < start + MONTH_SECONDS)
        # The first look of a month earned its level before it: at most one day's.
        assert sum(np.array(levels)[inside][1:]) <= BUDGET + 1e-12


def test_thirty_daily_looks_spend_exactly_the_budget() -> None:
    levels = [level_of_look(day * DAY, None if day == 0 else (day - 1) * DAY) for day in range(30)]
    assert sum(levels) == pytest.approx(BUDGET)


def test_a_clock_that_goes_back_earns_nothing_once() -> None:
    assert level_of_look(100.0, 5000.0) == 0.0
    assert level_of_look(100.0 + DAY, 100.0) == pytest.approx(BUDGET / 30)


def test_nothing_alarms_without_a_level_and_all_tests_of_a_look_share_it() -> None:
    p = {"a": 0.0, "b": 0.9}
    assert alarms(p, 0.0) == {}
    assert alarms({}, 0.05) == {}
    assert alarms({"a": 0.02, "b": 0.9}, 0.05) == {"a": 0.04}
    assert alarms({"a": 0.02, "b": 0.9, "c": 0.9}, 0.05) == {}


def test_quiet_months_stay_quiet() -> None:
    rng = np.random.default_rng(11)
    level = level_of_look(DAY, 0.0)
    wolves = 0
    for _ in range(200):
        shared = rng.random(4)  # looks share a reference: half of each month's tests are the same test
        months = [
            alarms(dict(zip("abcd", np.where(rng.random(4) < 0.5, shared, rng.random(4)), strict=True)), level)
            for _ in range(30)
        ]
        wolves += any(months)
    assert wolves / 200 <= BUDGET + 0.045


def test_an_alarm_is_possible_with_the_permutations_it_asks_for() -> None:
    level = level_of_look(DAY, 0.0)
    drawn = permutations_for(level, 5)
    assert alarms({"a": 1 / (1 + drawn), **dict.fromkeys("bcde", 1.0)}, level)
    assert permutations_for(0.0, 5) == 199


@pytest.mark.parametrize(
    ("now", "last", "options"),
    [
        (float("nan"), None, {}),
        (1.0, float("inf"), {}),
        (1.0, None, {"budget": 0.0}),
        (1.0, None, {"budget": 1.0}),
        (1.0, None, {"cadence_days": 0.0}),
        (1.0, None, {"cadence_days": 31.0}),
    ],
)
def test_numbers_out_of_range_are_refused(now: float, last: float | None, options: dict[str, float]) -> None:
    with pytest.raises(ValuesError):
        level_of_look(now, last, **options)
