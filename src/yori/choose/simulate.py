"""Learning curves of strategies on the labelled part of a project, with intervals, beside the random control.

The labelled examples that are not test are split again: into folds of groups (``id``), or with one domain held out at
a time (``lodo``). On each split every strategy starts from nothing and asks for labels that are hidden from it; seeds
repeat it. A curve is kept under a key of all it depends on, so an interrupted simulation goes on where it was and
another strategy costs only its own curves.

The difference to random is taken within each split and seed. Its interval is t over the splits. Splits by fold share
training examples, so that interval is somewhat too narrow for ``id``; domains are what generalises for ``lodo``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.choose.learning_curve import LearningCurve, learning_curve
from yori.choose.material import RATIO, Material, material_of
from yori.choose.trust import Trust, trusted
from yori.errors import CorruptError, SplitError, ValuesError
from yori.prove.baseline import finite_rows
from yori.selection import find_strategy
from yori.splits import group_folds
from yori.statistics.closed_form import t_interval
from yori.store import Project, content_key
from yori.workers import Progress, map_in_processes, silent

VERSION = 2
FOLDS = 5
MOST_POOL = 20_000
STRATEGIES = ("automatic", "margin", "badge", "typiclust", "expected_influence")
"""Simulated unless others are named; ``random`` always is."""
LEVEL = 0.95


@dataclass(frozen=True)
class CurveTask:
    """What a worker draws: one strategy on one split with one seed; rows are positions in the stored embeddings."""

    project: Path
    embeddings: str
    split: str
    strategy: str
    seed: int
    budgets: tuple[int, ...]
    rows: Int[np.ndarray, " n"]
    labels: Num[np.ndarray, "n ..."]
    domains: Shaped[np.ndarray, " n"] | None
    test_rows: Int[np.ndarray, " m"]
    test_labels: Num[np.ndarray, "m ..."]
    classes: int
    l2: float | None

    def key(self) -> str:
        """Content key of the curve."""
        return "curve-" + content_key(
            stage="learning curve", version=VERSION, embeddings=self.embeddings, strategy=self.strategy, seed=self.seed,
            budgets=list(self.budgets), rows=self.rows, labels=self.labels, test_rows=self.test_rows,
            test_labels=self.test_labels, classes=self.classes, l2=self.l2, ratio=RATIO,
            domains=None if self.domains is None else self.domains.astype(str),
        )  # fmt: skip


@dataclass(frozen=True)
class StrategyCurve:
    """A strategy over all splits and seeds: mean accuracy at each budget with its interval, the area, and against
    random.

    ``areas``: by split, mean over seeds. ``difference``, ``low``, ``high``: area minus that of random; NaN for random
    itself, and the ends also where there is a single split.
    """

    name: str
    accuracy: tuple[float, ...]
    accuracy_low: tuple[float, ...]
    accuracy_high: tuple[float, ...]
    nll: tuple[float, ...]
    aurc: tuple[float, ...]
    areas: tuple[float, ...]
    area: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Simulation:
    """Curves of all strategies on one protocol, ``random`` first, and the strategy they speak for."""

    protocol: str
    splits: tuple[str, ...]
    seeds: int
    budgets: tuple[int, ...]
    examples: int
    by_domain: bool
    curves: tuple[StrategyCurve, ...]
    trust: Trust
    notes: tuple[str, ...] = ()
    folder: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, ready for JSON."""
        fields = asdict(self)
        fields["folder"] = None if self.folder is None else str(self.folder)
        return fields


