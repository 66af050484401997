"""What can be seen and heard of an edited example, and how much of it fits into one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from yori.errors import YoriError
from yori.report.spectrogram import data_uri, spectrogram_png
from yori.store import Project, read_audio, safe_join, wav_bytes

MOST_BYTES = 25_000_000
"""Sound and pictures in one report, as they stand in the file (base64)."""

MOST_SECONDS = 10.0
HEARD_RATE = 16_000
"""Clips sampled faster are brought to this rate, which halves or thirds their size; slower ones stay as they are."""

Missing = Literal["modality", "project", "version", "file", "full"]
"""Why an example has no player: no sound at all, no project at hand, its data version gone, its file gone, no room left."""


@dataclass(frozen=True)
class Clip:
    """A player and a picture as data URIs; ``seconds`` as heard, ``whole_seconds`` of the example."""

    sound: str
    picture: str
    seconds: float
    whole_seconds: float

    @property
    def shortened(self) -> bool:
        """Whether only its beginning is there."""
        return self.seconds < self.whole_seconds - 0.01


@dataclass(frozen=True)
class Clips:
    """What was found for each example id: a clip, or why there is none."""

    found: Mapping[str, Clip | Missing]
    columns: Mapping[str, Mapping[str, Any]]

    def missing(self, why: Missing) -> int:
        """How many examples have no player for this reason."""
        return sum(each == why for each in self.found.values())


def clips_of(
    ids: Sequence[str],
    project: Project | None,
    *,
    version: int,
    modality: str,
    most_bytes: int = MOST_BYTES,
) -> Clips:
    """Read the clips of examples in order until the file is full.

    Parameters
    ----------
    ids
        Example ids, most important first.
    project
        The folder the proof was made from; None where only the proof is at hand.
    version
        Data version of the proof.
    modality
        Anything but ``audio`` has no players.

    Returns
    -------
    `Clips`, with domain and group of every example the project knows. A file that is missing or unreadable is a reason,
    never an error: the proof does not depend on it.
    """
    wanted = list(dict.fromkeys(ids))
    if project is None:
        return Clips(dict.fromkeys(wanted, "project" if modality == "audio" else "modality"), {})
    try:
        table = project.examples(version, ["example_id", "uri", "source", "start", "duration", "domain", "group"])
        roots = project.roots(version)
    except YoriError:
        return Clips(dict.fromkeys(wanted, "version" if modality == "audio" else "modality"), {})
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = table.filter(pc.is_in(table["example_id"], pa.array(wanted, pa.string()))).to_pylist()
    columns = {row["example_id"]: row for row in rows}
    if modality != "audio":
        return Clips(dict.fromkeys(wanted, "modality"), columns)
    found: dict[str, Clip | Missing] = {}
    spent = 0
    for each in wanted:
        clip = _clip(columns.get(each), roots) if spent < most_bytes else "full"
        if isinstance(clip, Clip):
            size = len(clip.sound) + len(clip.picture)
            if spent + size > most_bytes:
                clip, spent = "full", most_bytes
            else:
                spent += size
        found[each] = clip
    return Clips(found, columns)


def _clip(row: Mapping[str, Any] | None, roots: Mapping[str, Any]) -> Clip | Missing:
    if row is None or row["uri"] is None or row["source"] not in roots:
        return "file"
    try:
        path = safe_join(roots[row["source"]], row["uri"])
        whole = row["duration"]
        if whole is None:
            from yori.store import audio_info

            whole = audio_info(path).seconds - (row["start"] or 0.0)
        duration = min(whole, MOST_SECONDS)
        samples, rate = read_audio(path, start=row["start"], duration=duration)
        if rate > HEARD_RATE:
            samples, rate = read_audio(path, start=row["start"], duration=duration, sample_rate=HEARD_RATE)
    except YoriError:
        return "file"
    return Clip(
        sound=data_uri(wav_bytes(samples, rate), "audio/wav"),
        picture=data_uri(spectrogram_png(samples, rate), "image/png"),
        seconds=duration,
        whole_seconds=whole,
    )
