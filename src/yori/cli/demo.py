"""``yori demo``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option, show_json


@click.command(name="demo", short_help="The main job on simulated ships.", epilog="Example: yori demo demo")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--passages", type=click.IntRange(min=3), help="Passages for each class and distance.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(folder: Path, passages: int | None, workers: int | None, progress: bool | None, as_json: bool) -> None:
    """Simulate a hydrophone that hears ships (8 % of the labels are wrong, and it is known which), and run the main job.

    Uses no network. Everything stays in DIR.
    """
    from yori.main_job.demo import PASSAGES, demo

    with progress_bars(progress) as report:
        done = demo(folder, passages=passages or PASSAGES, workers=workers, progress=report)
    if as_json:
        show_json(done.fields())
        return
    certificate = done.certificate
    truth = certificate["truth"]
    click.echo(f"{certificate['data']['examples']} clips of ships and sea, {truth['wrong_labels']} with a wrong label.")
    if truth["edits"]:
        click.echo(
            f"yori edited {truth['edits']} and hit {truth['hits']} wrong ones ({truth['rate']:.0%}; by chance "
            f"{truth['chance']:.0%})."
        )
    click.echo(f"Verdict: {certificate['verdict']['sentence']}")
    click.echo(f"Report: {done.report}")
    click.echo(f"Check it: yori verify {done.proof}")
