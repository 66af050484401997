"""The words of a task definition.

Everything that decides what a proof may claim (endpoint, direction, margin, splits, budget, seeds) is written here
before anybody looks at a result; the certificate keeps the hash of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from yori.errors import ValuesError
from yori.task.queue_rules import QueueRules

Direction = Literal["lower", "higher"]

METRIC_DIRECTIONS: dict[str, Direction] = {
    "aurc": "lower",
    "augrc": "lower",
    "excess_aurc": "lower",
    "ece": "lower",
    "nll": "lower",
    "brier": "lower",
    "error": "lower",
    "accuracy": "higher",
    "macro_f1": "higher",
}
"""Metrics an endpoint may name, and which way is better. ``risk@C`` (lower) and ``coverage@R`` (higher) come on top."""


def metric_direction(name: str) -> Direction:
    """Which way is better for a metric, ``risk@0.8`` and ``coverage@0.05`` included.

    Raises
    ------
    ValuesError
        If nobody knows the metric.

    Examples
    --------
    >>> metric_direction("aurc"), metric_direction("coverage@0.05")
    ('lower', 'higher')
    """
    if name in METRIC_DIRECTIONS:
        return METRIC_DIRECTIONS[name]
    match = re.fullmatch(r"(risk|coverage)@(0?\.\d+|1(?:\.0+)?)", name)
    if match:
        return "lower" if match[1] == "risk" else "higher"
    known = ", ".join([*METRIC_DIRECTIONS, "risk@0.8", "coverage@0.05"])
    raise ValuesError(f"a metric out of {known}", repr(name), where="metric")


@dataclass(frozen=True)
class ClassDefinition:
    """One class, with the sentence from which the annotation guide grows."""

    name: str
    means: str = ""
    parent: str | None = None
    rare: bool = False


@dataclass(frozen=True)
class Columns:
    """Which column of the imported table plays which role; None where there is none."""

    label: str = "label"
    domain: str | None = None
    group: str | None = None
    annotator: str | None = None
    time: str | None = None
    verified: str | None = None


@dataclass(frozen=True)
class AudioFormat:
    """What the front end hears: ``sample_rate`` in Hz; ``window`` and ``hop`` in seconds, None = the whole file."""

    sample_rate: int = 16_000
    window: float | None = None
    hop: float | None = None


@dataclass(frozen=True)
class Backbone:
    """The frozen embedding. Parameters are those of the backbone's own file."""

    name: Literal["patches", "statistics", "given"] = "patches"
    dimensions: int = 512


@dataclass(frozen=True)
class SplitPolicy:
    """How examples become train, validation and test.

    ``by``: ``group`` (default) never cuts a group; ``clip`` ignores groups and is marked as a warning in every report;
    ``table`` takes the split column as it is. ``protocols``: ``id`` (random groups), ``lodo`` (each domain held out).
    """

    protocols: tuple[str, ...] = ("id",)
    by: Literal["group", "clip", "table"] = "group"
    validation: float = 0.2
    test: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class HeadRecipe:
    """How the head is trained, the same for every arm.

    ``l2``: None = tuned on validation for the *before* arm, then frozen. ``tune``: the criterion, ``nll`` (the loss the
    head itself minimises) or ``nll_after_temperature``. ``steps`` = None: as many as give ``epochs`` passes over the
    *before* training set.
    """

    l2: float | None = None
    tune: Literal["nll", "nll_after_temperature"] = "nll"
    batch_size: int = 256
    epochs: int = 60


@dataclass(frozen=True)
class Endpoint:
    """The one claim: metric, protocol, direction, and the smallest change that counts (in units of the metric)."""

    metric: str = "aurc"
    protocol: Literal["id", "lodo"] = "id"
    direction: Direction = "lower"
    margin: float = 0.0


@dataclass(frozen=True)
class Budget:
    """How much may change: ``edits`` as a share of the training examples, ``labels`` as a number of new labels."""

    edits: float = 0.01
    labels: int = 0
    allow_large: bool = False


