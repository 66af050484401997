"""``yori init``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option
from yori.cli.source_options import show_import, source_options, take_source


@click.command(
    name="init",
    short_help="Make a project.",
    epilog="""Examples:

    \b
    yori init bells --layout folder --from clips
    yori init digits --layout pattern --from recordings --pattern '{label}_{domain}_{index}.wav'
    yori init ships --layout arrays --embeddings X.npy --table rows.parquet --domain-column distance
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@source_options
@click.option("--name", metavar="TEXT", help="Name of the task. Default: the name of DIR.")
@click.option(
    "--labels", type=click.Choice(["single", "multiple"]), help="Labels per example. Default: as in the data."
)
@click.option("--window", type=float, metavar="S", help="Cut recordings into windows of so many seconds.")
@click.option("--hop", type=float, metavar="S", help="Seconds from one window to the next. Default: the window.")
@click.option(
    "--sample-rate", type=int, metavar="HZ", help="What clips are resampled to. Default: what most files have."
)
@click.option(
    "--protocols", metavar="LIST", help="id, lodo or id,lodo. Default: id, and lodo if each domain can be held out."
)
@progress_option
@json_option
def command(folder: Path, progress: bool | None, as_json: bool, protocols: str | None, **options: Any) -> None:
    """Make DIR a project: inspect the data, write task.yaml, commit version 1, report what is left out and why.

    DIR must be new or empty. If anything is wrong, nothing is left behind.
    """
    from yori.main_job import init

    source = take_source(options)
    wanted = None if protocols is None else [one.strip() for one in protocols.split(",")]
    with progress_bars(progress) as report:
        done = init(folder, source, protocols=wanted, progress=report, **options)
    next_step = (
        f"Next: say in {done.project / 'task.yaml'} what each class means and what counts as better, then: yori run"
    )
    show_import(done, as_json=as_json, next_step=f"{next_step} {folder}")
