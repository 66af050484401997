"""Which strategy a simulation speaks for, by a rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT = "automatic"


@dataclass(frozen=True)
class Trust:
    """A strategy and the reason in one sentence; ``shown``: its gain over random was shown on the labelled part."""

    strategy: str
    reason: str
    shown: bool


def trusted(compared: Sequence[tuple[str, float, float, float]], budgets: Sequence[int]) -> Trust:
    """Choose by these rules, the first that holds.

    1. The default, if the interval of its gain over random lies above zero.
    2. Of the others whose interval lies above zero, the one whose lower end is highest.
    3. The default, if its mean gain is above zero: nothing is shown, and it costs no more labels than random.
    4. Random: what does not even win on average is not worth its bias.

    Parameters
    ----------
    compared
        ``(strategy, difference, low, high)``: area under the learning curve minus that of random, and its interval.
    budgets
        What was simulated.

    Examples
    --------
    >>> trusted([("automatic", 0.02, -0.01, 0.05), ("margin", 0.03, 0.01, 0.05)], (20, 500)).strategy
    'margin'
    >>> trusted([("automatic", -0.02, -0.04, 0.0)], (20, 500)).strategy
    'random'
    """
    others = [each for each in compared if each[0] != "random"]
    span = f"from {budgets[0]} to {budgets[-1]} labels" if len(budgets) > 1 else f"at {budgets[0]} labels"
    shown = [each for each in others if math.isfinite(each[2]) and each[2] > 0]
    default = next((each for each in others if each[0] == DEFAULT), None)
    if shown:
        best = default if default in shown and default is not None else max(shown, key=lambda each: each[2])
        name, gain, low, high = best
        interval = f"interval {_points(low)} to {_points(high)}"
        words = f"{name} beats random here {span}: {_points(gain)} of mean accuracy, {interval}."
        return Trust(name, words, True)
    if default is not None and default[1] > 0:
        words = (
            f"No strategy was shown to beat random here {span}; {DEFAULT} is ahead by {_points(default[1])} on average."
        )
        return Trust(DEFAULT, words, False)
    return Trust(
        "random", f"No strategy was shown to beat random here {span}, and {DEFAULT} is not ahead on average.", False
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"
