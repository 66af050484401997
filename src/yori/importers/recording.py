"""What every layout returns: the recordings it found, and what it left out with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from yori.errors import SourceError, ValuesError

Label: TypeAlias = str | tuple[str, ...] | None
"""One class, several classes (a tuple, possibly empty), or None: nobody said."""

Action = Literal["left out", "kept"]

ROLES = ("label", "domain", "group", "split", "annotator", "time", "verified")
"""What a column, a folder level or a part of a file name can mean for an example."""

REASONS: dict[str, str] = {
    "not audio": "the name does not end like a sound file",
    "hidden": "a name that begins with a dot",
    "linked folder": "a symbolic link to a folder: its files are found where they really lie",
    "unusable name": "a name with control characters, a backslash, or bytes that are no UTF-8",
    "no label": "nothing says what it is",
    "no match": "the path does not match the pattern",
    "no row": "audio that no row of the metadata describes",
    "no path": "a row without a path",
    "missing": "a row whose audio is not there",
    "ambiguous row": "several rows of the metadata could describe it; the likeliest was taken",
    "overlapping scenario": "the same second of the same passage is there in a nearer scenario",
    "unreadable": "no sound file, damaged, truncated, or not allowed to be read",
    "empty": "a file without samples",
    "shorter than a window": "too short for a single window",
    "outside the file": "a row asks for a stretch of time that the recording does not have",
    "remainder": "what is left of a recording after its last whole window",
    "digital silence": "all samples are equal",
    "near silence": "sound, but below the level at which 16 bits still say something",
    "clipping": "flattened peaks",
    "constant offset": "the samples do not swing around zero",
    "dropout": "a gap of exact zeros inside",
    "zero vector": "an embedding of zeros only",
    "exact duplicate": "the same samples as another example",
    "near duplicate": "a copy of another example with other gain, coding, rate, noise or cut",
    "changed": "an example of this id is in the project with other content, which stays",
    "label changed": "an example of this id is in the project with another label, which stays",
}
"""Why something is listed in an import report. Every entry of a report has one of these."""


@dataclass(frozen=True)
class Recording:
    """One file, or one row of a table, before its audio is looked at.

    Parameters
    ----------
    uri
        Path below the source's root, with forward slashes.
    label
        One class (text), several (a tuple), or None.
    domain, group, split, annotator, time
        As in DESIGN's words; None where unknown. A missing group becomes the recording's uri.
    verified
        The label a person has checked, in the form of ``label``.
    start, duration
        A stretch of the file in seconds; None = from its beginning, to its end.
    example_id
        A given id; by default it is made of uri and time.
    extra
        Any other columns.
    """

    uri: str
    label: Label = None
    domain: str | None = None
    group: str | None = None
    split: str | None = None
    annotator: str | None = None
    time: str | None = None
    verified: Label = None
    start: float | None = None
    duration: float | None = None
    example_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """One line of an import report.

    Parameters
    ----------
    uri
        Path below the root; empty if a row has none.
    reason
        A key of `REASONS`.
    detail
        What exactly, in a sentence.
    action
        ``left out``, or ``kept``: in the project, but worth knowing.
    start
        Second in the recording; None = the whole of it.
    """

    uri: str
    reason: str
    detail: str
    action: Action = "left out"
    start: float | None = None


@dataclass(frozen=True)
class Listing:
    """What a layout found, in a fixed order that does not depend on the disk.

    Parameters
    ----------
    root
        The folder that uris are relative to; None if clips come as ``media``.
    recordings
        At least one.
    left_out
        Everything that was found and is not among them, or is with a remark.
    window
        Suggested window in seconds; None = whole files are examples.
    media
        Bytes and extension of each clip that has no file of its own. Uris of the recordings are then what
        `yori.store.Project.add_media` returns for them, and the source is ``media``.
    """

    root: Path | None
    recordings: tuple[Recording, ...]
    left_out: tuple[LeftOut, ...] = ()
    window: float | None = None
    media: Callable[[], Iterator[tuple[bytes, str]]] | None = None

    @property
    def labels(self) -> Literal["single", "multiple"]:
        """Whether examples have one label or several: a suggestion for task.yaml."""
        return "multiple" if any(isinstance(one.label, tuple) for one in self.recordings) else "single"

    @property
    def roles(self) -> tuple[str, ...]:
        """Which of `ROLES` any recording has."""
        return tuple(role for role in ROLES if any(getattr(one, role) is not None for one in self.recordings))

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(sorted({label for one in self.recordings for label in labels_of(one.label)}))


def labels_of(label: Label) -> tuple[str, ...]:
    """The classes of a label, none if it is missing.

    Examples
    --------
    >>> labels_of("dog"), labels_of(("cat", "dog")), labels_of(None)
    (('dog',), ('cat', 'dog'), ())
    """
    return label if isinstance(label, tuple) else () if label is None else (label,)


def listing(
    root: str | Path,
    recordings: Iterable[Recording],
    left_out: Iterable[LeftOut],
    *,
    layout: str,
    window: float | None = None,
    media: Callable[[], Iterator[tuple[bytes, str]]] | None = None,
) -> Listing:
    """Make a listing, or say why nothing was found.

    Raises
    ------
    SourceError
        If there is no recording.
    """
    found, missed = tuple(recordings), tuple(left_out)
    if not found:
        reasons = Counter(one.reason for one in missed)
        arrived = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(4)) or "an empty folder"
        fix = f"For example {missed[0].uri!r}: {missed[0].detail.rstrip('.')}." if missed else "Check the path."
        raise SourceError(f"at least one recording in the layout {layout!r}", arrived, where=str(root), fix=fix)
    return Listing(None if media else Path(root), found, missed, window, media)


_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "evaluation", "eval"),
}


def split_of(name: str | None, *, where: str) -> str | None:
    """The split a folder, column or dataset calls by one of its usual names.

    Raises
    ------
    ValuesError
        If nobody knows the name.

    Examples
    --------
    >>> split_of("val", where="x"), split_of(None, where="x")
    ('validation', None)
    """
    if name is None:
        return None
    for split, names in _SPLIT_NAMES.items():
        if name.strip().lower() in names:
            return split
    raise ValuesError(
        "a split called train, validation or test",
        repr(name),
        where=where,
        fix="Rename it, or give the column or level another role so that it is kept as it is.",
    )
