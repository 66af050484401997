"""Small projects of embeddings in which everything is known: classes, groups, domains and which labels are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from yori.prove.baseline import CellInput
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.prove.proof import input_of
from yori.splits import Cell
from yori.store import Project
from yori.synthetic import MixtureEmbeddings, flip_labels, gaussian_mixture_embeddings
from yori.task import Task, parse_task

CLASSES = ("a", "b", "c", "d")
N, DIMENSIONS = 600, 16
WRONG = 0.1

TASK = """format: 1
name: mixture
modality: embeddings
classes: [a, b, c, d]
columns: {label: label, domain: domain, group: group, verified: verified}
backbone: {name: given, dimensions: 16}
splits: {protocols: [id, lodo]}
head: {epochs: 10, batch_size: 64}
budget: {edits: 0.05}
seeds: 2
"""

SMALL_TASK = """format: 1
name: small
modality: embeddings
classes: [a, b, c, d]
columns: {label: label, domain: domain, group: group, verified: verified}
backbone: {name: given, dimensions: 16}
splits: {protocols: [id]}
head: {epochs: 2, batch_size: 32, l2: 0.1}
secondary: [nll]
budget: {edits: 0.05}
seeds: 1
"""


def mixture(n: int = N) -> MixtureEmbeddings:
    """Groups of three, three domains, no label errors yet."""
    return gaussian_mixture_embeddings(n, DIMENSIONS, 4, groups=n // 3, domains=3, label_noise=0.0,
                                       rng=np.random.default_rng(7))  # fmt: skip


def columns(data: MixtureEmbeddings) -> dict[str, Any]:
    """Rows with 10 % wrong labels, and the truth as verified labels."""
    noisy, _ = flip_labels(data.true_labels, WRONG, classes=4, rng=np.random.default_rng(8))
    return {
        "example_id": [f"e{row:04}" for row in range(len(noisy))],
        "label": [CLASSES[each] for each in noisy],
        "verified": [CLASSES[each] for each in data.true_labels],
        "group": [f"g{each:04}" for each in data.groups],
        "domain": [f"site{each}" for each in data.domains],
    }


def make_project(
    folder: Path,
    *,
    task: str = TASK,
    n: int = N,
    embeddings: np.ndarray | None = None,
    ids: list[str] | None = None,
    **changed: Any,
) -> Project:
    """A project with embeddings under ``given``; ``changed`` columns replace those of `columns`, None leaves one out.

    ``embeddings`` and ``ids`` replace what is stored as embeddings.
    """
    data = mixture(n)
    rows: Mapping[str, Any] = {**columns(data), **changed}
    table = pa.table({name: values for name, values in rows.items() if values is not None})
    project = Project.create(folder, task)
    project.add_rows(table, sources={}, message="a mixture", who="ann")
    vectors = data.embeddings if embeddings is None else embeddings
    project.write_embeddings("given", [vectors], ids or list(rows["example_id"]))
    return project


def make_small(folder: Path, *, n: int = 120, **how: Any) -> Project:
    """120 examples, one cell, a head that trains in a moment."""
    return make_project(folder, **{"task": SMALL_TASK, **how}, n=n)


def split_column(n: int) -> list[str]:
    """Train, validation and test by group, three examples each, most of it training."""
    words = ["train", "train", "train", "validation", "test"]
    return [words[int(group) % 5] for group in mixture(n).groups]


def inputs_of(project: Project) -> tuple[Task, Dataset, list[Cell], list[CellInput]]:
    """Task, data, cells and what each cell's worker is given."""
    task = parse_task(project.task_text(), name="task.yaml")
    data = dataset_of(project, task)
    cells = cells_of(data, task)
    shards = project.open_embeddings("given")
    return task, data, cells, [input_of(project, task, data, cell, shards) for cell in cells]


def poison(project: Project, rows: list[int]) -> None:
    """Write NaN over rows of the stored embeddings, behind the back of the store, which refuses them."""
    path = project.stage_path("data/embeddings", "given") / "00000.npy"
    vectors = np.load(path)
    vectors[rows] = np.nan
    path.chmod(0o644)
    np.save(path, vectors)
