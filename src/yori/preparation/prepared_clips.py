"""Write prepared copies of clips into the project, in processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yori.preparation.audio_steps import AudioStep
from yori.store import Project, read_audio, safe_join, sha256_bytes, wav_bytes
from yori.workers import Progress, map_in_processes, silent

CHUNK = 64


@dataclass(frozen=True)
class Source:
    """Where the samples of a clip are: a root, a path below it, and a window in seconds (None = all)."""

    root: str
    uri: str
    start: float | None
    duration: float | None


@dataclass(frozen=True)
class PreparedClip:
    """A copy in the source ``media``: its uri, the hash of its samples, its length in seconds."""

    uri: str
    sha256: str
    seconds: float


@dataclass(frozen=True)
class _Chunk:
    project: Path
    clips: tuple[Source, ...]
    steps: tuple[AudioStep, ...]


def prepare_clips(
    project: Project,
    clips: Sequence[Source],
    steps: Sequence[AudioStep],
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> list[PreparedClip]:
    """Apply steps to clips, in order; channels are averaged first. Copies are mono PCM16 WAV.

    Raises
    ------
    SourceError
        If a clip cannot be read.
    """
    tasks = [
        _Chunk(project.path, tuple(clips[begin : begin + CHUNK]), tuple(steps)) for begin in range(0, len(clips), CHUNK)
    ]
    parts: dict[int, list[PreparedClip]] = dict(
        map_in_processes(_prepare, tasks, workers=workers, what="prepare clips", progress=progress)
    )
    return [clip for number in range(len(tasks)) for clip in parts[number]]


def _prepare(chunk: _Chunk) -> list[PreparedClip]:
    project, done = Project(chunk.project), []
    for clip in chunk.clips:
        samples, rate = read_audio(safe_join(clip.root, clip.uri), start=clip.start, duration=clip.duration)
        for step in chunk.steps:
            samples, rate = step.apply(samples, rate)
        content = wav_bytes(samples, rate)
        digest = sha256_bytes(f"{rate} 1 {len(samples)}\n".encode() + np.asarray(samples, dtype="<f4").tobytes())
        done.append(PreparedClip(project.add_media(content, "wav"), digest, len(samples) / rate))
    return done
