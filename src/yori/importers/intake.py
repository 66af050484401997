"""From a listing to rows for the project: inspect every recording, cut windows, find copies, add only what is new.

Nothing is dropped silently. The policy:

=========================  ==========================================================================================
missing, unreadable        left out. Unreadable is also what is truncated or holds NaN
empty, too short           left out; a file's remainder after its last whole window, too
digital silence            left out: all samples are equal, so no label can be right or wrong
near silence, clipping,
constant offset, dropout   kept and listed: the audio is poor, but it may be what the field sounds like
exact duplicate            left out if it has the same label or none; kept in one cluster if labels differ
near duplicate             kept and listed, in one cluster
equal embeddings           kept and listed, in one cluster: coarse features may be equal by chance
already in the project     skipped and counted if the content is the same; *changed* (left out, listed) if it differs
=========================  ==========================================================================================

A cluster is called by the id of its first example. An example whose ``duplicates`` is null stands for itself, so
``coalesce(duplicates, example_id)`` joins copies that arrive later to what is in the project already.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.importers.arrays import ArraysListing, GivenEmbeddings
from yori.importers.candidates import Candidate, audio_candidates, embedding_candidates
from yori.importers.duplicates import settle_copies
from yori.importers.import_tables import left_out_table, quality_table, rows_table
from yori.importers.inspection import SHORTEST_SECONDS
from yori.importers.known import Known
from yori.importers.recording import Label, LeftOut, Listing, labels_of
from yori.store.tables import some_ids
from yori.workers import Progress, silent

SMALLEST_HOP = 0.001
"""Ids give the time to the millisecond."""


@dataclass(frozen=True)
class Intake:
    """What an import adds, and its report.

    Parameters
    ----------
    rows
        New examples, ready for `yori.store.Project.add_rows`.
    left_out
        ``uri``, ``start``, ``reason``, ``detail``, ``action`` (``left out`` or ``kept``): one row for everything a person
        should know; reasons are those of `yori.importers.recording.REASONS`.
    counts
        ``recordings`` found, ``examples`` new, ``known`` skipped, ``left out``, ``remarks`` (kept but listed).
    reasons
        How often each reason occurs in ``left_out``.
    quality
        ``example_id`` and measures of `yori.signal.SignalQuality` for each new example; without rows for embeddings.
    embeddings
        Aligned with ``rows``, if they were given.
    """

    rows: pa.Table
    left_out: pa.Table
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    quality: pa.Table
    embeddings: GivenEmbeddings | None = None


def take_in(
    listing: Listing,
    *,
    source: str,
    root: str | Path | None = None,
    window: float | None = None,
    hop: float | None = None,
    known: Known | None = None,
    classes: Sequence[str] | None = None,
    prefix: str = "",
    workers: int | None = None,
    progress: Progress = silent,
) -> Intake:
    """Inspect what a layout found and return what is new.

    Parameters
    ----------
    listing
        From one of `yori.importers.LAYOUTS`.
    source
        Name of the source; the rows refer to it.
    root
        Folder of the audio; by default that of the listing. A listing with ``media`` needs the folder where the project
        keeps media, after they were stored there.
    window, hop
        Recordings are cut into windows of this length, this far apart, in seconds; a hop of None = the window. Without a
        window a file, or the stretch a table names, is one example.
    known
        What the project has.
    classes
        Names that labels may have; None = any.
    prefix
        Goes before every id that is made of a path; ids that the source gives stay as they are.
    workers
        Processes; None = one for each processor. The result does not depend on it.
    progress
        Told about finished pieces of work.

    Raises
    ------
    ValuesError
        If a label is not among ``classes``, there is only one class or none, or window or hop are out of range.
    SourceError
        If nothing usable is left.
    AlignmentError
        If two examples get the same id.
    PathEscapeError
        If a path leads out of the root.
    """
    known = known or Known()
    _check_window(window, hop)
    _check_classes(listing, known, classes)
    folder = Path(root) if root is not None else listing.root
    listed = list(listing.left_out)
    remarks: list[LeftOut]
    if isinstance(listing, ArraysListing):
        candidates = embedding_candidates(listing)
    elif folder is None:
        fix = "Store the clips with Project.add_media and pass the folder it uses as root."
        raise ValuesError("a root for clips that come as media", "none", where="take_in", fix=fix)
    else:
        candidates, remarks = audio_candidates(
            listing, str(folder), window=window, hop=hop, prefix=prefix, workers=workers, progress=progress
        )
        listed += remarks
    _check_ids(candidates)
    seen, new, remarks = _compare(candidates, known)
    is_arrays = isinstance(listing, ArraysListing)
    settled = settle_copies(
        known, seen, new, root=None if is_arrays else folder, keep_exact=is_arrays, progress=progress
    )
    listed += [*remarks, *settled.listed]
    _check_left(listing, settled.kept, known, bool(seen), listed)
    actions = Counter(one.action for one in listed)
    return Intake(
        rows=rows_table(settled.kept, settled.cluster, source=source, several=listing.labels == "multiple"),
        left_out=left_out_table(listed),
        counts={
            "recordings": len(listing.recordings),
            "examples": len(settled.kept),
            "known": len(seen),
            "left out": actions["left out"],
            "remarks": actions["kept"],
        },
        reasons=dict(Counter(one.reason for one in listed).most_common()),
        quality=quality_table(settled.kept),
        embeddings=_embeddings_of(listing, candidates, settled.kept),
    )


def _compare(candidates: list[Candidate], known: Known) -> tuple[list[Candidate], list[Candidate], list[LeftOut]]:
    """Candidates the project has, those it does not have, and what is said about those that differ."""
    seen, new, listed = [], [], []
    for one in candidates:
        there = known.examples.get(one.example_id)
        uri, label = one.recording.uri or one.example_id, one.recording.label
        if there is None:
            new.append(one)
        elif there.sha256 != one.sha256:
            detail = f"the project has other content under the id {one.example_id!r}; import it under another name"
            listed.append(LeftOut(uri, "changed", detail, start=one.start))
        else:
            seen.append(one)
            if label != there.label:
                detail = f"the project says {there.label!r}, the source {label!r}; change labels with a patch"
                listed.append(LeftOut(uri, "label changed", detail, "kept", one.start))
    return seen, new, listed


def _embeddings_of(listing: Listing, candidates: list[Candidate], kept: list[Candidate]) -> GivenEmbeddings | None:
    if not isinstance(listing, ArraysListing):
        return None
    place = {one.example_id: number for number, one in enumerate(candidates)}
    return listing.embeddings.select(np.array([place[one.example_id] for one in kept], dtype=np.int64))


def _check_window(window: float | None, hop: float | None) -> None:
    where = "take_in"
    if window is not None and not (math.isfinite(window) and window >= SHORTEST_SECONDS):
        raise ValuesError(f"a window of at least {SHORTEST_SECONDS:g} s", str(window), where=where)
    if hop is not None and window is None:
        raise ValuesError("a window beside the hop", "none", where=where, fix="Give both, or neither.")
    if hop is not None and not (math.isfinite(hop) and hop >= SMALLEST_HOP):
        raise ValuesError(f"a hop of at least {SMALLEST_HOP:g} s", str(hop), where=where)


def _check_classes(listing: Listing, known: Known, classes: Sequence[str] | None) -> None:
    """Before anything is read: labels that task.yaml knows, and at least two."""
    if classes is not None:
        unknown = [name for name in listing.classes if name not in classes]
        if unknown:
            first = next(one for one in listing.recordings if set(labels_of(one.label)) & set(unknown))
            raise ValuesError(
                f"labels among {some_ids(classes, at_most=20)}",
                f"{some_ids(unknown)}, first for {first.example_id or first.uri!r}",
                where="labels",
                fix="Add them to the classes of task.yaml, or correct the source.",
            )
    elif not listing.classes:
        raise ValuesError(
            "labels", "none for any recording", where="labels", fix="Name the column or folder level that holds them."
        )
    _check_two(listing, (one.label for one in listing.recordings), known)


def _check_two(listing: Listing, labels: Iterable[Label], known: Known, listed: Sequence[LeftOut] = ()) -> None:
    """Refuse one class only; no label at all is fine where a task says what the classes are."""
    here = [*labels, *(one.label for one in known.examples.values())]
    names = {name for label in here for name in labels_of(label)}
    if len(names) == 1 and () not in here:
        gone = Counter(one.reason for one in listed if one.action == "left out")
        arrived = f"one, {next(iter(names))!r}" + (f", after leaving out {_top(gone)}" if gone else "")
        fix = "Check the layout: labels may be at another place than it looks at."
        raise ValuesError("at least two classes", arrived, where="labels", fix=fix)


def _check_ids(candidates: list[Candidate]) -> None:
    counts = Counter(one.example_id for one in candidates)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        fix = "Give a column with ids, or make the stretches of one recording differ by at least 1 ms."
        raise AlignmentError(
            "ids that occur once", f"more than one example {some_ids(twice)}", where="take_in", fix=fix
        )


def _check_left(listing: Listing, kept: list[Candidate], known: Known, seen: bool, listed: list[LeftOut]) -> None:
    """Something usable must be left, and of more than one class."""
    if not kept and not seen:
        reasons = Counter(one.reason for one in listed if one.action == "left out")
        arrived = _top(reasons)
        first = next((one for one in listed if one.action == "left out"), None)
        fix = f"For example {first.uri!r}: {first.detail.rstrip('.')}." if first else ""
        raise SourceError("at least one usable example", arrived, where=str(listing.root or "take_in"), fix=fix)
    _check_two(listing, (one.recording.label for one in kept), known, listed)


def _top(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(5))
