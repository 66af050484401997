"""Measure every clip of a project once, in processes; finished pieces are kept and used again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from yori.audit.audio_faults import ClipMeasures
from yori.errors import CorruptError, SourceError, YoriError
from yori.signal.bandwidth import bandwidth
from yori.signal.clip_edges import clip_edges
from yori.signal.fingerprint import DIMENSIONS, fingerprint
from yori.signal.mains_hum import mains_hum
from yori.signal.quality import signal_quality
from yori.store import Project, content_key, read_audio, safe_join
from yori.store.audio import audio_info
from yori.workers import Progress, map_in_processes, silent

VERSION = 1
CHUNK = 256
MOST_SECONDS = 30.0
"""Of longer clips the first half minute is measured; how long they are is read from the file."""

_NUMBERS = ("level", "peak", "noise_floor", "clipped", "padding", "bandwidth", "offset", "dropout", "seconds", "start", "end",
            "hum", "hum_db", "rate")  # fmt: skip


@dataclass(frozen=True)
class _Chunk:
    project: Path
    key: str
    roots: tuple[str, ...]
    uris: tuple[str, ...]
    starts: tuple[float | None, ...]
    durations: tuple[float | None, ...]


def measure_clips(
    project: Project, examples: pa.Table, *, workers: int | None = None, progress: Progress = silent
) -> tuple[ClipMeasures, Float32[np.ndarray, "n d"]]:
    """Measures and fingerprints of all clips, in the order of ``examples``.

    Parameters
    ----------
    examples
        Rows with ``example_id``, ``uri``, ``source``, ``start``, ``duration``, ``sha256``.
    workers
        Processes; None = one for each processor.
    progress
        Told about finished pieces.

    Returns
    -------
    The measures, and ``(n, d)`` fingerprints, zeros where a clip could not be read.

    Raises
    ------
    CorruptError
        If an intermediate result is damaged.
    """
    roots = {name: str(place) for name, place in project.roots().items()}
    columns = {
        name: examples[name].to_pylist() for name in ("example_id", "uri", "source", "start", "duration", "sha256")
    }
    keys, tasks = [], []
    for begin in range(0, len(examples), CHUNK):
        part = {name: values[begin : begin + CHUNK] for name, values in columns.items()}
        places = tuple(roots.get(each or "", "") for each in part["source"])
        key = "audit-clips-" + content_key(
            version=VERSION, ids=part["example_id"], content=[each or "" for each in part["sha256"]],
            start=part["start"], duration=part["duration"], uris=[each or "" for each in part["uri"]],
        )[:32]  # fmt: skip
        keys.append(key)
        if not project.has_stage("cache", key):
            uris = tuple(each or "" for each in part["uri"])
            tasks.append(_Chunk(project.path, key, places, uris, tuple(part["start"]), tuple(part["duration"])))
    for _ in map_in_processes(_measure, tasks, workers=workers, what="measure clips", progress=progress):
        pass
    numbers, prints, problems = [], [], []
    for key in keys:
        folder = project.stage_path("cache", key)
        try:
            numbers.append(np.load(folder / "numbers.npy", allow_pickle=False))
            prints.append(np.load(folder / "prints.npy", allow_pickle=False))
            problems += json.loads((folder / "problems.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CorruptError(
                "readable measures", str(error), where=str(folder), fix="Remove the folder and audit again."
            ) from error
    table = np.concatenate(numbers) if numbers else np.zeros((0, len(_NUMBERS) + 1))
    arrays = {name: table[:, column] for column, name in enumerate(_NUMBERS)}
    readable = np.array([each == "" for each in problems], dtype=bool)
    measures = ClipMeasures(readable=readable, constant=table[:, -1] > 0, problem=problems, **arrays)
    return measures, np.concatenate(prints) if prints else np.zeros((0, DIMENSIONS), dtype=np.float32)


def _measure(chunk: _Chunk) -> None:
    numbers = np.full((len(chunk.uris), len(_NUMBERS) + 1), np.nan)
    prints = np.zeros((len(chunk.uris), DIMENSIONS), dtype=np.float32)
    problems = []
    for row, (root, uri) in enumerate(zip(chunk.roots, chunk.uris, strict=True)):
        try:
            numbers[row], prints[row] = _one(root, uri, chunk.starts[row], chunk.durations[row])
            problems.append("")
        except YoriError as error:
            numbers[row, _NUMBERS.index("rate")] = 0
            problems.append(f"expected {error.expected}, got {error.arrived}" if error.arrived else error.expected)
    with Project(chunk.project).stage_folder("cache", chunk.key) as folder:
        np.save(folder / "numbers.npy", numbers)
        np.save(folder / "prints.npy", prints)
        (folder / "problems.json").write_text(json.dumps(problems), encoding="utf-8")


def _one(
    root: str, uri: str, start: float | None, duration: float | None
) -> tuple[list[float], Float32[np.ndarray, " d"]]:
    if not root or not uri:
        raise SourceError("a sound file", "none named", where="audit")
    path = safe_join(root, uri)
    whole = audio_info(path).seconds - (start or 0.0) if duration is None else duration
    # Channels stay apart: clipping and offset of one channel vanish in the mean.
    samples, rate = read_audio(path, start=start, duration=min(whole, MOST_SECONDS), mono=False)
    quality = signal_quality(samples, rate)
    mono = samples.mean(axis=1, dtype=np.float32)
    edges, hum = clip_edges(mono, rate), mains_hum(mono, rate)
    measures = {
        "level": quality.level, "peak": quality.peak, "noise_floor": edges.noise_floor, "clipped": quality.clipped,
        "padding": edges.padding, "bandwidth": bandwidth(mono, rate), "offset": quality.offset,
        "dropout": quality.dropout, "seconds": whole, "start": edges.start, "end": edges.end, "hum": hum.frequency,
        "hum_db": hum.prominence, "rate": float(rate),
    }  # fmt: skip
    print_ = np.zeros(DIMENSIONS, dtype=np.float32) if quality.constant else fingerprint(mono, rate)
    return [*(measures[name] for name in _NUMBERS), float(quality.constant)], print_