@dataclass(frozen=True)
class Costs:
    """Minutes of a person for one edit of each kind (checking a drop, answering a review), and what a minute is worth.

    ``minute``: by how much a minute must lower the objective, in units of the objective. An edit that is predicted to buy less
    than its minutes are worth is not made, and edits are ranked by what is left. 0: time is free.
    """

    drop: float = 0.0
    relabel: float = 0.0
    review: float = 1.0
    minute: float = 0.0

    def of(self, action: str) -> float:
        """Minutes for one edit."""
        return {"drop": self.drop, "relabel": self.relabel, "review": self.review}[action]


@dataclass(frozen=True)
class EditLimits:
    """How much of the budget may go to one class (the label an example has), domain or group; None = no limit.

    Shares are of the largest number of edits: at most ``share × budget`` of them, rounded down, but always one.
    ``minutes``: of persons in all, at the `Costs` of every edit.
    """

    per_class: float | None = None
    per_domain: float | None = None
    per_group: float | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class CurationRules:
    """How edits are chosen.

    ``mode``: ``validation`` (validation examples ask, training examples are edited) or ``cross_fitted`` (every example
    outside test asks out of fold and may be edited; *after* trains on validation too, against unedited train + validation).
    ``queries``: for leave-one-domain-out, who asks: each training domain left out in turn (objective: the worst of them),
    examples of the training domains, or whichever a nested estimate prefers. ``actions``: out of drop, relabel, review; a
    review is a proposal for a person and is not applied. ``rounds``: parts of equal size, or sizes by line search.
    ``consensus``: share of votes (other objectives, resampled queries) an edit needs; 0 = nobody is asked.
    """

    mode: Literal["validation", "cross_fitted"] = "validation"
    queries: Literal["training_domains", "nested_domains", "choose"] = "nested_domains"
    actions: tuple[str, ...] = ("drop", "relabel")
    rounds: Literal["equal", "line_search"] = "equal"
    consensus: float = 0.0
    costs: Costs = field(default_factory=Costs)
    limits: EditLimits = field(default_factory=EditLimits)

    @property
    def cross_fitted(self) -> bool:
        """Whether every example outside test asks."""
        return self.mode == "cross_fitted"


@dataclass(frozen=True)
class CoverageRequirement:
    """At least ``coverage`` of the examples answered at a risk of at most ``risk``."""

    risk: float
    coverage: float


@dataclass(frozen=True)
class Requirements:
    """What the deployed model must keep; gates read it. None = no requirement."""

    latency_ms: float | None = None
    queries_per_second: float | None = None
    model_bytes: int | None = None
    device: str | None = None
    serving: Literal["file", "stream", "server"] | None = None
    coverage_at_risk: CoverageRequirement | None = None


@dataclass(frozen=True)
class Task:
    """A whole task definition, as read from task.yaml."""

    name: str
    classes: tuple[ClassDefinition, ...]
    modality: Literal["audio", "embeddings"] = "audio"
    labels: Literal["single", "multiple"] = "single"
    columns: Columns = field(default_factory=Columns)
    audio: AudioFormat = field(default_factory=AudioFormat)
    backbone: Backbone = field(default_factory=Backbone)
    splits: SplitPolicy = field(default_factory=SplitPolicy)
    head: HeadRecipe = field(default_factory=HeadRecipe)
    objective: str = "robust_nll"
    endpoint: Endpoint = field(default_factory=Endpoint)
    secondary: tuple[str, ...] = ("augrc", "ece", "nll", "brier", "risk@0.8", "accuracy", "macro_f1")
    budget: Budget = field(default_factory=Budget)
    curate: CurationRules = field(default_factory=CurationRules)
    seeds: int = 3
    requirements: Requirements = field(default_factory=Requirements)
    queue: QueueRules = field(default_factory=QueueRules)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probability columns."""
        return tuple(definition.name for definition in self.classes)
