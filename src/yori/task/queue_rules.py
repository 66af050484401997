"""How the label budget of a turn is shared out among reasons to ask."""

from __future__ import annotations

from dataclasses import dataclass

SHARES: tuple[tuple[str, float], ...] = (
    ("abstained", 0.3),
    ("uncertain", 0.2),
    ("drifted", 0.05),
    ("rare", 0.1),
    ("disagreeing", 0.05),
    ("influence", 0.1),
    ("audit", 0.1),
    ("random", 0.1),
)
"""Part of the budget for each reason, before what a reason cannot use goes to the others."""


@dataclass(frozen=True)
class QueueRules:
    """What `yori mine` puts into the queue.

    ``shares``: pairs of reason and weight; 0 leaves it out. ``random`` is the control: only there can an error rate be read
    off the answers. ``double``: part of the items that two people answer without seeing each other. ``gold``: part of the
    budget for examples whose label a person verified before, to measure the annotators. ``per_domain``, ``per_class``: at
    most this part of the budget for one domain, or one predicted class; None = no limit.
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
