"""What an engine does with one shard: its part of a Hessian-vector product, of the gradient, and the scores of its rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Num

from yori.attribution.convergence import gradient_sums
from yori.attribution.tracin import gradient_products
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.main_job.shard_reading import shard_blocks
from yori.store.atomic import disk_errors
from yori.store.npy import open_npy


@dataclass(frozen=True)
class ShardTask:
    """What travels to a worker: where a shard is, which of all rows are its own, and a head with a direction.

    ``labels``, ``share``, ``taking``: ``.npy`` files for all rows; this shard's begin at ``start``. ``out``: where scores go.
    """

    path: Path
    start: int
    rows: int
    labels: Path
    share: Path | None
    taking: Path | None
    heads: Float[np.ndarray, "k c d1"]
    directions: Float[np.ndarray, "k c d1"]
    link: str
    out: Path | None = None


def shard_product(task: ShardTask) -> Float[np.ndarray, "c d1"]:
    """The shard's part of the Hessian-vector product, before the mean and without the penalty: ``Σ_i w_i B_i (h_i, 1)ᵀ``."""
    functions, (head, direction) = LINKS[task.link], (task.heads[0], task.directions[0])
    both = np.concatenate([head, direction])
    total = np.zeros(direction.shape)
    for start, rows, weight in _weighted(task):
        columns = both.astype(rows.dtype)
        joint = rows @ np.ascontiguousarray(columns[:, :-1].T)
        joint += columns[:, -1]
        classes = len(head)
        bent = functions.curvature_product(
            functions.probs(np.ascontiguousarray(joint[:, :classes])), joint[:, classes:]
        )
        if weight is not None:
            bent *= weight[:, None]
        total[:, :-1] += bent.T @ rows
        total[:, -1] += bent.sum(axis=0, dtype=np.float64)
        if not np.isfinite(total).all():
            _refuse(task, start, rows)
    return total


def shard_gradients(task: ShardTask) -> Float[np.ndarray, "two c d1"]:
    """The shard's part of the gradient at the head and at a zero head, as `gradient_sums`, before the mean."""
    labels = open_npy(task.labels)[task.start : task.start + task.rows]
    total = np.zeros((2, *task.heads[0].shape))
    for start, rows, weight in _weighted(task):
        own = np.asarray(labels[start : start + len(rows)])
        with np.errstate(invalid="ignore", over="ignore"):  # said below, with the row
            total += gradient_sums(rows, own, weight, task.heads[0], task.link)
        if not np.isfinite(total).all():
            _refuse(task, start, rows)
    return total


def shard_scores(task: ShardTask) -> str:
    """Write ``⟨p − t, D h⟩``, summed over the checkpoints, of every row of a shard; NaN where it is not taken."""
    labels = open_npy(task.labels)[task.start : task.start + task.rows]
    taking = None if task.taking is None else open_npy(task.taking)[task.start : task.start + task.rows]
    scores = np.full(task.rows, np.nan)
    for start, rows in shard_blocks(task.path):
        here = slice(start, start + len(rows))
        own = np.ones(len(rows), dtype=np.bool_) if taking is None else np.asarray(taking[here])
        if not own.any():
            continue
        kept = rows if own.all() else rows[own]
        with np.errstate(invalid="ignore", over="ignore"):  # said below, with the row
            found = gradient_products(kept, np.asarray(labels[here])[own], task.heads, task.directions, task.link)
        if not np.isfinite(found).all():
            _refuse(task, start, np.where(own[:, None], rows, 0))
        scores[here][own] = found
    if task.out is not None:
        with disk_errors(task.out):
            save_array(task.out, scores)
    return str(task.out)


def save_array(path: Path, array: Num[np.ndarray, "..."] | Bool[np.ndarray, "..."]) -> None:
    """Write aside and rename, so that a file that is there is whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def _weighted(
    task: ShardTask,
) -> Iterator[tuple[int, Float[np.ndarray, "b d"], Float[np.ndarray, " b"] | None]]:
    here = slice(task.start, task.start + task.rows)
    share = None if task.share is None else open_npy(task.share)[here]
    taking = None if task.taking is None else open_npy(task.taking)[here]
    for start, rows in shard_blocks(task.path):
        block = slice(start, start + len(rows))
        weight = None if share is None else np.asarray(share[block]).astype(rows.dtype)
        if taking is not None and weight is None:
            weight = np.asarray(taking[block]).astype(rows.dtype)
        if taking is not None and not np.asarray(taking[block]).all():
            rows = np.where(np.asarray(taking[block])[:, None], rows, 0)  # NaN times no weight would still be NaN
        yield start, rows, weight


def _refuse(task: ShardTask, start: int, rows: Float[np.ndarray, "b d"]) -> None:
    bad = ~np.isfinite(rows).all(axis=1)
    row = f"NaN or infinity in row {start + int(bad.argmax())}" if bad.any() else f"overflow near row {start}"
    raise ValuesError("finite numbers", row, where=str(task.path), fix="Remove or impute these rows first.")
