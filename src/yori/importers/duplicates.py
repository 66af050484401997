"""What an import does about copies.

The same samples under the same label are one example: the first stays. The same samples under different labels are kept,
one for each label, because one of the labels is wrong and a person should see both. Copies that are not exact are kept,
too: an augmented clip may be meant. What must not happen is that a split tears copies apart, so they share a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yori.importers.candidates import Candidate
from yori.importers.copies import Copy, Waveform, exact_copies, near_copies
from yori.importers.known import Known
from yori.importers.recording import Label, LeftOut
from yori.signal.near_duplicates import cluster_pairs
from yori.workers import Progress, silent


@dataclass(frozen=True)
class Settled:
    """The candidates that stay.

    Parameters
    ----------
    kept
        In the order they came.
    cluster
        Name of the cluster of each kept candidate that has copies, by id.
    listed
        What is said about copies.
    """

    kept: list[Candidate]
    cluster: Mapping[str, str]
    listed: list[LeftOut]


@dataclass(frozen=True)
class _Entry:
    """An example of the project (``new`` is False) or a candidate; ``candidate`` is None if its content is not here."""

    example_id: str
    sha256: str
    label: Label
    cluster: str
    candidate: Candidate | None
    new: bool


def settle_copies(
    known: Known,
    seen: Sequence[Candidate],
    new: Sequence[Candidate],
    *,
    root: Path | None,
    keep_exact: bool,
    progress: Progress = silent,
) -> Settled:
    """Decide which new candidates stay and which belong together.

    Parameters
    ----------
    known
        The project.
    seen
        Candidates that the project has: they are not added again, but new ones can be copies of them.
    new
        Candidates it does not have.
    root
        Folder of the audio; None = there is none, and near copies are not looked for.
    keep_exact
        Keep exact copies of the same label in a cluster instead of leaving them out.
    progress
        Told about the comparison of near copies.
    """
    entries = _entries(known, seen, new)
    exact = exact_copies([one.sha256 for one in entries], [one.label for one in entries])
    gone = {
        copy.clip
        for copy in exact
        if not keep_exact and entries[copy.clip].new and _agree(entries, copy, unlabelled=True)
    }
    copies = [copy for copy in exact if copy.clip not in gone]
    if root is not None:
        copies += _near(entries, root, {copy.clip for copy in exact}, progress)
    listed = [_exact_line(entries, copy, copy.clip in gone) for copy in exact if entries[copy.clip].new]
    listed += [_near_line(entries, copy) for copy in copies if not copy.exact and entries[copy.clip].new]
    joined = cluster_pairs(
        len(entries),
        np.array([copy.clip for copy in copies], dtype=np.int64),
        np.array([copy.of for copy in copies], dtype=np.int64),
    ).tolist()
    sizes = Counter(joined)
    kept = [place for place, one in enumerate(entries) if one.new and place not in gone]
    return Settled(
        kept=[candidate for place in kept if (candidate := entries[place].candidate) is not None],
        cluster={
            entries[place].example_id: entries[joined[place]].cluster for place in kept if sizes[joined[place]] > 1
        },
        listed=listed,
    )


def _entries(known: Known, seen: Sequence[Candidate], new: Sequence[Candidate]) -> list[_Entry]:
    """Examples of the project first, so that a cluster is called by one of them if it has any."""
    here = {candidate.example_id for candidate in (*seen, *new)}
    entries = [
        _Entry(name, one.sha256, one.label, one.duplicates or name, None, False)
        for name, one in known.examples.items()
        if one.sha256 is not None and name not in here
    ]
    for candidate in seen:
        one = known.examples[candidate.example_id]
        name = candidate.example_id
        entries.append(_Entry(name, candidate.sha256, one.label, one.duplicates or name, candidate, False))
    for candidate in new:
        name = candidate.example_id
        entries.append(_Entry(name, candidate.sha256, candidate.recording.label, name, candidate, True))
    return entries


def _near(entries: list[_Entry], root: Path, exact: set[int], progress: Progress) -> list[Copy]:
    places, prints, waveforms = [], [], []
    for place, entry in enumerate(entries):
        clip = entry.candidate
        if place not in exact and clip is not None and clip.fingerprint is not None and clip.seconds is not None:
            places.append(place)
            prints.append(clip.fingerprint)
            waveforms.append(Waveform(root, clip.recording.uri, clip.start, clip.seconds))
    if len(places) < 2 or not any(entries[place].new for place in places):
        return []
    copies = near_copies(np.stack(prints), waveforms, progress=progress)
    return [Copy(places[copy.clip], places[copy.of], False, copy.correlation) for copy in copies]


def _agree(entries: list[_Entry], copy: Copy, *, unlabelled: bool = False) -> bool:
    own, other = entries[copy.clip].label, entries[copy.of].label
    return own == other or (unlabelled and own is None)


def _exact_line(entries: list[_Entry], copy: Copy, gone: bool) -> LeftOut:
    entry = entries[copy.clip]
    return _line(entry, "exact duplicate", f"of {_named(entries, copy)}", gone)


def _near_line(entries: list[_Entry], copy: Copy) -> LeftOut:
    detail = f"of {_named(entries, copy)}; their waveforms correlate at {copy.correlation:.3f}"
    return _line(entries[copy.clip], "near duplicate", detail, False)


def _named(entries: list[_Entry], copy: Copy) -> str:
    entry, other = entries[copy.clip], entries[copy.of]
    labels = "" if _agree(entries, copy) else f", which is labelled {other.label!r}, this one {entry.label!r}"
    return f"{other.example_id!r}{labels}"


def _line(entry: _Entry, reason: str, detail: str, gone: bool) -> LeftOut:
    clip = entry.candidate
    uri = entry.example_id if clip is None or not clip.recording.uri else clip.recording.uri
    return LeftOut(uri, reason, detail, "left out" if gone else "kept", None if clip is None else clip.start)
