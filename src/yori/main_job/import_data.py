"""`yori import`: add what is new to a project; task.yaml says what labels and windows may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yori.errors import ValuesError
from yori.importers import ArraysListing, Known, Listing, take_in
from yori.main_job.data_source import OPTIONS, DataSource, audio_root, list_source, with_labels, without_folder
from yori.main_job.given_embeddings import write_given
from yori.main_job.import_report import Imported, count_reasons, summary, write_report
from yori.main_job.initialise import source_name, store_media, user_name
from yori.store import Project, Version
from yori.store.examples import read_rows
from yori.store.media import MEDIA_FOLDER, MEDIA_SOURCE
from yori.task import Columns, Task, read_task
from yori.workers import Progress, silent

_KNOWN = ("example_id", "sha256", "label", "duplicates")


def import_data(
    folder: str | Path,
    source: DataSource,
    *,
    who: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Imported:
    """Add the new examples of a source to a project as its next version; nothing new = no new version.

    Classes, kind of label, window and hop are those of task.yaml, and so are the columns that are not said here. A file
    of a source that the project knows keeps its id; those of another folder are called ``<source>/<path>``, so that equal
    names in two folders do not collide.

    Parameters
    ----------
    folder
        The project.
    source
        Where the data are and how they are laid out.
    who, workers, progress
        As for `yori.main_job.init`.

    Raises
    ------
    StoreError, TaskError
        If the folder is no project, or its task.yaml is wrong.
    ValuesError
        If a label is none that task.yaml knows, or audio meets a project of embeddings, or the other way round.
    SourceError, AlignmentError, ShapeError, PathEscapeError
        If the source is not usable. The project is then as it was.
    """
    project = Project.open(folder)
    task = read_task(project.path / "task.yaml")
    listing = list_source(replace(source, columns=_columns(source, task.columns)))
    listing = with_labels(without_folder(listing, project.path), task.labels)
    _check_modality(listing, task)
    head = project.version()
    root = audio_root(source, listing)
    called, prefix = _called(project, head, listing, root)
    if listing.media:
        store_media(project.path, listing)
    is_arrays = isinstance(listing, ArraysListing)
    intake = take_in(
        listing,
        source=called,
        root=project.path / MEDIA_FOLDER if listing.media else root,
        window=None if is_arrays else task.audio.window,
        hop=None if is_arrays else task.audio.hop,
        known=Known.from_rows(read_rows(project.path, head, _KNOWN)),
        classes=task.class_names,
        prefix=prefix,
        workers=workers,
        progress=progress,
    )
    number = head.number
    if intake.rows.num_rows:
        if intake.embeddings is not None:
            write_given(project, intake.rows, intake.embeddings)
        sources: Mapping[str, Path] = {} if root is None else {called: root}
        message = f"import from {called}, layout {source.layout}"
        number = project.add_rows(intake.rows, sources=sources, message=message, who=who or user_name()).version.number
    report = write_report(project.path, called, intake.left_out)
    total = project.version(number).counts
    domains, groups = summary(project.examples(number, ("domain", "group")))
    return Imported(
        project=project.path,
        source=called,
        version=number,
        added=intake.counts["examples"],
        counts=intake.counts,
        reasons=count_reasons(intake.left_out),
        examples=total["examples"],
        classes=total["classes"],
        domains=domains,
        groups=groups,
        report=report,
    )


def _columns(source: DataSource, columns: Columns) -> dict[str, str]:
    """Columns as said, otherwise as task.yaml names them; a role of the same name finds its column itself."""
    if "columns" not in OPTIONS.get(source.layout, ()) or source.layout == "esc50":
        return dict(source.columns)
    named = {role: column for role, column in vars(columns).items() if column is not None and column != role}
    return {**named, **source.columns}


def _check_modality(listing: Listing, task: Task) -> None:
    given = "embeddings" if isinstance(listing, ArraysListing) else "audio"
    if given != task.modality:
        fix = "Choose the layout that the project was made with, or make another project."
        raise ValuesError(f"{task.modality}, the modality of task.yaml", given, where="layout", fix=fix)


def _called(project: Project, head: Version, listing: Listing, root: Path | None) -> tuple[str, str]:
    """Name of the source, and what goes before the ids of its files."""
    if listing.media:
        return MEDIA_SOURCE, ""
    if root is None:
        return source_name(project.path, taken=()), ""
    first = next(iter(_order(project, head)), None)
    for name, place in project.roots().items():
        if os.path.realpath(place) == os.path.realpath(root):
            return name, "" if name == first else f"{name}/"
    name = source_name(root, taken=head.sources)
    return name, f"{name}/" if head.sources else ""


def _order(project: Project, head: Version) -> list[str]:
    """Sources in the order in which they came."""
    found: dict[str, None] = {}
    for version in project.log():
        found |= dict.fromkeys(sorted(version.sources))
    return [name for name in found if name in head.sources]
