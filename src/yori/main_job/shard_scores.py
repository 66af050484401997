"""Score embeddings that lie in shards, with memory that does not grow with them, on any engine, and go on after a crash.

A shard is a ``.npy`` file ``(rows, d)`` of any number type. Two functions of one shard do all the work: its part of the
Hessian-vector product, which the solver asks for again and again, and the scores of its rows. Solution and scores are written
aside and renamed into a folder under a key made of everything they depend on; what is there is not done again.

What runs on an engine is in shard_tasks.py; how a shard is read, in shard_reading.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num

from yori.arrays import check_length
from yori.attribution.convergence import relative_gradient, warn_unconverged
from yori.attribution.inputs import check_inputs, check_share, check_targets
from yori.attribution.objectives import Objective, query
from yori.attribution.tracin import check_checkpoints
from yori.engines import Engine, open_engine
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum
from yori.main_job.shard_tasks import ShardTask, save_array, shard_gradients, shard_product, shard_scores
from yori.store import content_key
from yori.store.atomic import disk_errors
from yori.store.npy import open_npy
from yori.workers import Progress, silent

SAMPLE_ROWS_PER_DIMENSION = 8
"""The preconditioner looks at so many rows per dimension, evenly spaced in stretches."""

STRETCH = 256


def score_shards(
    shards: Sequence[str | Path],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    folder: str | Path,
    method: str = "influence",
    l2: float | None = None,
    objective: str | Objective = "nll",
    step_sizes: Sequence[float] | None = None,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    taking: Bool[np.ndarray, " n"] | None = None,
    link: str = "softmax",
    tolerance: float = 1e-5,
    engine: str = "process",
    workers: int | None = None,
    address: str | None = None,
    progress: Progress = silent,
) -> Float[np.ndarray, " n"]:
    """Influence or TracIn of every row of every shard.

    Parameters
    ----------
    shards
        ``.npy`` files ``(rows, d)``, in the order of ``labels``.
    labels
        ``(n,)``, or ``(n, c)`` for ``link="sigmoid"``, of all rows together.
    weights
        ``(c, d+1)``; for TracIn also ``(k, c, d+1)``.
    folder
        Where finished parts are kept; another call with the same inputs goes on from there.
    method
        ``influence`` or ``tracin``.
    l2
        For influence: the penalty the head was trained with.
    taking
        ``(n,)`` which rows are training examples; the others are neither used nor scored. By default all.
    engine, workers, address
        As for `yori.engines.open_engine`.

    Returns
    -------
    ``(n,)`` float64; **positive = the example helps**; NaN where ``taking`` is False.

    Raises
    ------
    SourceError
        If a shard is missing or no ``.npy`` file.
    CorruptError
        If a shard ends before its last row.
    ShapeError, ValuesError, ConvergenceError
        As `influence` and `tracin`.

    Warns
    -----
    UnconvergedWarning
        As `influence`.
    """
    where = "score_shards"
    if method not in ("influence", "tracin"):
        raise ValuesError("method influence or tracin", repr(method), where=where)
    heads, sizes = check_checkpoints(weights, step_sizes, where=where)
    if method == "influence" and (len(heads) > 1 or l2 is None or not l2 > 0):
        raise ValuesError("one head and l2 > 0 for influence", f"{len(heads)} and l2 {l2}", where=where)
    paths, counts, width = _opened(shards)
    n = sum(counts)
    targets = check_targets(labels, n, heads.shape[1], link, name="labels", where=where)
    asking = np.asarray(query_embeddings)
    given = check_inputs(asking[:1], query_labels[:1], heads[0], asking, query_labels, link=link, where=where)
    if width != given.rows.shape[1]:
        raise ShapeError(f"shards of {given.rows.shape[1]} columns", str(width), where=str(paths[0]))
    chosen = np.ones(n, dtype=np.bool_) if taking is None else np.asarray(taking, dtype=np.bool_)
    check_length(chosen, n, name="taking", where=where)
    if not chosen.any():
        raise ValuesError("at least one training example", "none", where=where)
    share = None if sample_weight is None else check_share(np.where(chosen, sample_weight, 0), n, where=where)
    gradients = [
        size * query(objective, given.asking, given.answers, head, link=link).gradient()
        for size, head in zip(sizes, heads, strict=True)
    ]
    directions = np.stack(gradients)
    key = content_key(
        method=method, l2=l2, tolerance=tolerance, link=link, heads=heads, directions=directions, labels=targets,
        share=np.zeros(0) if share is None else share, taking=chosen,
        shards=[[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths],
    )[:32]  # fmt: skip
    home = Path(folder) / key
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        save_array(home / "labels.npy", targets)
        save_array(home / "taking.npy", chosen)
        if share is not None:
            save_array(home / "share.npy", share)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).tolist()
    tasks = [
        ShardTask(
            path,
            start,
            count,
            home / "labels.npy",
            None if share is None else home / "share.npy",
            None if taking is None else home / "taking.npy",
            heads,
            directions,
            link,
            home / f"scores-{number:05d}.npy",
        )
        for number, (path, start, count) in enumerate(zip(paths, starts, counts, strict=True))
    ]
    with open_engine(engine, workers=workers, address=address) as opened:
        if l2 is not None and method == "influence":
            warn_unconverged(_gradient_norm(tasks, opened, home / "gradient_norm.npy", chosen, l2), where=where)
            solution = _solved(tasks, opened, home / "solution.npy", chosen, l2, tolerance, progress)
            tasks = [replace(task, directions=solution[None]) for task in tasks]
        missing = [task for task in tasks if task.out is not None and not task.out.exists()]
        for _ in opened.map(shard_scores, missing, what="score shards", progress=progress):
            pass
    scores = np.full(n, np.nan)
    for task in tasks:
        scores[task.start : task.start + task.rows] = open_npy(task.out) if task.out is not None else np.nan
    if method == "influence":
        scores *= 1 / chosen.sum() if share is None else share
    return scores


class ShardCurvature(Curvature):
    """A `Curvature` whose products are sums over shards; the preconditioner knows a sample of the rows."""

    def __init__(
        self,
        tasks: Sequence[ShardTask],
        engine: Engine,
        sample: Float[np.ndarray, "k d"],
        total: float,
        *,
        l2: float,
    ) -> None:
        link, head = tasks[0].link, tasks[0].heads[0]
        probs = LINKS[link].probs(sample.astype(np.float64) @ head[:, :-1].T + head[:, -1]).astype(sample.dtype)
        share = np.full(len(sample), 1 / len(sample), dtype=sample.dtype)
        super().__init__(sample, probs, share, l2=l2, link=link, spectrum=Spectrum.of(sample, exact=True))
        self.tasks, self.engine, self.total = tasks, engine, total

    def product(self, direction: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "c d1"]:
        """Hessian times ``direction``."""
        self.products += 1
        found = self.engine.total(shard_product, [replace(task, directions=direction[None]) for task in self.tasks])
        result: Float[np.ndarray, "c d1"] = found / self.total + self.l2 * direction
        return result


def _gradient_norm(
    tasks: Sequence[ShardTask], engine: Engine, path: Path, chosen: Bool[np.ndarray, " n"], l2: float
) -> float:
    """Of the training loss at the head; kept, so that a call that goes on says the same without reading the shards again."""
    if path.exists():
        return float(open_npy(path)[0])
    total = 1.0 if tasks[0].share is not None else float(chosen.sum())
    norm = relative_gradient(engine.total(shard_gradients, tasks) / total, tasks[0].heads[0], l2=l2)
    save_array(path, np.array([norm]))
    return norm


def _solved(
    tasks: Sequence[ShardTask],
    engine: Engine,
    path: Path,
    chosen: Bool[np.ndarray, " n"],
    l2: float,
    tolerance: float,
    progress: Progress,
) -> Float[np.ndarray, "c d1"]:
    if path.exists():
        return np.asarray(open_npy(path))
    sample = _sample(tasks, chosen)
    total = 1.0 if tasks[0].share is not None else float(chosen.sum())
    progress("solve", 0, 1)
    solution = ShardCurvature(tasks, engine, sample, total, l2=l2).solve(tasks[0].directions[0], tolerance=tolerance)
    save_array(path, solution)
    progress("solve", 1, 1)
    return solution


def _sample(tasks: Sequence[ShardTask], chosen: Bool[np.ndarray, " n"]) -> Float[np.ndarray, "k d"]:
    """Rows for the preconditioner: stretches, because single rows far apart would fetch a page each."""
    width = tasks[0].heads.shape[2]
    stretches = max(1, SAMPLE_ROWS_PER_DIMENSION * width // STRETCH)
    every = np.flatnonzero(chosen)
    kept: list[Any] = []
    for first in np.unique(np.linspace(0, max(0, len(every) - STRETCH), stretches).astype(np.int64)):
        rows = every[first : first + STRETCH]
        for task in tasks:
            own = rows[(rows >= task.start) & (rows < task.start + task.rows)] - task.start
            if len(own):
                kept.append(np.asarray(open_npy(task.path)[own]))
    found = np.concatenate(kept)
    found = found if found.dtype in (np.float32, np.float64) else found.astype(np.float32)
    finite: Float[np.ndarray, "k d"] = found[
        np.isfinite(found).all(axis=1)
    ]  # the others are named by the first product
    return finite if len(finite) else np.zeros((1, width - 1), dtype=found.dtype)


def _opened(shards: Sequence[str | Path]) -> tuple[list[Path], list[int], int]:
    paths = [Path(path) for path in shards]
    if not paths:
        raise ShapeError("at least one shard", "none", where="score_shards")
    shapes = [open_npy(path).shape for path in paths]
    for path, shape in zip(paths, shapes, strict=True):
        if len(shape) != 2 or shape[1] != shapes[0][-1]:
            raise ShapeError(f"shards of shape (rows, {shapes[0][-1]})", f"shape {shape}", where=str(path))
    return paths, [shape[0] for shape in shapes], shapes[0][1]
