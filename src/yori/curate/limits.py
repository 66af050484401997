"""Which edits may still be made: what each class can bear, and how much of the budget one class, domain or group may take."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from jaxtyping import Bool, Int

from yori.curate.guard import ClassGuard
from yori.task import CurationRules


class EditGuard:
    """Counts edits against `ClassGuard` and the limits of `CurationRules`, and says whether one more may be made.

    Parameters
    ----------
    strata
        ``(n,)`` class of every example before any edit.
    classes
        Number of classes.
    budget
        Largest number of edits in all; the shares of `EditLimits` are shares of it.
    rules
        Limits and costs.
    domains, groups
        ``(n,)`` numbers; a limit whose numbers are not given limits nothing.
    present
        ``(n,)`` which examples there are; the others do not count as members of their class.

    Examples
    --------
    >>> from yori.task import EditLimits
    >>> rules = CurationRules(limits=EditLimits(per_group=0.25))
    >>> guard = EditGuard(np.repeat([0, 1], 50), classes=2, budget=8, rules=rules, groups=np.arange(100) // 10)
    >>> [guard.take(row, "drop") for row in (0, 1, 2, 10) if guard.allows(row, "drop")]
    [0, 1, 10]
    """

    def __init__(
        self,
        strata: Int[np.ndarray, " n"],
        *,
        classes: int,
        budget: int,
        rules: CurationRules,
        domains: Int[np.ndarray, " n"] | None = None,
        groups: Int[np.ndarray, " n"] | None = None,
        present: Bool[np.ndarray, " n"] | None = None,
    ) -> None:
        self.strata, self.rules = strata, rules
        self.guard = ClassGuard(strata if present is None else strata[present], classes=classes)
        limits = rules.limits
        asked = ((limits.per_class, strata), (limits.per_domain, domains), (limits.per_group, groups))
        self.shares = [
            (max(1, math.floor(share * budget + 1e-9)), numbers, Counter[int]())
            for share, numbers in asked
            if share is not None and numbers is not None
        ]
        self.minutes = 0.0

    def allows(self, position: int, action: str) -> bool:
        """Whether this example may be edited like this; a review takes nothing from its class."""
        if action != "review" and not self.guard.allows(int(self.strata[position])):
            return False
        most = self.rules.limits.minutes
        if most is not None and self.minutes + self.rules.costs.of(action) > most + 1e-9:
            return False
        return all(taken[int(numbers[position])] < limit for limit, numbers, taken in self.shares)

    def take(self, position: int, action: str) -> int:
        """The example is edited. Returns its position."""
        if action != "review":
            self.guard.take(int(self.strata[position]))
        self.minutes += self.rules.costs.of(action)
        for _, numbers, taken in self.shares:
            taken[int(numbers[position])] += 1
        return position

    def copy(self) -> EditGuard:
        """An independent guard in the same state."""
        other: EditGuard = object.__new__(EditGuard)
        other.strata, other.rules, other.minutes = self.strata, self.rules, self.minutes
        other.guard = self.guard.copy()
        other.shares = [(limit, numbers, Counter(taken)) for limit, numbers, taken in self.shares]
        return other
