"""What would become examples: the clips of every recording, with what is listed about them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from yori.importers.arrays import ArraysListing
from yori.importers.inspection import Clip, Inspection, InspectionTask, Stretch, inspect_recordings
from yori.importers.recording import LeftOut, Listing, Recording
from yori.signal.quality import NEAR_SILENCE_DBFS, SignalQuality
from yori.workers import Progress, map_in_processes

RECORDINGS_PER_TASK = 16


@dataclass(frozen=True)
class Candidate:
    """One clip or embedding that would become an example.

    Parameters
    ----------
    recording
        Where it comes from.
    example_id
        Its id.
    sha256
        Of its content.
    start, seconds
        Its place in the recording; a start of None means the whole file. None for embeddings.
    quality, fingerprint
        Of its audio; None for embeddings.
    """

    recording: Recording
    example_id: str
    sha256: str
    start: float | None = None
    seconds: float | None = None
    quality: SignalQuality | None = None
    fingerprint: Float32[np.ndarray, " d"] | None = None


def embedding_candidates(listing: ArraysListing) -> list[Candidate]:
    """One candidate for each embedding."""
    return [
        Candidate(recording, recording.example_id or "", sha256, recording.start, recording.duration)
        for recording, sha256 in zip(listing.recordings, listing.hashes, strict=True)
    ]


def audio_candidates(
    listing: Listing,
    root: str,
    *,
    window: float | None,
    hop: float | None,
    prefix: str = "",
    workers: int | None,
    progress: Progress,
) -> tuple[list[Candidate], list[LeftOut]]:
    """Inspect every recording and return its clips in the order of the listing, and what is listed about them."""
    stretches: dict[str, list[Stretch]] = {}
    numbers = []
    for recording in listing.recordings:
        wanted = stretches.setdefault(recording.uri, [])
        numbers.append(len(wanted))
        wanted.append(Stretch(recording.start, recording.duration))
    found = _inspect(root, stretches, window, hop, workers, progress)
    candidates: list[Candidate] = []
    left_out: list[LeftOut] = []
    for uri, inspection in found.items():
        left_out += [LeftOut(uri, reason, detail, start=start) for start, reason, detail in inspection.problems]
    for recording, number in zip(listing.recordings, numbers, strict=True):
        for clip in found[recording.uri].clips:
            if clip.stretch != number:
                continue
            left_out += remarks(recording.uri, clip)
            if not clip.quality.constant:
                name = _name(recording, clip, window, prefix)
                candidates.append(
                    Candidate(recording, name, clip.sha256, clip.start, clip.seconds, clip.quality, clip.fingerprint)
                )
    return candidates, left_out


def remarks(uri: str, clip: Clip) -> Iterator[LeftOut]:
    """What is poor about the audio of a clip; only digital silence leaves it out."""
    quality = clip.quality

    def remark(reason: str, detail: str) -> LeftOut:
        return LeftOut(uri, reason, detail, "kept", clip.start)

    if quality.constant:
        yield LeftOut(uri, "digital silence", f"all samples are {quality.offset:g}", start=clip.start)
        return
    if quality.is_near_silent:
        yield remark("near silence", f"{quality.level:.0f} dBFS, below {NEAR_SILENCE_DBFS:g}")
    if quality.is_clipped:
        yield remark("clipping", f"{100 * quality.clipped:.2g} % of the samples, at {quality.peak:.1f} dBFS")
    if quality.has_offset:
        around = f"around a sound of {quality.level:.0f} dBFS" if math.isfinite(quality.level) else ""
        yield remark("constant offset", f"{quality.offset:.4f} {around}".strip())
    if quality.has_dropout:
        yield remark("dropout", f"{1000 * quality.dropout:.0f} ms of zeros")


def _inspect(
    root: str,
    stretches: dict[str, list[Stretch]],
    window: float | None,
    hop: float | None,
    workers: int | None,
    progress: Progress,
) -> dict[str, Inspection]:
    uris = list(stretches)
    tasks = []
    for begin in range(0, len(uris), RECORDINGS_PER_TASK):
        part = tuple(uris[begin : begin + RECORDINGS_PER_TASK])
        tasks.append(InspectionTask(root, part, tuple(tuple(stretches[uri]) for uri in part), window, hop))
    # A handful of files is inspected sooner than processes start.
    count = 1 if len(tasks) < 4 and workers is None else workers
    found: dict[str, Inspection] = {}
    for index, inspections in map_in_processes(
        inspect_recordings, tasks, workers=count, what="inspecting audio", progress=progress
    ):
        found.update(zip(tasks[index].uris, inspections, strict=True))
    return found


def _name(recording: Recording, clip: Clip, window: float | None, prefix: str) -> str:
    """The given id or the uri, with the time as a W3C media fragment where that alone would not name the clip."""
    name = recording.example_id or prefix + recording.uri
    if clip.start is None or (window is None and recording.example_id is not None):
        return name
    return f"{name}#t={clip.start:.3f},{clip.start + clip.seconds:.3f}"
