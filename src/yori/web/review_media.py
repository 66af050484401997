"""The files of items as a browser can show them: sound as WAV, its spectrogram as PNG, pictures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from yori.errors import SourceError
from yori.flywheel.item_files import ItemFiles
from yori.report.spectrogram import spectrogram_png
from yori.store import Project, wav_bytes

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
}
"""Pictures that cannot hold a program, which SVG can."""

MOST_PICTURE_BYTES = 50_000_000
_CACHE_BYTES = 128_000_000


class ReviewMedia:
    """Converts the files of items; what was made lately is kept in memory. Safe to use from several threads.

    Parameters
    ----------
    project
        Whose items they are.
    """

    def __init__(self, project: Project) -> None:
        self._files = ItemFiles(project)
        self._made: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def sound(self, item: Mapping[str, Any]) -> bytes:
        """A PCM16 WAV of the item's window, mono."""
        return self._kept("sound", item, lambda: wav_bytes(*self._files.samples(item)))

    def spectrogram(self, item: Mapping[str, Any]) -> bytes:
        """A PNG of the same window."""
        return self._kept("spectrogram", item, lambda: spectrogram_png(*self._files.samples(item)))

    def picture(self, item: Mapping[str, Any]) -> tuple[bytes, str]:
        """The picture as it is, and its media type.

        Raises
        ------
        SourceError
            If it is no picture a page may show, missing, or too large.
        """
        path, *_ = self._files.find(item)
        kind = PICTURES.get(path.suffix.lower())
        if kind is None:
            raise SourceError(f"a picture ({', '.join(PICTURES)})", repr(path.suffix), where=path.name)
        try:
            if path.stat().st_size > MOST_PICTURE_BYTES:
                raise SourceError(f"a picture under {MOST_PICTURE_BYTES:,} bytes", "a larger one", where=path.name)
            return path.read_bytes(), kind
        except OSError as error:
            raise SourceError("a picture that can be read", error.strerror or str(error), where=path.name) from error

    def text(self, item: Mapping[str, Any]) -> str:
        """The beginning of a text file."""
        return self._files.text(item)

    def neighbour(self, item: Mapping[str, Any], place: int) -> Mapping[str, Any]:
        """The neighbour at a place of the item's list, as something `sound` and the like can find."""
        neighbours = item["content"].get("neighbours") or []
        if not 0 <= place < len(neighbours):
            raise SourceError("a neighbour of the item", f"number {place}", where="neighbours")
        return {name: neighbours[place].get(name) for name in ("example_id", "media", "start", "duration")}

    def _kept(self, what: str, item: Mapping[str, Any], make: Callable[[], bytes]) -> bytes:
        path, start, duration = self._files.find(item)
        try:
            key = (what, str(path), path.stat().st_mtime_ns, start, duration)
        except OSError as error:
            raise SourceError("a file that can be read", error.strerror or str(error), where=path.name) from error
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = make()
        with self._lock:
            if key not in self._made:
                self._made[key] = made
                self._bytes += len(made)
            while self._bytes > _CACHE_BYTES and len(self._made) > 1:
                self._bytes -= len(self._made.popitem(last=False)[1])
        return made
