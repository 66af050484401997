"""Fit a backbone for every split and embed all examples with it, in processes, resumable.

One job is one training set. Fitting and embedding of different jobs run side by side; finished chunks of an interrupted run
are used again. The embeddings of a job are stored under a key made of everything they depend on: backbone and its
version, dimensions, seed, the training examples, and the content of every clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from yori.backbones import patches, statistics
from yori.backbones.spectrograms import REMAKE, SpectrogramCache, cache_spectrograms
from yori.backbones.whitening import MOST_ROWS, ShrunkWhitening, fit_whitening
from yori.errors import CorruptError, ShapeError, ValuesError
from yori.store import EmbeddingShards, Project, content_key
from yori.workers import Progress, map_in_processes, silent

BACKBONES: dict[str, ModuleType] = {"patches": patches, "statistics": statistics}
"""Backbones that need no download, by their name in task.yaml."""

CHUNK = 1024
FEW_CLIPS = 6000
"""Up to so many clips their pooled features fit in memory (32 KB each) and are computed once for fitting and embedding."""


@dataclass(frozen=True)
class EmbeddingJob:
    """One backbone to fit: on which examples (positions in the table), with which seed."""

    train: Int64[np.ndarray, " k"]
    seed: int


@dataclass(frozen=True)
class Backbone:
    """A fitted backbone: what its file learned, and the projection of its pooled features."""

    module: ModuleType
    features: Any
    whitening: ShrunkWhitening

    def encode(self, spectrograms: Sequence[Float32[np.ndarray, "_frames bands"]]) -> Float32[np.ndarray, "n d"]:
        """Embeddings of clips, ``(n, d)``."""
        return self.whitening.apply(self.module.pool(self.features, spectrograms))


@dataclass(frozen=True)
class _Job:
    project: Path
    key: str
    name: str
    dimensions: int
    job: EmbeddingJob
    folders: tuple[str, ...]
    counts: tuple[int, ...]
    begin: int = 0
    end: int = 0


def embedding_key(examples: pa.Table, *, name: str, dimensions: int, sample_rate: int, job: EmbeddingJob) -> str:
    """Content key of a job's embeddings."""
    ids = np.array(examples["example_id"].to_pylist(), dtype=str)
    key = content_key(
        backbone=BACKBONES[name].VERSION,
        dimensions=dimensions,
        sample_rate=sample_rate,
        seed=job.seed,
        ids=ids,
        content=[digest or "" for digest in examples["sha256"].to_pylist()],
        train=np.sort(ids[job.train]),
    )
    return f"{name}-{key[:32]}"


def _fit(task: _Job) -> None:
    """Fit; of few clips also embed all of them, because their pooled features are at hand."""
    cache = SpectrogramCache(task.project, task.folders, task.counts)
    module = BACKBONES[task.name]
    rng = np.random.default_rng(task.job.seed)
    train = np.sort(task.job.train)
    features = module.learn(cache.subset(train), rng=rng)
    chosen = np.sort(train[rng.permutation(len(train))[:MOST_ROWS]])
    few = len(cache) <= FEW_CLIPS
    pooled = module.pool(features, cache if few else cache.subset(chosen))
    whitening = fit_whitening(pooled[chosen] if few else pooled, task.dimensions)
    project = Project(task.project)
    if few:
        for begin in range(0, len(cache), CHUNK):
            # Chunk by chunk, as _encode does it: the last bits of a product depend on how many rows it has.
            _keep(project, task.key, begin, whitening.apply(pooled[begin : begin + CHUNK]))
    with project.stage_folder("cache", f"{task.key}-model") as folder:
        _save(
            folder / "model.safetensors",
            {**features.arrays(), "mean": whitening.mean, "projection": whitening.projection},
        )


def _keep(project: Project, key: str, begin: int, vectors: Float32[np.ndarray, "n d"]) -> None:
    if not project.has_stage("cache", f"{key}-{begin}"):
        with project.stage_folder("cache", f"{key}-{begin}") as folder:
            np.save(folder / "vectors.npy", vectors)


def _save(path: Path, arrays: dict[str, Any]) -> None:
    from safetensors.numpy import save

    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))  # an OSError if full