def default_budgets(pool: int, classes: int, most: int = 500) -> tuple[int, ...]:
    """About ten budgets from two labels a class to half the pool, at most ``most``.

    Examples
    --------
    >>> default_budgets(2000, 10)
    (20, 40, 60, 80, 100, 150, 200, 300, 400, 500)
    >>> default_budgets(60, 3)
    (6, 12, 18, 24, 30)
    """
    first = 2 * classes
    end = min(most, pool // 2)
    found = [each for each in (round(first * step) for step in (1, 2, 3, 4, 5, 7.5, 10, 15, 20, 25)) if each <= end]
    if not found:
        return (max(1, min(end, pool)),)
    return tuple(dict.fromkeys(found))


def simulate(
    folder: str | Path,
    *,
    strategies: Sequence[str] = STRATEGIES,
    seeds: int = 3,
    budgets: Sequence[int] | None = None,
    protocol: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Simulation:
    """Draw learning curves on a project and write them as a page.

    Parameters
    ----------
    folder
        The project.
    strategies
        Keys of `yori.selection.STRATEGIES`; ``random`` is always added.
    seeds
        Repetitions on every split.
    budgets
        Ascending numbers of labels; None: `default_budgets`.
    protocol
        ``id`` or ``lodo``; None: that of the task's endpoint where the labels allow it.

    Returns
    -------
    `Simulation`; ``folder`` holds ``simulation.html`` and ``simulation.json``.

    Raises
    ------
    ValuesError
        On unknown strategies, seeds or budgets out of range.
    SplitError
        If there are too few groups or domains to split.
    """
    from yori.choose.page import simulation_page

    material = material_of(folder, need_labels=True, workers=workers, progress=progress)
    found = simulate_material(
        material, strategies=strategies, seeds=seeds, budgets=budgets, protocol=protocol, workers=workers,
        progress=progress,
    )  # fmt: skip
    project = material.project
    fields = found.to_dict()
    page = simulation_page(found, name=material.task.name)
    key = f"simulation-{content_key(fields=_without_nan(fields), page=page)[:32]}"
    if not project.has_stage("reports", key):
        with project.stage_folder("reports", key) as aside:
            (aside / "simulation.html").write_text(page, encoding="utf-8")
            text = json.dumps(_without_nan(fields), indent=1, ensure_ascii=False)
            (aside / "simulation.json").write_text(text + "\n", encoding="utf-8")
    return Simulation(
        **{name: getattr(found, name) for name in fields if name != "folder"},
        folder=project.stage_path("reports", key),
    )


def simulate_material(
    material: Material,
    *,
    strategies: Sequence[str] = STRATEGIES,
    seeds: int = 3,
    budgets: Sequence[int] | None = None,
    protocol: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Simulation:
    """The curves alone, see `simulate`."""
    names = list(dict.fromkeys(["random", *strategies]))
    for name in names:
        find_strategy(name)
    if not 1 <= seeds <= 100:
        raise ValuesError("1 to 100 seeds", str(seeds), where="--seeds")
    wanted, splits = splits_of(material, protocol)
    smallest = min(len(rows) for _, rows, _ in splits)
    chosen = default_budgets(smallest, material.classes) if budgets is None else tuple(int(each) for each in budgets)
    if not chosen or chosen[0] < 1 or any(b <= a for a, b in pairwise(chosen)):
        raise ValuesError("ascending budgets of at least 1", str(list(chosen)), where="--budgets")
    if chosen[-1] > smallest:
        raise ValuesError(
            f"budgets of at most {smallest}, the smallest pool of a split", str(chosen[-1]), where="--budgets"
        )
    tasks = [
        _task(material, split, rows, test, name, seed, chosen, wanted)
        for split, rows, test in splits
        for name in names
        for seed in range(seeds)
    ]
    missing = [task for task in tasks if not material.project.has_stage("cache", task.key())]
    for _ in map_in_processes(draw_curve, missing, workers=workers, what="learning curves", progress=progress):
        pass
    curves = {(task.split, task.strategy, task.seed): read_curve(material.project, task.key()) for task in tasks}
    compared = compare_curves(curves)
    return Simulation(
        protocol=wanted,
        splits=tuple(split for split, _, _ in splits),
        seeds=seeds,
        budgets=chosen,
        examples=len(material.ids),
        by_domain=material.domains is not None,
        curves=compared,
        trust=trusted([(each.name, each.difference, each.low, each.high) for each in compared], chosen),
        notes=material.notes,
    )


def splits_of(
    material: Material, protocol: str | None
) -> tuple[str, list[tuple[str, Int[np.ndarray, " a"], Int[np.ndarray, " b"]]]]:
    """The protocol, and for each split its name, the pool and what judges; positions in the material.

    Raises
    ------
    SplitError
        If fewer than two groups (``id``) or domains (``lodo``) have labels.
    """
    if protocol not in (None, "id", "lodo"):
        raise ValuesError("id or lodo", repr(protocol), where="--protocol")
    domains = material.domains
    possible = domains is not None and len(np.unique(domains.astype(str))) >= 2
    wanted = protocol or (material.task.endpoint.protocol if possible else "id")
    if wanted == "lodo":
        if domains is None or not possible:
            raise SplitError("labelled examples of at least two domains", "fewer", where="lodo", fix="Use: id")
        found = []
        for name in np.unique(domains.astype(str)).tolist():
            held = domains.astype(str) == name
            crossing = np.isin(material.groups, material.groups[held]) & ~held
            found.append((f"lodo:{name}", np.flatnonzero(~held & ~crossing), np.flatnonzero(held)))
        return wanted, [split for split in found if len(split[1])]
    folds = min(FOLDS, len(np.unique(material.groups)))
    if folds < 2:
        raise SplitError(
            "labelled examples of at least two groups", str(folds), where="simulation",
            fix="Label some of another group.",
        )  # fmt: skip
    fold = group_folds(material.strata, material.groups, folds, rng=np.random.default_rng(material.task.splits.seed))
    return wanted, [(f"fold {k}", np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _task(
    material: Material,
    split: str,
    rows: Int[np.ndarray, " a"],
    test: Int[np.ndarray, " b"],
    strategy: str,
    seed: int,
    budgets: tuple[int, ...],
    protocol: str,
) -> CurveTask:
    if len(rows) > MOST_POOL:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_POOL, replace=False))
    return CurveTask(
        project=material.project.path,
        embeddings=material.shards.path.name,
        split=split,
        strategy=strategy,
        seed=seed,
        budgets=budgets,
        rows=material.rows[rows],
        labels=material.labels[rows],
        domains=None if material.domains is None else material.domains[rows],
        test_rows=material.rows[test],
        test_labels=material.labels[test],
        classes=material.classes,
        l2=material.task.head.l2,
    )


def draw_curve(task: CurveTask) -> str:
    """Draw one curve and keep it. Returns its key."""
    key = task.key()
    project = Project(task.project)
    if project.has_stage("cache", key):
        return key
    shards = project.open_embeddings(task.embeddings)
    curve = learning_curve(
        finite_rows(shards, task.rows), task.labels, finite_rows(shards, task.test_rows), task.test_labels,
        strategy=task.strategy, budgets=task.budgets, classes=task.classes, l2=task.l2, ratio=RATIO,
        domains=task.domains, rng=np.random.default_rng([task.seed, len(task.rows)]),
    )  # fmt: skip
    with project.stage_folder("cache", key) as aside:
        (aside / "curve.json").write_text(json.dumps(asdict(curve)), encoding="utf-8")
    return key


def read_curve(project: Project, key: str) -> LearningCurve:
    """A curve that was kept.

    Raises
    ------
    CorruptError
        If its file is damaged.
    """
    path = project.stage_path("cache", key) / "curve.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return LearningCurve(**{name: tuple(fields[name]) for name in ("budgets", "accuracy", "nll", "aurc")})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            "a learning curve as it was written", str(error), where=str(path), fix="Remove the folder and repeat."
        ) from None


def compare_curves(curves: dict[tuple[str, str, int], LearningCurve]) -> tuple[StrategyCurve, ...]:
    """Means over splits of means over seeds, with t intervals over splits; keys are ``(split, strategy, seed)``."""
    splits = list(dict.fromkeys(split for split, _, _ in curves))
    names = list(dict.fromkeys(name for _, name, _ in curves))
    seeds = list(dict.fromkeys(seed for _, _, seed in curves))

    def by_split(name: str, field: str) -> Float[np.ndarray, "s b"]:
        return np.array([
            np.mean([getattr(curves[split, name, seed], field) for seed in seeds], axis=0) for split in splits
        ])  # fmt: skip

    areas = {name: np.array([np.mean([curves[s, name, k].area for k in seeds]) for s in splits]) for name in names}
    found = []
    for name in names:
        accuracy = by_split(name, "accuracy")
        ends = [_interval(accuracy[:, step]) for step in range(accuracy.shape[1])]
        difference = areas[name] - areas["random"]
        low, high = (float("nan"),) * 2 if name == "random" else _interval(difference)
        found.append(
            StrategyCurve(
                name=name,
                accuracy=tuple(accuracy.mean(axis=0).tolist()),
                accuracy_low=tuple(low for low, _ in ends),
                accuracy_high=tuple(high for _, high in ends),
                nll=tuple(by_split(name, "nll").mean(axis=0).tolist()),
                aurc=tuple(by_split(name, "aurc").mean(axis=0).tolist()),
                areas=tuple(areas[name].tolist()),
                area=float(areas[name].mean()),
                difference=float("nan") if name == "random" else float(difference.mean()),
                low=low,
                high=high,
            )
        )
    return tuple(found)


def _interval(values: Float[np.ndarray, " s"], level: float = LEVEL) -> tuple[float, float]:
    if len(values) < 2:
        return float("nan"), float("nan")
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    found = t_interval(float(values.mean()), error, len(values) - 1, level)
    return found.low, found.high


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    return [_without_nan(each) for each in value] if isinstance(value, list | tuple) else value
