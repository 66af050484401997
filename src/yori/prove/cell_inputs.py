"""From a data version to what a worker may know of a cell: embeddings, places, targets; no test example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from yori.backbones import EmbeddingJob, embed
from yori.backbones.given import GIVEN, open_given
from yori.errors import AlignmentError, ValuesError
from yori.prove.baseline import CellInput
from yori.prove.dataset import Dataset
from yori.splits import Cell
from yori.store import EmbeddingShards, Project
from yori.task import Task
from yori.workers import Progress


def embeddings_of(
    project: Project, task: Task, data: Dataset, cells: Sequence[Cell], workers: int | None, progress: Progress
) -> list[EmbeddingShards]:
    """Embeddings of all examples for every cell: the given ones, or of a backbone fitted on the training part of the cell."""
    if task.backbone.name == GIVEN:
        return [open_given(project)] * len(cells)
    if task.modality != "audio":
        raise ValuesError("backbone.name: given", task.backbone.name, where="task.yaml, modality: embeddings")
    jobs = [EmbeddingJob(cell.train, cell.seed) for cell in cells]
    return embed(
        project, data.table, jobs, name=task.backbone.name, dimensions=task.backbone.dimensions,
        sample_rate=task.audio.sample_rate, workers=workers, progress=progress,
    )  # fmt: skip


def places_of(data: Dataset, shards: EmbeddingShards) -> Int[np.ndarray, " n"]:
    """Row of every example in the embeddings."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(pa.array(data.ids.tolist(), pa.string()), shards.ids)
    if found.null_count:
        first = data.ids[pc.is_null(found).to_numpy(zero_copy_only=False)][0]
        raise AlignmentError(
            "an embedding for every example", f"{found.null_count} without, such as {first!r}", where=str(shards.path),
            fix="Import the embeddings of all examples.",
        )  # fmt: skip
    return found.to_numpy().astype(np.int64)


def input_of(project: Project, task: Task, data: Dataset, cell: Cell, shards: EmbeddingShards) -> CellInput:
    """What a worker may know of a cell: nothing of its test examples."""
    pool = np.concatenate([cell.train, cell.validation])
    n = len(cell.train)
    targets = data.targets[pool].copy()
    targets[n:] = data.truth[cell.validation]
    return CellInput(
        project=project.path,
        embeddings=shards.path.name,
        protocol=cell.protocol,
        seed=cell.seed,
        rows=places_of(data, shards)[pool],
        n_train=n,
        ids=data.ids[pool],
        targets=targets,
        validation_given=data.targets[cell.validation],
        truth=data.truth[cell.train],
        groups=data.groups[pool],
        domains=None if data.domains is None else data.domains[pool],
        weight=data.weight[pool],
        classes=len(data.classes),
        recipe=task.head,
    )