def load_backbone(project: Path, key: str, name: str) -> Backbone:
    """The fitted backbone of an embedding key.

    Raises
    ------
    CorruptError
        If its file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = project / "cache" / f"{key}-model"
    try:
        arrays = load_file(folder / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise CorruptError("a readable backbone", str(error), where=str(folder), fix=REMAKE) from None
    module = BACKBONES[name]
    return Backbone(module, module.features_of(arrays), ShrunkWhitening(arrays["mean"], arrays["projection"]))


def _encode(task: _Job) -> None:
    cache = SpectrogramCache(task.project, task.folders, task.counts)
    backbone = load_backbone(task.project, task.key, task.name)
    vectors = backbone.encode([cache[index] for index in range(task.begin, task.end)])
    _keep(Project(task.project), task.key, task.begin, vectors)


def embed(
    project: Project,
    examples: pa.Table,
    jobs: Sequence[EmbeddingJob],
    *,
    name: str,
    dimensions: int,
    sample_rate: int,
    workers: int | None = None,
    progress: Progress = silent,
) -> list[EmbeddingShards]:
    """Embeddings of all ``examples`` for every job, in the order of ``jobs``.

    Parameters
    ----------
    project, examples
        The project and its examples, in the order the embeddings will have.
    jobs
        Training sets and seeds.
    name, dimensions, sample_rate
        Backbone (a key of `BACKBONES`), largest size of the embedding, Hz.

    Raises
    ------
    ValuesError
        If nobody knows the backbone.
    ShapeError
        If a training set has fewer than two examples.
    CorruptError
        If an intermediate result on disk is damaged.
    """
    if name not in BACKBONES:
        raise ValuesError(f"a backbone out of {', '.join(BACKBONES)}", repr(name), where="backbone.name")
    for job in jobs:
        if len(job.train) < 2:
            raise ShapeError("at least two training examples", str(len(job.train)), where="backbone")
    keys = [embedding_key(examples, name=name, dimensions=dimensions, sample_rate=sample_rate, job=job) for job in jobs]
    missing = {key: job for key, job in zip(keys, jobs, strict=True) if not project.has_stage("data/embeddings", key)}
    if missing:
        cache = cache_spectrograms(project, examples, sample_rate=sample_rate, workers=workers, progress=progress)
        folders = tuple(folder.name for folder in cache.folders)
        counts = tuple(int(count) for count in np.diff(cache.first))
        to_fit = [
            _Job(project.path, key, name, dimensions, job, folders, counts)
            for key, job in missing.items()
            if not project.has_stage("cache", f"{key}-model")
        ]
        for _ in map_in_processes(_fit, to_fit, workers=workers, what="fit backbones", progress=progress):
            pass
        begins = range(0, len(examples), CHUNK)
        to_encode = [
            _Job(project.path, key, name, dimensions, job, folders, counts, begin, min(begin + CHUNK, len(examples)))
            for key, job in missing.items()
            for begin in begins
            if not project.has_stage("cache", f"{key}-{begin}")
        ]
        for _ in map_in_processes(_encode, to_encode, workers=workers, what="embed", progress=progress):
            pass
        for key, job in missing.items():
            _publish(project, key, examples["example_id"].to_pylist(), begins, {"backbone": name, "seed": job.seed})
    return [project.open_embeddings(key) for key in keys]


def _load(folder: Path) -> Float32[np.ndarray, "n d"]:
    try:
        vectors: Float32[np.ndarray, "n d"] = np.load(folder / "vectors.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorruptError("a readable chunk of embeddings", str(error), where=str(folder), fix=REMAKE) from None
    return vectors


def _publish(project: Project, key: str, ids: list[str], begins: range, meta: dict[str, Any]) -> None:
    import shutil

    folders = [project.stage_path("cache", f"{key}-{begin}") for begin in begins]

    def blocks(start: int) -> Any:
        seen = 0
        for folder in folders:
            vectors = _load(folder)
            if seen + len(vectors) > start:
                yield vectors[max(0, start - seen) :]
            seen += len(vectors)

    project.write_embeddings(key, blocks, ids, meta)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
