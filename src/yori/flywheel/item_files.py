"""The files of items: where they lie, and the window of sound that an item means.

The path comes from the database, never from a request, and must stay inside the project or the source the project names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from yori.errors import SourceError
from yori.store import Project, audio_info, read_audio, safe_join

MOST_SECONDS = 120.0
"""A longer clip is cut here; nobody labels two hours with one key."""

RATES = (8_000, 48_000)
"""Sample rates every browser plays; others are resampled to the nearest."""

MOST_TEXT = 100_000
_LOOK_AGAIN_SECONDS = 10.0

_Place = tuple[str | None, str | None, float | None, float | None]


class ItemFiles:
    """Finds and reads the files of items. Safe to use from several threads.

    Parameters
    ----------
    project
        The folder that media paths start from, and whose examples items may name.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._examples: dict[str, _Place] = {}
        self._looked = -_LOOK_AGAIN_SECONDS

    def find(self, item: Mapping[str, Any]) -> tuple[Path, float | None, float | None]:
        """Path, start and duration (seconds, None = beginning, to the end) of an item.

        Parameters
        ----------
        item
            With ``media``, a path inside the project, or the ``example_id`` of an example; ``start`` and ``duration``.

        Raises
        ------
        SourceError
            If it names no file.
        PathEscapeError
            If the file lies outside the folder it must stay in.
        """
        start, duration = item.get("start"), item.get("duration")
        if item.get("media") is not None:
            return safe_join(self._project.path, item["media"]), start, duration
        if item.get("example_id") is None:
            raise SourceError("an item with a file", "one without", where="media")
        source, uri, example_start, example_duration = self._example(item["example_id"])
        if source is None or uri is None:
            raise SourceError("an example with a file", "one without", where=item["example_id"])
        if start is None and duration is None:
            start, duration = example_start, example_duration
        return self._project.locate(source, uri), start, duration

    def window(self, item: Mapping[str, Any]) -> tuple[Path, float, float]:
        """Path, start and length in seconds of the sound of an item; at most `MOST_SECONDS`, never beyond the file's end."""
        path, start, duration = self.find(item)
        whole = audio_info(path).seconds
        start = min(start or 0.0, whole)
        return path, start, min(duration or whole, whole - start, MOST_SECONDS)

    def samples(self, item: Mapping[str, Any]) -> tuple[Float[np.ndarray, " samples"], int]:
        """The sound of that window, mono, at a rate every browser plays, and the rate."""
        path, start, duration = self.window(item)
        rate = audio_info(path).rate
        playable = min(max(rate, RATES[0]), RATES[1])
        return read_audio(path, start=start, duration=duration, sample_rate=None if playable == rate else playable)

    def text(self, item: Mapping[str, Any]) -> str:
        """The first `MOST_TEXT` characters of a text file."""
        path, *_ = self.find(item)
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return file.read(MOST_TEXT)
        except OSError as error:
            raise SourceError("a text that can be read", error.strerror or str(error), where=path.name) from error

    def _example(self, example_id: str) -> _Place:
        with self._lock:
            if example_id not in self._examples and time.monotonic() - self._looked >= _LOOK_AGAIN_SECONDS:
                names = ["example_id", "source", "uri", "start", "duration"]
                table = self._project.examples(columns=names)
                ids, *cells = (table[name].to_pylist() for name in names)
                self._examples = dict(zip(ids, zip(*cells, strict=True), strict=True))
                self._looked = time.monotonic()
            if example_id not in self._examples:
                raise SourceError("an example of the project", repr(example_id), where="media")
            return self._examples[example_id]
