"""Options that say where data come from, shared by ``init`` and ``import``; and how an import is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yori.cli.show import counted, show_json, show_rows

if TYPE_CHECKING:
    from yori.main_job import DataSource, Imported

F = TypeVar("F", bound=Callable[..., Any])

LAYOUTS = ("folder", "pattern", "table", "csv", "parquet", "arrays", "vtuad", "deepship", "esc50", "huggingface")
"""As in `yori.importers.LAYOUTS`, repeated here so that ``--help`` does not load the importers; a test compares them."""

_PATH = click.Path(path_type=Path)

_COLUMNS = {
    "label_column": "label",
    "id_column": "id",
    "audio_column": "uri",
    "domain_column": "domain",
    "group_column": "group",
    "time_column": "time",
    "annotator_column": "annotator",
    "verified_column": "verified",
    "split_column": "split",
    "start_column": "start",
    "duration_column": "duration",
}

_OPTIONS = (
    click.option("--layout", type=click.Choice(LAYOUTS), required=True, help="How the data are laid out."),
    click.option(
        "--from",
        "path",
        type=_PATH,
        help="The folder of the data, or the table. With arrays: the folder of the audio, if there is any.",
    ),
    click.option("--pattern", help="Layout pattern: the file name, such as {label}_{domain}_{index}.wav."),
    click.option("--levels", help="Layout folder: what the folder levels mean, such as domain/label."),
    click.option("--embeddings", type=_PATH, help="Layout arrays: .npy of shape (n, d)."),
    click.option("--table", type=_PATH, help="Layout arrays: CSV, Parquet or .npy with a row for each embedding."),
    click.option("--ids", type=_PATH, help="Layout arrays: .npy with the id of each row of the embeddings."),
    click.option("--label-separator", metavar="TEXT", help="Between several labels in one cell of a table."),
    *(
        click.option(f"--{name.replace('_', '-')}", metavar="NAME", help=help_text)
        for name, help_text in (
            ("label_column", "Column of the label."),
            ("id_column", "Column of the example's id."),
            ("audio_column", "Column of the path, or with huggingface of the audio."),
            ("domain_column", "Column of the domain: what leave-one-domain-out holds out."),
            ("group_column", "Column of the group: what no split may cut."),
            ("time_column", "Column of the time."),
            ("annotator_column", "Column of who gave the label."),
            ("verified_column", "Column of the label that a person checked, or of yes and no."),
            ("split_column", "Column of train, validation, test; it is then used as the split."),
            ("start_column", "Column of the second where the example begins in its file."),
            ("duration_column", "Column of its length in seconds."),
        )
    ),
    click.option("--who", metavar="NAME", help="Who imports; kept in the version. Default: your user name."),
    click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: one for each processor."),
)


def source_options(function: F) -> F:
    """Add the options of a source to a verb; `take_source` makes a `DataSource` of them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_source(options: dict[str, Any]) -> DataSource:
    """Remove the options of a source from the keywords of a verb and return the source."""
    from yori.main_job import DataSource

    columns = {role: value for name, role in _COLUMNS.items() if (value := options.pop(name)) is not None}
    names = ("layout", "path", "pattern", "levels", "embeddings", "table", "ids", "label_separator")
    return DataSource(columns=columns, **{name: options.pop(name) for name in names})


def show_import(done: Imported, *, as_json: bool, next_step: str) -> None:
    """Print what an import did."""
    if as_json:
        show_json(done.to_dict())
        return
    what = [counted(done.examples, "example"), counted(len(done.classes), "class", "classes")]
    if done.domains:
        what.append(counted(len(done.domains), "domain"))
    what.append(counted(done.groups, "group"))
    added = f"{counted(done.added, 'new example')}" if done.added else "nothing new"
    known = f", {done.counts['known']} known already" if done.counts["known"] else ""
    click.echo(f"{done.project}: version {done.version}, {added}{known}; in all {', '.join(what)}.")
    show_rows([(name, str(count)) for name, count in list(done.classes.items())[:30]], indent="  ")
    if len(done.classes) > 30:
        click.echo(f"  and {len(done.classes) - 30} more classes")
    for title, place in (("Left out", 0), ("Kept, but look at them", 1)):
        found = [(f"{counts[place]}", reason) for reason, counts in done.reasons.items() if counts[place]]
        if found:
            click.echo(f"{title}:")
            show_rows([(number.rjust(7), reason) for number, reason in found])
    if done.reasons:
        click.echo(f"Every one of them, with the reason: {done.report}")
    for note in done.notes:
        click.echo(f"Note: {note}")
    click.echo(next_step)
