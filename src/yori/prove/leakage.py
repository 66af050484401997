"""How much a split by random clip would flatter: cross-validated accuracy by clip beside by group, same embeddings, same head.

A diagnostic of the data, not of any arm; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Num

from yori.errors import SplitError
from yori.labels import out_of_fold_logits
from yori.prove.baseline import finite_rows
from yori.prove.tuning import outcomes
from yori.splits import group_folds
from yori.store import Project, content_key

FOLDS = 5
MOST = 20_000
"""More examples than this say nothing more."""


@dataclass(frozen=True)
class LeakageInput:
    """What a worker needs for one of the two numbers."""

    project: Path
    embeddings: str
    rows: Int[np.ndarray, " n"]
    targets: Num[np.ndarray, "n ..."]
    truth: Num[np.ndarray, "n ..."]
    groups: Int[np.ndarray, " n"]
    classes: int
    l2: float

    def key(self) -> str:
        """Content key."""
        return content_key(
            stage="leakage", version=1, embeddings=self.embeddings, rows=self.rows, targets=self.targets,
            truth=self.truth, groups=self.groups, classes=self.classes, l2=self.l2,
        )  # fmt: skip


def grouped_accuracy(task: LeakageInput) -> float:
    """Accuracy of out-of-fold predictions when no fold cuts one of ``groups``."""
    project = Project(task.project)
    key = task.key()
    if not project.has_stage("cache", key):
        vectors = finite_rows(project.open_embeddings(task.embeddings), task.rows)
        strata = task.targets.astype(np.int64) if task.targets.ndim == 1 else task.targets.argmax(axis=1)
        fold = group_folds(strata, task.groups, FOLDS, rng=np.random.default_rng(0))
        logits = out_of_fold_logits(
            vectors, task.targets, fold, classes=task.classes, l2=task.l2,
            link="softmax" if task.targets.ndim == 1 else "sigmoid", tolerance=1e-3,
        )  # fmt: skip
        _, correct = outcomes(logits, task.truth)
        with project.stage_folder("cache", key) as folder:
            (folder / "accuracy.txt").write_text(repr(float(correct.mean())), encoding="utf-8")
    return float((project.stage_path("cache", key) / "accuracy.txt").read_text(encoding="utf-8"))


def leakage_inputs(base: dict[str, Any], groups: Int[np.ndarray, " n"]) -> list[LeakageInput]:
    """The two tasks, by clip and by group; none where groups hold one example each or are fewer than the folds.

    Parameters
    ----------
    base
        Fields of `LeakageInput` but ``groups``.
    groups
        What the split keeps together.
    """
    numbers = len(np.unique(groups))
    if numbers == len(groups) or numbers < FOLDS:
        return []
    keep = np.arange(len(groups))
    if len(groups) > MOST:
        order = np.random.default_rng(0).permutation(numbers)
        rank = np.argsort(order)[np.unique(groups, return_inverse=True)[1]]
        keep = np.sort(np.argsort(rank, kind="stable")[:MOST])
    fields = {**base, "rows": base["rows"][keep], "targets": base["targets"][keep], "truth": base["truth"][keep]}
    try:
        return [LeakageInput(**fields, groups=np.arange(len(keep))), LeakageInput(**fields, groups=groups[keep])]
    except SplitError:
        return []
