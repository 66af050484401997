"""The sample rate of a source: what most of its files have, so that most of them are heard as they are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from yori.errors import YoriError
from yori.importers import Listing
from yori.store import audio_info, safe_join

LOOKED_AT = 500
"""Of larger sources, so many files are looked at, evenly spaced."""


def sample_rate_of(listing: Listing) -> int | None:
    """The most frequent sample rate in Hz, the higher one of two equally frequent; None if no file can be read."""
    rates = _of_media(listing.media()) if listing.media else _of_files(listing)
    return most_frequent(rates)


def most_frequent(rates: Iterable[int]) -> int | None:
    """The value that occurs most often, the larger one in doubt.

    Examples
    --------
    >>> most_frequent([8000, 44100, 8000]), most_frequent([8000, 16000]), most_frequent([])
    (8000, 16000, None)
    """
    counts = Counter(rates)
    return max(counts, key=lambda rate: (counts[rate], rate), default=None)


def _of_files(listing: Listing) -> Iterator[int]:
    if listing.root is None:
        return
    uris = list(dict.fromkeys(one.uri for one in listing.recordings))
    step = max(1, len(uris) // LOOKED_AT)
    for uri in uris[::step]:
        try:
            yield audio_info(safe_join(Path(listing.root), uri)).rate
        except YoriError:
            continue  # the intake says what is wrong with it


def _of_media(clips: Iterable[tuple[bytes, str]]) -> Iterator[int]:
    import soundfile

    for content, _ in islice(clips, LOOKED_AT):
        try:
            yield int(soundfile.info(io.BytesIO(content)).samplerate)
        except (RuntimeError, OSError):
            continue
