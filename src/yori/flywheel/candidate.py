"""The candidate of a turn: the head of the next data version on the backbone that serves, trained for as many steps.

The backbone is taken from the serving release as it is; only examples it has not embedded yet are embedded. Curation and
proof are those of `yori run`, on the assignment of the flywheel instead of a fresh split.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from yori.backbones.given import GIVEN, open_given
from yori.flywheel.assignment import cell_of
from yori.flywheel.gate import TestSet
from yori.flywheel.new_release import make_release
from yori.flywheel.released_model import BACKBONE, Release, release_path
from yori.prove.dataset import Dataset, dataset_of
from yori.prove.proof import Assigned, Proof, prove
from yori.splits import Cell, check_cell
from yori.store import EmbeddingShards, Project, content_key
from yori.store.audio import read_audio
from yori.task import Task
from yori.workers import Progress, silent


@dataclass(frozen=True)
class TurnData:
    """Data version, assignment and embeddings of a turn."""

    data: Dataset
    cell: Cell
    shards: EmbeddingShards

    def test_set(self, random: Collection[str] = ()) -> TestSet:
        """The test examples, judged by the verified label where there is one.

        ``random``: ids of examples that were asked for at random, whatever part they are in.
        """
        import pyarrow as pa

        rows = self.cell.test
        data = self.data
        vectors = self.shards.rows_of(pa.array([str(each) for each in data.ids[rows]], pa.string()))
        domains = None if data.domains is None else data.domains[rows]
        stream = np.isin(data.ids[rows].astype(str), sorted(random))
        return TestSet(data.ids[rows], vectors, data.truth[rows], data.groups[rows], domains, stream)


def turn_data(
    project: Project, task: Task, release: Release, parts: Mapping[str, str], *, turn: int, progress: Progress = silent
) -> TurnData:
    """Read the latest data version under the assignment, and embed what is new by the backbone of the release.

    Raises
    ------
    LeakError, SplitError
        If the assignment is not usable, such as a class that nobody trains on.
    """
    data = dataset_of(project, task)
    cell = cell_of(data, parts, turn=turn)
    check_cell(cell, data.ids, data.strata, data.groups, classes=(*data.classes, "(no label)"))
    return TurnData(data, cell, embed_new(project, task, release, data, progress=progress))


def embed_new(
    project: Project, task: Task, release: Release, data: Dataset, *, progress: Progress = silent
) -> EmbeddingShards:
    """Embeddings of all examples by the backbone of a release; those it has made before are copied."""
    if task.backbone.name == GIVEN:
        return open_given(project)
    ids = [str(each) for each in data.ids]
    digest = release.manifest["files"][BACKBONE]
    key = f"{task.backbone.name}-{content_key(frozen=digest, ids=ids, content=data.table['sha256'].to_pylist())[:32]}"
    if not project.has_stage("data/embeddings", key):
        vectors = _vectors(project, release, data, digest, progress)
        project.write_embeddings(key, lambda start: iter([vectors[start:]]), ids, {"backbone": task.backbone.name})
    if not project.has_stage("cache", f"{key}-model"):
        with project.stage_folder("cache", f"{key}-model") as folder:
            content = (release_path(project, release.release_id) / BACKBONE).read_bytes()
            (folder / "model.safetensors").write_bytes(content)
    return project.open_embeddings(key)


def _vectors(
    project: Project, release: Release, data: Dataset, digest: str, progress: Progress
) -> Float32[np.ndarray, "n d"]:
    known = _known(project, release, digest)
    result = np.empty((len(data), release.dimensions), dtype=np.float32)
    missing = []
    for row, name in enumerate(data.ids.tolist()):
        vector = known.get(str(name))
        if vector is None:
            missing.append(row)
        else:
            result[row] = vector
    table = data.table.select(["source", "uri", "start", "duration"]).to_pylist()
    for done, row in enumerate(missing):
        place = table[row]
        samples, _ = read_audio(
            project.locate(place["source"], place["uri"]),
            start=place["start"],
            duration=place["duration"],
            sample_rate=release.sample_rate,
        )
        result[row] = release.embed([samples])[0]
        if done % 20 == 0 or done + 1 == len(missing):
            progress("embed what is new", done + 1, len(missing))
    return result


def _known(project: Project, release: Release, digest: str) -> dict[str, Any]:
    """Embeddings that this very backbone has made: those of its release, and of the turns since."""
    found: dict[str, Any] = {}
    for shards in _of_backbone(project, release, digest):
        names = [str(each) for each in shards.ids.to_pylist()]
        start = 0
        for block in shards.blocks():
            found.update(zip(names[start : start + len(block)], block, strict=True))
            start += len(block)
    return found


def _of_backbone(project: Project, release: Release, digest: str) -> Iterator[EmbeddingShards]:
    key = release.manifest["backbone"]["embeddings"]
    if project.has_stage("data/embeddings", key):
        yield project.open_embeddings(key)


def candidate(
    project: Project,
    task: Task,
    turned: TurnData,
    serving: Release,
    *,
    turn: int,
    workers: int | None = None,
    progress: Progress = silent,
    finish: Any = lambda folder: None,
) -> tuple[Release, Proof]:
    """Curate, train at the serving head's number of steps, prove the edits, and make a release of the *after* head."""
    steps = serving.manifest["head"].get("steps")
    assigned = Assigned((turned.cell,), turned.shards.path.name, steps)
    proof = prove(project, assigned=assigned, workers=workers, progress=progress, finish=finish)
    return make_release(project, proof=Path(proof.path), turn=turn, workers=workers, progress=progress), proof
