"""Which clips are copies of which: exactly, by the hash of their samples, or nearly, by fingerprint and waveform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from yori.importers.recording import Label
from yori.signal.near_duplicates import CORRELATION, aligned_correlation, candidate_pairs
from yori.store.audio import read_audio
from yori.store.paths import safe_join
from yori.workers import Progress, silent

COMPARED_HZ = 8000
"""Waveforms are compared at this rate: what two copies of different rates have in common."""

COMPARED_SECONDS = 10.0
"""Of longer clips, the middle of this length is compared."""

_KEPT_WAVEFORMS = 256
_PAIRS_PER_REPORT = 200


@dataclass(frozen=True)
class Copy:
    """One clip that is a copy of another.

    Parameters
    ----------
    clip, of
        Numbers of the two clips.
    exact
        Whether the samples are the same.
    correlation
        Of the aligned waveforms; 1 for exact copies.
    """

    clip: int
    of: int
    exact: bool
    correlation: float


def exact_copies(sha256: Sequence[str], labels: Sequence[Label]) -> list[Copy]:
    """For every clip whose samples an earlier clip has: that clip, of the same label if there is one.

    A clip without a label is a copy of one that has a label, also of a later one.

    Examples
    --------
    >>> copies = exact_copies(["x", "x", "y", "x"], ["dog", "cat", "dog", "dog"])
    >>> [(copy.clip, copy.of) for copy in copies]
    [(1, 0), (3, 0)]
    """
    order = sorted(range(len(sha256)), key=lambda clip: labels[clip] is None)  # labelled ones first, otherwise in order
    first: dict[str, int] = {}
    of_label: dict[tuple[str, Label], int] = {}
    copies = []
    for clip in order:
        content, label = sha256[clip], labels[clip]
        if content not in first:
            first[content] = clip
        else:
            copies.append(Copy(clip, of_label.get((content, label), first[content]), True, 1.0))
        of_label.setdefault((content, label), clip)
    return sorted(copies, key=lambda copy: copy.clip)


@dataclass(frozen=True)
class Waveform:
    """Where the samples of a clip are."""

    root: Path
    uri: str
    start: float | None
    seconds: float

    def middle(self) -> Float32[np.ndarray, " samples"]:
        """At most `COMPARED_SECONDS` of the clip, mono, at `COMPARED_HZ`."""
        start, seconds = self.start or 0.0, self.seconds
        if seconds > COMPARED_SECONDS:
            start, seconds = start + (seconds - COMPARED_SECONDS) / 2, COMPARED_SECONDS
        samples, _ = read_audio(safe_join(self.root, self.uri), start=start, duration=seconds, sample_rate=COMPARED_HZ)
        return samples


def near_copies(
    fingerprints: Float[np.ndarray, "n d"], waveforms: Sequence[Waveform], *, progress: Progress = silent
) -> list[Copy]:
    """Pairs of clips that are copies by fingerprint and by waveform; pairs that a chain of others joins are left out.

    Windows of one recording are not compared with each other: they belong to one group already.

    Parameters
    ----------
    fingerprints
        ``(n, d)``.
    waveforms
        ``(n,)`` where the clips are; files are read only for pairs whose fingerprints are alike.
    progress
        Told how many of these pairs were compared.
    """
    pairs = candidate_pairs(fingerprints, np.array([one.seconds for one in waveforms]), progress=progress)
    parent = list(range(len(waveforms)))

    def root(clip: int) -> int:
        while parent[clip] != clip:
            parent[clip] = parent[parent[clip]]
            clip = parent[clip]
        return clip

    @lru_cache(maxsize=_KEPT_WAVEFORMS)
    def samples(clip: int) -> Float32[np.ndarray, " samples"]:
        return waveforms[clip].middle()

    copies: list[Copy] = []
    total = len(pairs.first)
    progress("comparing clips", 0, total)
    for done, (a, b) in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), start=1):
        if done % _PAIRS_PER_REPORT == 0 or done == total:
            progress("comparing clips", done, total)
        if waveforms[a].uri == waveforms[b].uri or root(a) == root(b):
            continue
        correlation = aligned_correlation(samples(a), samples(b), COMPARED_HZ)
        if correlation >= CORRELATION:
            low, high = sorted((root(a), root(b)))
            parent[high] = low
            copies.append(Copy(b, a, False, correlation))
    return copies
