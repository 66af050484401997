"""A recording that somebody sends: looked at before it is decoded, then read window by window, as in training.

A recording no longer than those of training is answered as a whole; a longer one is cut into windows of the task's clip
length. The last window ends with the recording, so nothing at its end is left unheard.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from yori.errors import SourceError, StoreError, ValuesError, YoriError
from yori.flywheel.released_model import Release
from yori.importers.inspection import SHORTEST_SECONDS
from yori.store import AudioInfo, audio_info, read_audio
from yori.store.audio import OVERHANG_SECONDS

SMALLEST_HOP = 0.01
HIGHEST_RATE = 1_000_000

MAGIC = (
    (b"RIFF", "wav"), (b"RF64", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (b"FORM", "aiff"),
    (b"caff", "caf"), (b".snd", "au"), (b"riff", "w64"), (b"\xff\xfb", "mp3"), (b"\xff\xf3", "mp3"), (b"\xff\xf2", "mp3"),
)  # fmt: skip
"""How sound files begin, and the usual end of their names."""


@dataclass(frozen=True)
class ClipLimits:
    """What may be sent: ``seconds`` of a recording, ``channels``, ``windows`` of one recording, samples decoded at a time."""

    seconds: float = 600.0
    channels: int = 32
    windows: int = 5000
    samples: int = 20_000_000


class Window(NamedTuple):
    """Part of a recording in seconds; a start of None means all of it."""

    start: float | None
    duration: float


def extension_of(content: bytes) -> str:
    """Usual end of the name of a sound file with this content, whatever its sender called it.

    Examples
    --------
    >>> extension_of(b"fLaC..."), extension_of(b"?")
    ('flac', 'bin')
    """
    return next((name for magic, name in MAGIC if content.startswith(magic)), "bin")


def windows_of(
    path: Path, release: Release, *, name: str, limits: ClipLimits = ClipLimits(), hop: float | None = None
) -> list[Window]:
    """Look at the header of a recording, and say in which windows it will be heard.

    Parameters
    ----------
    path
        Where it lies.
    release
        What was learned from clips of which length.
    name
        What its sender calls it, for messages.
    hop
        From one window to the next, in seconds; by default that of the task.

    Raises
    ------
    SourceError
        If it is no sound file that can be decoded.
    ValuesError
        If it is longer or has more channels than the limits, or ``hop`` is out of range.
    """
    audio = release.manifest["audio"]
    if audio is None:
        release.embed([np.zeros(1, np.float32)])  # says that it takes embeddings only
    with _renamed(name, path):
        info = audio_info(path)
    step = float(audio["hop"]) if hop is None else hop
    if not (math.isfinite(step) and step >= SMALLEST_HOP):
        raise ValuesError(f"a hop of at least {SMALLEST_HOP:g} s", f"{step:g}", where="hop")
    _check(info, name, limits)
    found = _cut(info, float(audio["window"]), float(audio["longest"]), step, most=limits.windows)
    samples = found[0].duration * info.rate * info.channels
    if samples > limits.samples:
        raise ValuesError(
            f"at most {limits.samples} samples to decode at a time", f"{samples:.3g}", where=name,
            fix="Send a shorter part of it.",
        )  # fmt: skip
    return found


def read_window(path: Path, window: Window, release: Release, *, name: str) -> Float32[np.ndarray, " samples"]:
    """Mono samples of a window at the rate that the release hears.

    Raises
    ------
    SourceError
        If it cannot be decoded.
    """
    duration = None if window.start is None else window.duration
    with _renamed(name, path):
        samples, _ = read_audio(path, start=window.start, duration=duration, sample_rate=release.sample_rate)
    return samples


def _cut(info: AudioInfo, window: float, longest: float, hop: float, *, most: int) -> list[Window]:
    if info.seconds <= longest + OVERHANG_SECONDS:
        return [Window(None, info.seconds)]
    count = max(1, math.floor((info.seconds - window) / hop + 1e-9) + 1)
    if count >= most:
        raise ValuesError(f"fewer than {most} windows", f"{count}", where="hop", fix="Use a longer hop.")
    starts = [round(number * hop, 6) for number in range(count)]
    end = info.seconds - window
    if end - starts[-1] > OVERHANG_SECONDS:
        starts.append(end)
    return [Window(start, window) for start in starts]


def _check(info: AudioInfo, name: str, limits: ClipLimits) -> None:
    if info.seconds > limits.seconds:
        raise ValuesError(
            f"at most {limits.seconds:g} s of sound", f"{info.seconds:.6g} s", where=name,
            fix="Send a shorter part of it.",
        )  # fmt: skip
    if info.seconds < SHORTEST_SECONDS:
        raise SourceError(f"at least {SHORTEST_SECONDS:g} s of sound", f"{info.seconds:.3g} s", where=name)
    if info.channels > limits.channels or info.rate > HIGHEST_RATE:
        raise ValuesError(
            f"at most {limits.channels} channels of at most {HIGHEST_RATE} Hz", f"{info.channels} of {info.rate} Hz",
            where=name,
        )  # fmt: skip


class _renamed:
    """Errors about a temporary file speak of what its sender called it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, str(path)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, YoriError) and not isinstance(error, StoreError):
            fix = "Send a sound file: WAV, FLAC, OGG, MP3, AIFF, or what else libsndfile reads."
            arrived = error.arrived.replace(self.path, self.name)
            raise type(error)(error.expected, arrived, where=self.name, fix=fix) from None


def pieces_of(
    path: Path, release: Release, *, name: str, limits: ClipLimits = ClipLimits(), hop: float | None = None
) -> Iterator[tuple[Window, Float32[np.ndarray, " samples"]]]:
    """Windows of a recording with their samples, decoded one after the other; see `windows_of`."""
    for window in windows_of(path, release, name=name, limits=limits, hop=hop):
        yield window, read_window(path, window, release, name=name)
