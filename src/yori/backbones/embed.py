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
from yori.backbones.spectrograms import SpectrogramCache, cache_spectrograms
from yori.errors import ValuesError
from yori.store import EmbeddingShards, Project, content_key
from yori.workers import Progress, map_in_processes, silent

BACKBONES: dict[str, ModuleType] = {"patches": patches, "statistics": statistics}
"""Backbones that need no download, by their name in task.yaml."""

CHUNK = 1024


@dataclass(frozen=True)
class EmbeddingJob:
    """One backbone to fit: on which examples (positions in the table), with which seed."""

    train: Int64[np.ndarray, " k"]
    seed: int


@dataclass(frozen=True)
class _Fit:
    project: Path
    key: str
    name: str
    dimensions: int
    job: EmbeddingJob
    folders: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class _Encode:
    project: Path
    key: str
    name: str
    begin: int
    end: int
    folders: tuple[str, ...]
    counts: tuple[int, ...]


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


def _fit(task: _Fit) -> None:
    cache = SpectrogramCache(task.project, task.folders, task.counts)
    module = BACKBONES[task.name]
    rng = np.random.default_rng(task.job.seed)
    model = module.fit(cache.subset(np.sort(task.job.train)), task.dimensions, rng=rng)
    with Project(task.project).stage_folder("cache", f"{task.key}-model") as folder:
        _save(folder / "model.safetensors", model.arrays())


def _save(path: Path, arrays: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def load_model(project: Path, key: str, name: str) -> Any:
    """The fitted backbone of an embedding key."""
    from safetensors.numpy import load_file

    return BACKBONES[name].model_of(load_file(project / "cache" / f"{key}-model" / "model.safetensors"))


def _encode(task: _Encode) -> None:
    cache = SpectrogramCache(task.project, task.folders, task.counts)
    model = load_model(task.project, task.key, task.name)
    vectors = BACKBONES[task.name].encode(model, [cache[index] for index in range(task.begin, task.end)])
    with Project(task.project).stage_folder("cache", f"{task.key}-{task.begin}") as folder:
        np.save(folder / "vectors.npy", vectors)


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
    """
    if name not in BACKBONES:
        raise ValuesError(f"a backbone out of {', '.join(BACKBONES)}", repr(name), where="backbone.name")
    keys = [embedding_key(examples, name=name, dimensions=dimensions, sample_rate=sample_rate, job=job) for job in jobs]
    missing = {key: job for key, job in zip(keys, jobs, strict=True) if not project.has_stage("data/embeddings", key)}
    if missing:
        cache = cache_spectrograms(project, examples, sample_rate=sample_rate, workers=workers, progress=progress)
        folders = tuple(folder.name for folder in cache.folders)
        counts = tuple(int(count) for count in np.diff(cache.first))
        to_fit = [
            _Fit(project.path, key, name, dimensions, job, folders, counts)
            for key, job in missing.items()
            if not project.has_stage("cache", f"{key}-model")
        ]
        for _ in map_in_processes(_fit, to_fit, workers=workers, what="fit backbones", progress=progress):
            pass
        begins = range(0, len(examples), CHUNK)
        to_encode = [
            _Encode(project.path, key, name, begin, min(begin + CHUNK, len(examples)), folders, counts)
            for key in missing
            for begin in begins
            if not project.has_stage("cache", f"{key}-{begin}")
        ]
        for _ in map_in_processes(_encode, to_encode, workers=workers, what="embed", progress=progress):
            pass
        for key, job in missing.items():
            _publish(project, key, examples["example_id"].to_pylist(), begins, {"backbone": name, "seed": job.seed})
    return [project.open_embeddings(key) for key in keys]


def _publish(project: Project, key: str, ids: list[str], begins: range, meta: dict[str, Any]) -> None:
    import shutil

    folders = [project.stage_path("cache", f"{key}-{begin}") for begin in begins]

    def blocks(start: int) -> Any:
        seen = 0
        for folder in folders:
            vectors: Float32[np.ndarray, "n d"] = np.load(folder / "vectors.npy", allow_pickle=False)
            if seen + len(vectors) > start:
                yield vectors[max(0, start - seen) :]
            seen += len(vectors)

    project.write_embeddings(key, blocks, ids, meta)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
