"""What selection may look at: labelled examples that are not test, candidates without a label, and their embeddings.

Test examples of the first cell of the task's splits are left out with their labels and their embeddings. Where no
split can be made yet, because there are too few labels, everything labelled is material and nothing is claimed about
a test set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Num, Shaped

from yori.backbones import EmbeddingJob, embed
from yori.backbones.given import GIVEN, open_given
from yori.errors import AlignmentError, SourceError, SplitError, ValuesError
from yori.prove.baseline import finite_rows
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.selection import Labelled, penalty_of
from yori.splits import cluster_names
from yori.store import EmbeddingShards, Project
from yori.task import Task, parse_task
from yori.workers import Progress, silent

RATIO = 0.03
"""Penalty of the head in units of the mean squared embedding value, where the task does not name one."""

WHOLE_SETS = "An example counts as right only if all of its labels are."


@dataclass(frozen=True)
class Material:
    """Labelled examples sorted by id, and candidates sorted by id.

    ``labels``: ``(n,)``, or multi-hot ``(n, c)`` where an example can have several.
    ``rows`` and ``candidate_rows`` are positions in the stored embeddings. ``domains`` and ``candidate_domains`` are
    None where some example has none. ``test``: how many labelled examples were left out because they are test.
    ``copies``: candidates left out because they are near-copies of a labelled example or of an earlier candidate.
    """

    project: Project
    task: Task
    shards: EmbeddingShards = field(repr=False)
    ids: Shaped[np.ndarray, " n"]
    rows: Int[np.ndarray, " n"]
    labels: Num[np.ndarray, "n ..."]
    groups: Int[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None
    candidates: pa.Table = field(repr=False)
    candidate_rows: Int[np.ndarray, " m"]
    candidate_domains: Shaped[np.ndarray, " m"] | None
    test: int
    copies: int
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """How many the task has."""
        return len(self.task.class_names)

    @property
    def link(self) -> str:
        """``softmax`` for one label per example, ``sigmoid`` for several."""
        return "sigmoid" if self.task.labels == "multiple" else "softmax"

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of each example; of several labels the rarest, of none one more class."""
        return Labelled(np.empty((len(self.labels), 0)), self.labels, self.classes, 1.0).strata

    def label_texts(self) -> list[str]:
        """The labels as text, several joined by ``;``."""
        names = self.task.class_names
        if self.labels.ndim == 1:
            return [names[k] for k in self.labels]
        return [";".join(name for name, there in zip(names, row, strict=True) if there) for row in self.labels]

    def penalty(self, embeddings: Float[np.ndarray, "k d"]) -> float:
        """Penalty of the head: the task's, or in units of the embeddings."""
        return self.task.head.l2 or penalty_of(embeddings, RATIO)

    def vectors(self, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k d"]:
        """Embeddings, refused where a number is not finite."""
        return finite_rows(self.shards, rows)


def material_of(
    folder: str | Path, *, need_labels: bool = False, workers: int | None = None, progress: Progress = silent
) -> Material:
    """Read a project and embed it.

    Parameters
    ----------
    folder
        The project folder.
    need_labels
        Refuse a project without labels instead of going on with candidates alone.

    Raises
    ------
    ValuesError
        If a label is no class of the task.
    SourceError
        If there is no example, or no labelled one and ``need_labels``.
    """
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    table = project.examples()
    if len(table) == 0:
        raise SourceError("examples", "none", where=str(project.path), fix="Import some: yori import")
    data, held_out, notes = _labelled(project, task, need_labels)
    tested = set() if data is None else {str(each) for each in data.ids[held_out].tolist()}
    outside = np.array([each not in tested for each in table["example_id"].to_pylist()])
    shards = _embeddings(project, task, table, outside, workers, progress)
    inside = np.array([], dtype=np.int64)
    if data is not None:
        inside = np.setdiff1d(np.arange(len(data)), held_out)
    ids = np.array([], dtype=object) if data is None else data.ids[inside]
    unlabelled = table.filter(table["label"].is_null())
    candidates, copies = _without_copies(table, unlabelled)
    return Material(
        project=project,
        task=task,
        shards=shards,
        ids=ids,
        rows=_place(ids.tolist(), shards),
        labels=_no_labels(task) if data is None else _plain(data.targets[inside]),
        groups=np.array([], dtype=np.int64) if data is None else data.groups[inside],
        domains=None if data is None or data.domains is None else _all_named(data.domains[inside]),
        candidates=candidates,
        candidate_rows=_place(candidates["example_id"].to_pylist(), shards),
        candidate_domains=_all_named(np.array([each or "" for each in candidates["domain"].to_pylist()], dtype=object)),
        test=len(tested),
        copies=copies,
        notes=notes if task.labels == "single" else (*notes, WHOLE_SETS),
    )


def _labelled(
    project: Project, task: Task, need_labels: bool
) -> tuple[Dataset | None, Int[np.ndarray, " t"], tuple[str, ...]]:
    """The labelled examples, which of them are test, and what has to be said about it."""
    nothing = np.array([], dtype=np.int64)
    labels = [each for each in project.examples(columns=["label"])["label"].to_pylist() if each is not None]
    classes = {name for each in labels for name in ([each] if isinstance(each, str) else each)}
    if not need_labels and len(classes) < 2:
        known = len(labels)
        return None, nothing, (f"{known} labelled examples of fewer than two classes: no head, no simulation.",)
    data = dataset_of(project, task)
    try:
        return data, cells_of(data, task)[0].test, ()
    except SplitError as error:
        return data, nothing, (f"No test set can be set aside yet ({error}) All labelled examples are used.",)


def _no_labels(task: Task) -> Num[np.ndarray, "0 ..."]:
    return np.empty((0, len(task.class_names)) if task.labels == "multiple" else 0, dtype=np.int64)


def _plain(targets: Num[np.ndarray, "n ..."]) -> Num[np.ndarray, "n ..."]:
    return targets.astype(np.int64) if targets.ndim == 1 else targets.astype(np.float32)


def _embeddings(
    project: Project,
    task: Task,
    table: pa.Table,
    outside: Shaped[np.ndarray, " n"],
    workers: int | None,
    progress: Progress,
) -> EmbeddingShards:
    """Embeddings of all examples; the backbone learns from every example that is not test, labelled or not."""
    if task.backbone.name == GIVEN:
        return open_given(project)
    if task.modality != "audio":
        raise ValuesError("backbone.name: given", task.backbone.name, where="task.yaml, modality: embeddings")
    job = EmbeddingJob(np.flatnonzero(outside), task.splits.seed)
    return embed(
        project, table, [job], name=task.backbone.name, dimensions=task.backbone.dimensions,
        sample_rate=task.audio.sample_rate, workers=workers, progress=progress,
    )[0]  # fmt: skip


def _without_copies(table: pa.Table, unlabelled: pa.Table) -> tuple[pa.Table, int]:
    """Candidates of which no near-copy is labelled or comes before."""
    clusters, labels = _clusters(table), table["label"].to_pylist()
    known = {each for each, label in zip(clusters, labels, strict=True) if label is not None}
    kept = []
    for each in _clusters(unlabelled):
        kept.append(each not in known)
        known.add(each)
    return unlabelled.filter(pa.array(kept, pa.bool_())), len(kept) - sum(kept)


def _clusters(table: pa.Table) -> list[str]:
    return cluster_names(table["example_id"].to_pylist(), table["duplicates"].to_pylist()).tolist()


def _all_named(domains: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"] | None:
    return None if len(domains) == 0 or (domains == "").any() else domains


def _place(ids: list[str], shards: EmbeddingShards) -> Int[np.ndarray, " n"]:
    import pyarrow.compute as pc

    found = pc.index_in(pa.array(ids, pa.string()), shards.ids)
    if found.null_count:
        first = ids[int(np.flatnonzero(pc.is_null(found).to_numpy(zero_copy_only=False))[0])]
        raise AlignmentError(
            "an embedding for every example", f"{found.null_count} without, such as {first!r}", where=str(shards.path),
            fix="Import the embeddings of all examples.",
        )  # fmt: skip
    return found.to_numpy().astype(np.int64)
