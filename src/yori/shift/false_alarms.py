"""How much false alarm a look may spend, so that a month of looks stays within its budget.

A test at 5 % that runs every day cries wolf on four days of five months out of five: 1 − 0.95³⁰ = 79 % of all quiet months.
So a look does not get a level; it earns one with the time that passed since the last look, ``budget · elapsed / month``, at
most that of `CADENCE_DAYS`. Whatever the hours of the looks and however their windows overlap, the levels of any month sum to
at most the budget, and so does the chance that a quiet month holds an alarm (union bound: nothing is assumed about how the
looks depend on each other, which they do, since all share one reference).

Within a look several tests share the level by Holm. Time that nobody looked at is lost, not saved up: otherwise a look after a
silent quarter would be allowed to cry wolf.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from yori.errors import ValuesError
from yori.statistics import holm

BUDGET = 0.05
"""Chance of an alarm in a month in which nothing changed."""

MONTH_SECONDS = 30 * 86_400.0
CADENCE_DAYS = 1.0
"""A look earns at most the level of so many days."""


def level_of_look(
    now: float,
    last: float | None,
    *,
    budget: float = BUDGET,
    period: float = MONTH_SECONDS,
    cadence_days: float = CADENCE_DAYS,
) -> float:
    """The level that a look at time ``now`` may use.

    Parameters
    ----------
    now, last
        Time of this look and of the one before it, seconds; None = there was none.
    budget
        Chance of at least one false alarm in a period.
    period
        Seconds.
    cadence_days
        How often somebody is expected to look, days.

    Returns
    -------
    float in ``[0, budget]``. 0 where no time has passed, or the clock went back: that look can show figures, not alarm; the
    next one counts from it.

    Raises
    ------
    ValuesError
        If a number is out of its range.

    Examples
    --------
    >>> day = 86_400.0
    >>> round(30 * level_of_look(day, 0.0), 6), round(level_of_look(day / 24, 0.0) * 24 * 30, 6)
    (0.05, 0.05)
    >>> level_of_look(90 * day, 0.0) == level_of_look(day, 0.0) == level_of_look(5.0, None), level_of_look(5.0, 9.0)
    (True, 0.0)
    """
    where = "level_of_look"
    if not 0 < budget < 1:
        raise ValuesError("a budget between 0 and 1", f"{budget}", where=where)
    cadence = cadence_days * 86_400
    if not 0 < cadence <= period < math.inf:
        raise ValuesError("0 < cadence ≤ period", f"{cadence:g} and {period:g} seconds", where=where)
    if not (math.isfinite(now) and (last is None or math.isfinite(last))):
        raise ValuesError("finite times", f"{now} and {last}", where=where)
    elapsed = cadence if last is None else min(max(now - last, 0.0), cadence)
    return budget * elapsed / period


def alarms(p_values: Mapping[str, float], level: float) -> dict[str, float]:
    """The tests of one look that raise an alarm, with their adjusted p-values (Holm).

    Parameters
    ----------
    p_values
        Name of each test and its p-value. All tests of the look, also those that look harmless.
    level
        From `level_of_look`.

    Examples
    --------
    >>> alarms({"mmd": 0.0004, "score": 0.2, "energy": 0.001}, 0.0017)
    {'mmd': 0.0012...}
    """
    if not p_values:
        return {}
    adjusted = holm(np.array(list(p_values.values()), dtype=np.float64))
    return {name: float(p) for name, p in zip(p_values, adjusted, strict=True) if level > 0 and p <= level}


def permutations_for(level: float, tests: int, *, least: int = 199, most: int = 20_000) -> int:
    """How many assignments a permutation test needs so that its smallest p-value can alarm at this level.

    Examples
    --------
    >>> permutations_for(0.05 / 30, 4)
    4799
    """
    if level <= 0:
        return least
    return int(min(max(math.ceil(2 * tests / level) - 1, least), most))
