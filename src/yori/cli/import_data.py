"""``yori import``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option
from yori.cli.source_options import show_import, source_options, take_source


@click.command(
    name="import",
    short_help="Add what is new.",
    epilog="""Examples:

    \b
    yori import bells --layout folder --from clips
    yori import ships --layout arrays --embeddings more.npy --table more.parquet
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@source_options
@progress_option
@json_option
def command(folder: Path, progress: bool | None, as_json: bool, **options: Any) -> None:
    """Add the new examples of a source to the project DIR as its next data version.

    Classes, windows and columns are those of DIR/task.yaml; a label that it does not know is refused. What the project has
    already is skipped.
    """
    from yori.main_job import import_data

    source = take_source(options)
    with progress_bars(progress) as report:
        done = import_data(folder, source, progress=report, **options)
    show_import(done, as_json=as_json, next_step=f"Next: yori run {folder}")
