"""`yori init`: a project out of a folder of clips, a table, or embeddings; whole or not at all."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal

from yori.errors import ValuesError
from yori.importers import ArraysListing, Intake, Listing, take_in
from yori.main_job.data_source import DataSource, audio_root, list_source, with_labels, without_folder
from yori.main_job.first_task import propose_task, written_task
from yori.main_job.given_embeddings import write_given
from yori.main_job.import_report import REPORT, Imported, count_reasons, summary, write_report
from yori.main_job.new_folder import check_free, new_folder
from yori.main_job.sample_rates import sample_rate_of
from yori.store import Project, atomic
from yori.store.media import MEDIA_FOLDER, MEDIA_SOURCE, add_media
from yori.task import AudioFormat
from yori.workers import Progress, silent

LOWEST_RATE = 1000


def init(
    folder: str | Path,
    source: DataSource,
    *,
    name: str | None = None,
    labels: Literal["single", "multiple"] | None = None,
    window: float | None = None,
    hop: float | None = None,
    sample_rate: int | None = None,
    protocols: Sequence[str] | None = None,
    who: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Imported:
    """Make a project: list and inspect the source, propose task.yaml, commit version 1, store given embeddings.

    Parameters
    ----------
    folder
        The project; new, or empty.
    source
        Where the data are and how they are laid out.
    name
        Of the task; by default that of the folder.
    labels
        ``single`` or ``multiple`` for each example; by default what the source has.
    window, hop
        Seconds; by default what the layout suggests, mostly whole files.
    sample_rate
        Hz to which clips are resampled for the backbone; by default what most files have.
    protocols
        ``id``, ``lodo`` or both; by default ``id``, and ``lodo`` if there are domains each of which can be left out.
    who
        Written into the version; by default the name of the user.
    workers
        Processes; None = one for each processor.
    progress
        Told about finished pieces of work.

    Raises
    ------
    StoreError
        If the folder is not free or cannot be written.
    SourceError, ValuesError, AlignmentError, ShapeError, PathEscapeError
        If the source is not usable. Nothing is left behind then.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as here:
    ...     np.save(Path(here) / "X.npy", np.eye(4, dtype=np.float32))
    ...     _ = (Path(here) / "rows.csv").write_text("id,label\\na,dog\\nb,cat\\nc,dog\\nd,cat\\n")
    ...     given = DataSource(layout="arrays", embeddings=Path(here) / "X.npy", table=Path(here) / "rows.csv")
    ...     done = init(Path(here) / "pets", given, who="ann")
    >>> done.version, done.added, done.classes
    (1, 4, {'cat': 2, 'dog': 2})
    """
    target = Path(os.path.abspath(folder))
    if sample_rate is not None and sample_rate < LOWEST_RATE:
        raise ValuesError(f"a sample rate of at least {LOWEST_RATE} Hz", str(sample_rate), where="sample_rate")
    check_free(target)
    listing = without_folder(list_source(source), target)
    if labels is not None:
        listing = with_labels(listing, labels)
    window = listing.window if window is None else window
    root = audio_root(source, listing)
    called = MEDIA_SOURCE if listing.media else source_name(root or target, taken=())
    with new_folder(target) as content:
        media = content.parent / "media"  # stored before the project exists, because task.yaml is written last
        store_media(media, listing)
        intake = take_in(
            listing,
            source=called,
            root=media / MEDIA_FOLDER if listing.media else root,
            window=None if isinstance(listing, ArraysListing) else window,
            hop=hop,
            workers=workers,
            progress=progress,
        )
        given = intake.embeddings
        audio = None
        if given is None:
            audio = AudioFormat(sample_rate or sample_rate_of(listing) or AudioFormat().sample_rate, window, hop)
        task, notes = propose_task(
            listing,
            intake.rows,
            source,
            name=name or target.name,
            audio=audio,
            dimensions=None if given is None else given.d,
            protocols=protocols,
        )
        text = written_task(task, [f"Made by yori init, layout {source.layout}.", *notes])
        project = Project.create(content, text)
        if listing.media:
            with atomic.disk_errors(project.path):
                atomic.make_folder((project.path / MEDIA_FOLDER).parent)
                os.replace(media / MEDIA_FOLDER, project.path / MEDIA_FOLDER)
        version = _commit(project, intake, called, root, who, source.layout)
        write_report(project.path, called, intake.left_out)
        counts = project.version(version).counts
    domains, groups = summary(intake.rows)
    return Imported(
        project=target,
        source=called,
        version=version,
        added=intake.counts["examples"],
        counts=intake.counts,
        reasons=count_reasons(intake.left_out),
        examples=counts["examples"],
        classes=counts["classes"],
        domains=domains,
        groups=groups,
        report=target / REPORT,
        notes=tuple(notes),
    )


def _commit(project: Project, intake: Intake, called: str, root: Path | None, who: str | None, layout: str) -> int:
    if intake.embeddings is not None:
        write_given(project, intake.rows, intake.embeddings)
    sources = {} if root is None else {called: root}
    message = f"init from {called}, layout {layout}"
    return project.add_rows(intake.rows, sources=sources, message=message, who=who or user_name()).version.number


def store_media(root: Path, listing: Listing) -> None:
    """Keep the clips of a listing that have no file of their own below ``root``; nothing to do for other listings."""
    if listing.media is not None:
        root.mkdir(exist_ok=True)
        for content, extension in listing.media():
            add_media(root, content, extension)


def source_name(place: Path, *, taken: Collection[str]) -> str:
    """A name for a source: that of its folder, in letters a file name may have, with a number if it is taken.

    Examples
    --------
    >>> source_name(Path("/data/My clips"), taken=()), source_name(Path("/data/a"), taken=["a"])
    ('My-clips', 'a-2')
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", place.name).strip("-.")[:80] or "source"
    return next(name for name in _numbered("source-media" if plain == MEDIA_SOURCE else plain) if name not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def user_name() -> str:
    """The name of the user, or ``unknown`` where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user in the password file, as in some containers
        return "unknown"
