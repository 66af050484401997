"""What can be shown with this test set at all, before anything is trained.

Everything known beforehand goes in: how many examples, groups, domains and seeds the protocols of the task will test. What is
not known is assumed and printed beside the answer: the accuracy, on how many examples the two models differ, how much the
changes of one group have in common.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from yori.prove.assumed_models import FORECASTABLE, AssumedModels, spread_of_difference
from yori.prove.dataset import Dataset, cells_of
from yori.splits import Cell
from yori.statistics import (
    design_effect,
    effective_cluster_size,
    minimum_detectable_effect,
    sample_size,
    settling_size,
)
from yori.statistics.power import t_quantile
from yori.statistics.verdict import RELEVANT
from yori.task import Task

ACCURACIES = (0.8, 0.9, 0.95)
"""Accuracies assumed unless others are given."""

FEW_OF_A_CLASS = 20
"""With fewer test examples of a class a note says that nothing will be shown about it."""


@dataclass(frozen=True)
class Assumptions:
    """What nobody knows before training.

    Attributes
    ----------
    accuracies
        Of the model before.
    churn
        Discordance as a part of the error rate: a quarter means that at 90 % accuracy the two models differ in being
        right on 2.5 % of the examples. Small edits give little churn.
    icc
        Intraclass correlation of the *change* within a group.
    domain_spread
        Standard deviation of the true change from domain to domain, in units of the metric. 0 is the best case.
    level, power
        Of the interval; wanted chance to see a true change.
    """

    accuracies: tuple[float, ...] = ACCURACIES
    churn: float = 0.25
    icc: float = 0.1
    domain_spread: float = 0.0
    level: float = 0.95
    power: float = 0.8


@dataclass(frozen=True)
class Forecast:
    """What the comparison of one metric will be able to say if the model before has the assumed accuracy.

    Attributes
    ----------
    accuracy, metric, value
        Assumed accuracy; the metric and its value under that assumption.
    half_width, minimum_detectable_effect
        Expected half width of the interval of the change; smallest true change that would be seen with the wanted power.
    resolution, enough
        The change that has to be seen (the margin of the task, or a tenth of what is left to improve), and whether it can.
    needed_examples, needed_domains
        Test examples (and domains, where domains are the sample) that would be enough; None where they are.
    """

    accuracy: float
    metric: str
    value: float
    half_width: float
    minimum_detectable_effect: float
    resolution: float
    enough: bool
    needed_examples: int | None
    needed_domains: int | None


@dataclass(frozen=True)
class ProtocolPlan:
    """The test set of one protocol, and what it can show.

    Attributes
    ----------
    protocol, seeds, cells
        ``id`` or ``lodo``; training seeds; heads to train for each arm.
    examples, groups, domains
        Different test examples and groups in all cells; held-out domains (0 for ``id``).
    rarest_class, rarest_count
        The class with the fewest test examples.
    cluster_size, design_effect, effective_examples
        Group size a test example meets on average; variance inflation at the assumed correlation; what the examples are
        worth.
    degrees_of_freedom
        Of the interval: groups − 1, or domains − 1.
    one_point
        For each assumed accuracy: test examples that give one accuracy an interval of ±1 point.
    forecasts
        For each assumed accuracy, the endpoint's metric and accuracy.
    notes
        Sentences a reader has to know.
    """

    protocol: str
    seeds: int
    cells: int
    examples: int
    groups: int
    domains: int
    rarest_class: str
    rarest_count: int
    cluster_size: float
    design_effect: float
    effective_examples: float
    degrees_of_freedom: float
    one_point: tuple[int, ...]
    forecasts: tuple[Forecast, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What the whole task can show; `sentences` says it in words."""

    name: str
    metric: str
    protocol: str
    margin: float
    assumptions: Assumptions
    protocols: tuple[ProtocolPlan, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts, ready for JSON."""
        return {**asdict(self), "sentences": self.sentences()}

    def sentences(self) -> list[str]:
        """Return the plan in words, the primary protocol first."""
        ordered = sorted(self.protocols, key=lambda found: found.protocol != self.protocol)
        a = self.assumptions
        lines = [
            f"Assumed: {_percents(a.accuracies)} accuracy; the models differ in being right on {100 * a.churn:g} % as many "
            f"examples as are wrong; changes within a group correlate by {a.icc:g}; power {100 * a.power:g} %."
        ]
        for found in ordered:
            lines += _sentences(found, self)
        return lines


def plan(data: Dataset, task: Task, assumptions: Assumptions | None = None, *, rng: np.random.Generator) -> Plan:
    """Say what the test sets of a task can show.

    Parameters
    ----------
    data
        The labelled examples, from `yori.prove.dataset.dataset_of`.
    task
        Protocols, seeds, metric and margin.
    assumptions
        What cannot be known; None: the defaults of `Assumptions`.
    rng
        For the simulated models; two runs differ by about one per cent.

    Raises
    ------
    SplitError, LeakError
        If no split satisfies the task.
    ValuesError
        If an assumption is out of range.
    """
    assumed = assumptions or Assumptions()
    cells = cells_of(data, task)
    metrics = dict.fromkeys([task.endpoint.metric, "accuracy"])
    spreads: dict[tuple[float, str], tuple[float, float]] = {}
    for accuracy in assumed.accuracies:
        models = AssumedModels(accuracy, assumed.churn * (1 - accuracy))
        for metric in metrics:
            if metric in FORECASTABLE:
                spreads[accuracy, metric] = spread_of_difference(models, metric, rng)
    found = [
        _protocol(
            kind, [cell for cell in cells if cell.protocol.partition(":")[0] == kind], data, task, assumed, spreads
        )
        for kind in task.splits.protocols
    ]
    endpoint = task.endpoint
    return Plan(task.name, endpoint.metric, endpoint.protocol, endpoint.margin, assumed, tuple(found))


def _protocol(
    kind: str,
    cells: Sequence[Cell],
    data: Dataset,
    task: Task,
    assumed: Assumptions,
    spreads: dict[tuple[float, str], tuple[float, float]],
) -> ProtocolPlan:
    names = list(dict.fromkeys(cell.protocol for cell in cells)) if kind == "lodo" else [kind]
    tested = [_tested([cell for cell in cells if kind != "lodo" or cell.protocol == name]) for name in names]
    rows = np.concatenate(tested)
    sizes = [effective_cluster_size(data.groups[part]) for part in tested]
    effects = [design_effect(size, assumed.icc) for size in sizes]
    groups = len(np.unique(data.groups[rows]))
    over_domains = kind == "lodo"
    df = (len(names) if over_domains else groups) - 1
    # Variance of the mean over domains: that of independent rows, times this.
    worth = len(names) ** 2 / sum(effect / len(part) for effect, part in zip(effects, tested, strict=True))
    inflation = len(rows) / worth
    counts = np.bincount(data.strata[rows], minlength=len(data.classes))[: len(data.classes)]
    rarest = int(counts.argmin())
    notes = list(_notes(kind, df, data.classes[rarest], int(counts[rarest]), task))
    forecasts = tuple(
        _forecast(
            accuracy, metric, *spreads[accuracy, metric], worth, len(rows), len(names), df, over_domains, task, assumed
        )
        for accuracy in assumed.accuracies
        for metric in dict.fromkeys([task.endpoint.metric, "accuracy"])
        if metric in FORECASTABLE and df >= 1
    )
    return ProtocolPlan(
        protocol=kind,
        seeds=task.seeds,
        cells=len(cells),
        examples=len(rows),
        groups=groups,
        domains=len(names) if over_domains else 0,
        rarest_class=data.classes[rarest],
        rarest_count=int(counts[rarest]),
        cluster_size=float(np.average(sizes, weights=[len(part) for part in tested])),
        design_effect=inflation,
        effective_examples=worth,
        degrees_of_freedom=df,
        one_point=tuple(math.ceil(sample_size(accuracy=a, half_width=0.01) * inflation) for a in assumed.accuracies),
        forecasts=forecasts,
        notes=tuple(notes),
    )


def _tested(cells: Sequence[Cell]) -> Int[np.ndarray, " m"]:
    """Rows that any of these cells tests, each once: an example tested by several seeds is one witness."""
    return np.unique(np.concatenate([cell.test for cell in cells]))


def _forecast(
    accuracy: float,
    metric: str,
    value: float,
    spread: float,
    worth: float,
    examples: int,
    domains: int,
    df: float,
    over_domains: bool,
    task: Task,
    assumed: Assumptions,
) -> Forecast:
    error = spread / math.sqrt(worth)
    if over_domains:
        error = math.hypot(error, assumed.domain_spread / math.sqrt(domains))
    seen = minimum_detectable_effect(error, df=df, level=assumed.level, power=assumed.power)
    left = 1 - value if metric == "accuracy" else value
    primary = metric == task.endpoint.metric
    resolution = task.endpoint.margin if primary and task.endpoint.margin > 0 else RELEVANT * left
    enough = seen <= resolution
    needed = None
    if not enough:
        needed = settling_size(examples, error, resolution, df=df, level=assumed.level, power=assumed.power)
    return Forecast(
        accuracy=accuracy,
        metric=metric,
        value=value,
        half_width=t_quantile(0.5 + assumed.level / 2, df) * error,
        minimum_detectable_effect=seen,
        resolution=resolution,
        enough=enough,
        needed_examples=needed,
        needed_domains=math.ceil(domains * needed / examples) if needed and over_domains else None,
    )


def _notes(kind: str, df: float, rarest: str, count: int, task: Task) -> list[str]:
    notes = []
    if df < 1:
        what = "domain" if kind == "lodo" else "group"
        notes.append(f"One {what} is tested: no interval can be given.")
    if task.splits.by == "clip":
        notes.append("The split ignores groups: what looks like many independent examples may be few recordings.")
    if count < FEW_OF_A_CLASS:
        notes.append(f"Only {count} test examples of {rarest!r}: nothing will be shown about this class.")
    if task.endpoint.metric not in FORECASTABLE:
        notes.append(f"No forecast is made for {task.endpoint.metric}; read the one for accuracy as an indication.")
    if kind == "lodo" and df >= 1:
        notes.append("Domains are the sample: if the change differs between them, more is needed than stated here.")
    return notes


def _spaced(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _percents(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:g} %" for share in shares)


def _sentences(found: ProtocolPlan, plan: Plan) -> list[str]:
    place = f" in {found.domains} held-out domains" if found.domains else ""
    seeds = "1 seed" if found.seeds == 1 else f"{found.seeds} seeds"
    lines = [
        f"{found.protocol}: {_spaced(found.examples)} test examples of {_spaced(found.groups)} groups{place}, {seeds}; "
        f"worth {_spaced(found.effective_examples)} independent ones."
    ]
    for each in found.forecasts:
        size = f"a change of {each.metric} of {each.resolution:.3g}"
        line = f"  At {100 * each.accuracy:g} % accuracy ({each.metric} {each.value:.3g}): "
        line += f"interval ±{each.half_width:.2g}, smallest change seen {each.minimum_detectable_effect:.2g}; "
        if each.enough:
            line += f"{size} can be shown."
        else:
            domains = f" in {each.needed_domains} domains" if each.needed_domains else ""
            line += f"{size} can not be shown: n ≥ {_spaced(each.needed_examples or 0)}{domains}."
        lines.append(line)
    return lines + [f"  {note}" for note in found.notes]
