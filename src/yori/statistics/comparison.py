"""The result of comparing two models: the effect, its interval, and every domain by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from yori.statistics.comparable_metrics import Direction


@dataclass(frozen=True)
class DomainComparison:
    """The effect in one domain, with the interval that its own rows give; None where they are too few to give one."""

    domain: str
    before: float
    after: float
    delta: float
    low: float | None
    high: float | None
    standard_error: float | None
    n_examples: int
    n_clusters: int
    seed_deltas: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. All differences are after minus before.

    Attributes
    ----------
    metric, direction, best
        Name, which way is better (``"lower"`` or ``"higher"``), and the value of a perfect model (None if unknown).
    before, after, delta, relative
        Means over domains of means over seeds; ``relative`` is ``delta / |before|``, None where before is 0.
    low, high, level
        The confidence interval of ``delta``.
    standard_error, degrees_of_freedom, p_value
        Behind the interval; the p-value is two-sided, for "no difference".
    method
        How the interval was found: ``"closed form"``, ``"bootstrap"``, ``"t over domains"``, ``"hierarchical
        bootstrap"`` or ``"stratified by domain"``.
    n_rows, n_examples, n_clusters, n_seeds, n_domains
        Rows count an example once per seed; examples once per domain; clusters are what is independent within a domain.
    domains_fixed
        Whether the interval is about these very domains, and not about others of their kind.
    per_domain
        Every domain by itself.
    notes
        Sentences a reader has to know.
    """

    metric: str
    direction: Direction
    best: float | None
    before: float
    after: float
    delta: float
    relative: float | None
    low: float
    high: float
    level: float
    standard_error: float
    degrees_of_freedom: float
    p_value: float
    method: str
    n_rows: int
    n_examples: int
    n_clusters: int
    n_seeds: int
    n_domains: int
    domains_fixed: bool
    per_domain: tuple[DomainComparison, ...]
    notes: tuple[str, ...] = ()

    @property
    def gain(self) -> float:
        """``delta`` with the sign turned so that positive is better."""
        return -self.delta if self.direction == "lower" else self.delta

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The interval of `gain`."""
        return (-self.high, -self.low) if self.direction == "lower" else (self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, ready for JSON."""
        plain = asdict(self)
        plain["per_domain"] = [{**domain, "seed_deltas": list(domain["seed_deltas"])} for domain in plain["per_domain"]]
        plain["notes"] = list(self.notes)
        return plain
