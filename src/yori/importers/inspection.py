"""Look at the audio of one recording, in a worker process: can it be read, what windows does it give, what is in them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from yori.errors import SourceError, ValuesError
from yori.signal.fingerprint import fingerprint
from yori.signal.quality import SignalQuality, signal_quality
from yori.store.audio import OVERHANG_SECONDS, AudioInfo, audio_info, read_audio
from yori.store.paths import safe_join

SHORTEST_SECONDS = 0.02
"""A whole file shorter than this holds no sound event, and no window of any front end."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a recording that becomes one example or is cut into windows; None = its beginning, its end."""

    start: float | None
    duration: float | None


@dataclass(frozen=True)
class InspectionTask:
    """What a worker is asked: recordings of one source and the stretches wanted of each.

    Parameters
    ----------
    root
        Folder of the source.
    uris
        ``(k,)`` paths below it.
    stretches
        ``(k,)`` tuples.
    window, hop
        In seconds; a window of None makes each stretch one example.
    """

    root: str
    uris: tuple[str, ...]
    stretches: tuple[tuple[Stretch, ...], ...]
    window: float | None
    hop: float | None


@dataclass(frozen=True)
class Clip:
    """One window, or one whole stretch.

    Parameters
    ----------
    stretch
        Number of the stretch it comes from.
    start
        Second in the recording; None if the clip is the whole file.
    seconds
        Its length.
    sha256
        Of the decoded samples, see `content_hash`.
    quality, fingerprint
        See `yori.signal`.
    """

    stretch: int
    start: float | None
    seconds: float
    sha256: str
    quality: SignalQuality
    fingerprint: Float32[np.ndarray, " d"]


@dataclass(frozen=True)
class Inspection:
    """What was found in one recording: clips, and ``(start, reason, detail)`` of what cannot be one."""

    clips: tuple[Clip, ...]
    problems: tuple[tuple[float | None, str, str], ...]


def inspect_recordings(task: InspectionTask) -> list[Inspection]:
    """Inspect the recordings of a task, one after the other.

    Raises
    ------
    PathEscapeError
        If a uri leads out of the root. Everything else that is wrong with a file is part of the result.
    """
    return [
        inspect_recording(task.root, uri, stretches, task.window, task.hop)
        for uri, stretches in zip(task.uris, task.stretches, strict=True)
    ]


def inspect_recording(
    root: str | Path, uri: str, stretches: tuple[Stretch, ...], window: float | None, hop: float | None
) -> Inspection:
    """Inspect one recording; only one window of it is in memory at a time."""
    path = safe_join(root, uri)
    if not path.is_file():
        return Inspection((), ((None, "missing", "no such file"),))
    try:
        info = audio_info(path)
    except SourceError as error:
        return Inspection((), ((None, *_why(path, error)),))
    clips: list[Clip] = []
    problems: list[tuple[float | None, str, str]] = []
    for number, stretch in enumerate(stretches):
        try:
            for start, seconds in _cut(stretch, info, window, hop, problems):
                clips.append(_clip(path, number, start, seconds))
        except SourceError as error:
            problems.append((stretch.start, "unreadable", _sentence(error)))
    return Inspection(tuple(clips), tuple(problems))


def content_hash(samples: Float32[np.ndarray, "samples channels"], rate: int) -> str:
    """SHA-256 of rate, number of channels and float32 samples: the same for the same sound in WAV or FLAC.

    Examples
    --------
    >>> x = np.array([[0.0], [0.5]], dtype=np.float32)
    >>> content_hash(x, 8000) == content_hash(x * 1, 8000), content_hash(x, 8000) == content_hash(x, 16000)
    (True, False)
    """
    digest = hashlib.sha256(f"{rate} {samples.shape[1]} {len(samples)}\n".encode())
    digest.update(np.ascontiguousarray(samples + np.float32(0), dtype="<f4").data)  # −0 becomes 0
    return digest.hexdigest()


def _clip(path: Path, number: int, start: float | None, seconds: float) -> Clip:
    samples, rate = read_audio(path, start=start, duration=None if start is None else seconds, mono=False)
    return Clip(
        number,
        start,
        len(samples) / rate,
        content_hash(samples, rate),
        signal_quality(samples, rate),
        fingerprint(samples, rate),
    )


def _cut(
    stretch: Stretch,
    info: AudioInfo,
    window: float | None,
    hop: float | None,
    problems: list[tuple[float | None, str, str]],
) -> list[tuple[float | None, float]]:
    """Start and length of each clip of a stretch, counted in whole samples."""
    first = round((stretch.start or 0.0) * info.rate)
    wanted = info.frames - first if stretch.duration is None else round(stretch.duration * info.rate)
    overhang = first + wanted - info.frames
    if first >= info.frames or overhang > round(info.rate * OVERHANG_SECONDS):
        asked = f"{first / info.rate:g} s to " + (
            "the end" if stretch.duration is None else f"{(first + wanted) / info.rate:g} s"
        )
        problems.append((stretch.start, "outside the file", f"{asked} of {info.seconds:g} s"))
        return []
    frames = min(wanted, info.frames - first)
    if window is None:
        if frames < SHORTEST_SECONDS * info.rate:
            detail = f"{frames / info.rate:g} s; at least {SHORTEST_SECONDS:g} s are needed"
            problems.append((stretch.start, "shorter than a window", detail))
            return []
        whole = stretch.start is None and stretch.duration is None
        return [(None if whole else first / info.rate, frames / info.rate)]
    size = round(window * info.rate)
    if frames < size:
        detail = f"{frames / info.rate:g} s of {window:g} s"
        problems.append((stretch.start, "shorter than a window", detail))
        return []
    step = hop or window
    found: list[tuple[float | None, float]] = []
    count = 0
    while (offset := round(count * step * info.rate)) + size <= frames:
        found.append((round((stretch.start or 0.0) + count * step, 6), window))
        end = offset + size
        count += 1
    if end < frames:
        detail = f"{(frames - end) / info.rate:g} s after the last window"
        problems.append((round((first + end) / info.rate, 6), "remainder", detail))
    return found


def _why(path: Path, error: SourceError) -> tuple[str, str]:
    """Reason and detail of a file that does not open."""
    import soundfile

    try:
        if os.path.getsize(path) == 0:
            return "empty", "a file of 0 bytes"
        with soundfile.SoundFile(path) as sound:
            if sound.frames == 0:
                return "empty", "a sound file without samples"
    except (OSError, RuntimeError, TypeError):
        pass
    return "unreadable", _sentence(error)


def _sentence(error: SourceError | ValuesError) -> str:
    """What an error says, without the path: the report has a column for it."""
    return f"expected {error.expected}, got {error.arrived}" if error.arrived else error.expected
