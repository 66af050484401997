"""How the label budget of a turn is shared out among reasons to ask."""

from __future__ import annotations

from dataclasses import dataclass

SHARES: tuple[tuple[str, float], ...] = (
    ("abstained", 0.21),
    ("uncertain", 0.16),
    ("drifted", 0.04),
    ("rare", 0.07),
    ("disagreeing", 0.04),
    ("influence", 0.07),
    ("audit", 0.07),
    ("random", 0.34),
)
"""Part of the budget for each reason, before what a reason cannot use goes to the others.

The random part is large because it is what the gate tests on. With a tenth, 2 of 60 gates of simulated worlds could tell a
gain from luck.
"""

TEST_SHARE = 0.34
"""At most this part of the labels of a turn make the test set grow, out of those that were asked for at random."""


@dataclass(frozen=True)
class QueueRules:
    """What `yori mine` puts into the queue.

    ``shares``: pairs of reason and weight; 0 leaves it out. ``random`` is the control: only there can an error rate be read
    off the answers, and only from there does the test set of the gate grow. ``double``: part of the items that two people
    answer without seeing each other. ``gold``: part of the budget for examples whose label a person verified before, to
    measure the annotators. ``per_domain``, ``per_class``: at most this part of the budget for one domain, or one predicted
    class; None = no limit.
    """

    shares: tuple[tuple[str, float], ...] = SHARES
    double: float = 0.1
    gold: float = 0.0
    per_domain: float | None = None
    per_class: float | None = None

    @property
    def weights(self) -> dict[str, float]:
        """Reason → weight."""
        return dict(self.shares)
