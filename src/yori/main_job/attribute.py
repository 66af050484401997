"""`yori attribute`: how much each training example of a project helps what its validation examples ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float

from yori.attribution import METHODS, OBJECTIVES, Question, choose_damping, damping_path
from yori.errors import ValuesError
from yori.heads import Head, fit_sigmoid, fit_softmax
from yori.main_job.shard_scores import score_shards
from yori.prove.baseline import Baseline, CellInput, make_baseline, read_stage
from yori.prove.cell_inputs import embeddings_of, input_of
from yori.prove.dataset import cells_of, dataset_of
from yori.splits import Cell
from yori.store import Project
from yori.store.atomic import disk_errors
from yori.store.work import workspace
from yori.task import parse_task
from yori.workers import Progress, silent

BY_SHARD = ("influence", "tracin")
"""Methods that run over shards, on any engine; the others hold the training embeddings in memory."""

AUTO = "auto"


@dataclass(frozen=True)
class Attributed:
    """Scores of the training examples of one split.

    ``table``: ``example_id``, ``label``, ``score`` (positive = helps), ``rank`` (1 = lowest), from the lowest score up.
    ``damping``: dampings, gains and the choice, where one was asked for.
    """

    project: Path
    method: str
    objective: str
    protocol: str
    seed: int
    l2: float
    gradient_norm: float
    table: pa.Table
    damping: Mapping[str, Any] = field(default_factory=dict)
    out: Path | None = None

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        scores = self.table["score"].to_numpy()
        return {
            "project": str(self.project),
            "method": self.method,
            "objective": self.objective,
            "protocol": self.protocol,
            "seed": self.seed,
            "l2": self.l2,
            "gradient_norm": self.gradient_norm,
            "damping": dict(self.damping),
            "examples": len(scores),
            "harmful": int((scores < 0).sum()),
            "lowest": self.table.slice(0, 10).to_pylist(),
            "scores": None if self.out is None else str(self.out),
        }


def attribute(
    folder: str | Path,
    *,
    method: str = "influence",
    objective: str | None = None,
    protocol: str | None = None,
    seed: int = 0,
    damping: float | str | None = None,
    engine: str = "process",
    address: str | None = None,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Attributed:
    """Score the training examples of one split of a project; test examples take no part.

    Parameters
    ----------
    folder
        The project.
    method
        A key of `yori.attribution.METHODS`.
    objective
        A key of `yori.attribution.OBJECTIVES`; by default the task's.
    protocol, seed
        Which split; by default the first of the task.
    damping
        For influence: a number in the place of the penalty, or ``auto`` = chosen on validation.
    engine, address, workers
        As for `yori.engines.open_engine`; for influence and TracIn.
    out
        A Parquet file for the whole table; replaced if it is there.

    Raises
    ------
    YoriError
        If anything is wrong; finished shards are kept and used by the next call.
    """
    _check(method, objective, damping, engine, address)
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    data = dataset_of(project, task)
    cell = _chosen(cells_of(data, task), protocol, seed)
    shards = embeddings_of(project, task, data, [cell], workers, progress)[0]
    given = input_of(project, task, data, cell, shards)
    baseline = read_stage(project, make_baseline(given))
    asked = objective or task.objective
    if given.link != "softmax" and method not in BY_SHARD:
        raise ValuesError(f"method {' or '.join(BY_SHARD)} for several labels per example", method, where="attribute")
    l2 = float(baseline.facts["l2"])
    pool, n = given.vectors(), given.n_train
    head = _optimum(given, baseline, pool)
    sides = (pool[:n], given.targets[:n], head.weight, pool[n:], given.targets[n:])
    found: dict[str, Any] = {}
    if method == "influence" and damping is not None:
        options = {"l2": l2, "objective": asked, "sample_weight": given.weight[:n], "link": given.link}
        scores, found = _damped(sides, damping, options, given)
    elif method in BY_SHARD:
        rows = given.rows[:n]
        labels = np.zeros((shards.n, *given.targets.shape[1:]), dtype=given.targets.dtype)
        weight, taking = np.zeros(shards.n), np.zeros(shards.n, dtype=np.bool_)
        labels[rows], weight[rows], taking[rows] = given.targets[:n], given.weight[:n], True
        with workspace(project.path, f"attribute-{method}", keep_on_error=True) as kept:
            every = score_shards(
                [shards.path / shard.name for shard in shards.shards], labels,
                head.weight if method == "influence" else _checkpoints(baseline), pool[n:], given.targets[n:],
                folder=kept, method=method, l2=l2 if method == "influence" else None, objective=asked,
                sample_weight=weight, taking=taking, link=given.link, engine=engine, workers=workers, address=address,
                progress=progress,
            )  # fmt: skip
        scores = every[rows]
    else:
        scores = METHODS[method](Question(*sides, l2, asked), given.generator("attribute", method))
    order = np.argsort(scores, kind="stable")
    text = dict(zip(data.ids.tolist(), data.labels, strict=True))
    ids = given.ids[:n][order].tolist()
    table = pa.table(
        {"example_id": ids, "label": [text[each] for each in ids], "score": scores[order], "rank": np.arange(1, n + 1)}
    )
    path = None if out is None else _written(table, Path(out))
    return Attributed(project.path, method, asked, cell.protocol, cell.seed, l2, head.gradient_norm, table, found, path)


def _check(method: str, objective: str | None, damping: float | str | None, engine: str, address: str | None) -> None:
    if method not in METHODS:
        raise ValuesError(f"a method out of {', '.join(METHODS)}", repr(method), where="--method")
    if objective is not None and objective not in OBJECTIVES:
        raise ValuesError(f"an objective out of {', '.join(OBJECTIVES)}", repr(objective), where="--objective")
    if damping is not None and method != "influence":
        raise ValuesError("--damping with the method influence", method, where="--damping")
    if (engine != "process" or address is not None) and (method not in BY_SHARD or damping is not None):
        arrived = method if damping is None else f"{method} with --damping"
        raise ValuesError(f"an engine with {' or '.join(BY_SHARD)}", arrived, where="--engine", fix="Leave it out.")


def _chosen(cells: list[Cell], protocol: str | None, seed: int) -> Cell:
    for cell in cells:
        if cell.protocol == (protocol or cells[0].protocol) and cell.seed == seed:
            return cell
    names = ", ".join(dict.fromkeys(cell.protocol for cell in cells))
    seeds = ", ".join(dict.fromkeys(str(cell.seed) for cell in cells))
    raise ValuesError(
        f"a split of the task: protocols {names}; seeds {seeds}", f"{protocol or cells[0].protocol}, seed {seed}",
        where="--protocol, --seed",
    )  # fmt: skip


def _optimum(given: CellInput, baseline: Baseline, pool: Float[np.ndarray, "pool d"]) -> Head:
    """The *before* head, moved to its optimum: influence is a derivative there."""
    n, l2 = given.n_train, float(baseline.facts["l2"])
    start = np.asarray(baseline.arrays["before"], dtype=np.float64)
    if given.link == "sigmoid":
        return fit_sigmoid(pool[:n], given.targets[:n], l2=l2, sample_weight=given.weight[:n], init=start)
    return fit_softmax(
        pool[:n], given.targets[:n], l2=l2, classes=given.classes, sample_weight=given.weight[:n], init=start
    )


def _checkpoints(baseline: Baseline) -> Float[np.ndarray, "k c d1"]:
    names = sorted((name for name in baseline.arrays if name.startswith("checkpoint:")), key=_step)
    return np.stack([baseline.arrays[name] for name in names] or [baseline.arrays["before"]]).astype(np.float64)


def _step(name: str) -> int:
    return int(name.partition(":")[2])


def _damped(
    sides: tuple[Any, ...], damping: float | str, options: dict[str, Any], given: CellInput
) -> tuple[Float[np.ndarray, " n"], dict[str, Any]]:
    if damping == AUTO:
        groups = given.groups[given.n_train :]
        several = groups if len(np.unique(groups)) > 1 else None
        choice = choose_damping(*sides, rng=given.generator("attribute", "damping"), query_groups=several, **options)
        dampings, gains = choice.path.dampings.tolist(), choice.gains.tolist()
        return choice.scores, {"chosen": choice.damping, "dampings": dampings, "gains": gains}
    path = damping_path(*sides, dampings=[float(damping)], **options)
    return path.scores[0], {"chosen": float(damping)}


def _written(table: pa.Table, out: Path) -> Path:
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    with disk_errors(out):
        try:
            pq.write_table(table, aside, compression="zstd")
            os.replace(aside, out)
        finally:
            aside.unlink(missing_ok=True)
    return out
