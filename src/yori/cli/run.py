"""``yori run``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json


@click.command(
    name="run",
    short_help="Do the main job.",
    epilog="""Examples:

    \b
    yori run bells
    yori run bells --budget 0.005 --json
    yori run bells --mode cross_fitted
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--budget", type=float, metavar="SHARE", help="Edits as a share of the training examples.")
@click.option("--seeds", type=int, metavar="N", help="Seeds of every protocol.")
@click.option(
    "--mode",
    type=click.Choice(["validation", "cross_fitted", "review"]),
    help="Who asks for edits; review: every edit is a proposal for a person.",
)
@click.option("--allow-large", is_flag=True, help="Allow a budget above 0.05.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    budget: float | None,
    seeds: int | None,
    mode: str | None,
    allow_large: bool,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Split, embed, train, curate, prove and report on the project DIR.

    Finished stages are kept: after Ctrl-C, or with another budget, only what is missing is done.
    """
    from yori.main_job import run

    with progress_bars(progress) as report:
        done = run(
            folder, budget=budget, seeds=seeds, mode=mode, allow_large=allow_large, workers=workers, progress=report
        )
    if as_json:
        show_json(done.fields())
        return
    certificate = done.certificate
    edits = certificate["edits"]
    click.echo(f"Verdict ({certificate['primary']['protocol']}): {certificate['verdict']['sentence']}")
    reference = certificate["primary"].get("against", "before")
    if reference != "before":
        click.echo("Compared with unedited train + validation, as after trains on validation too.")
    for name, part in certificate["protocols"].items():
        for against in dict.fromkeys((reference, "before")):
            if (name, against) == (certificate["primary"]["protocol"], reference):
                continue
            found = next(
                each for each in part["comparisons"] if (each["arm"], each["against"]) == ("after", against)
                and each["metric"] == certificate["primary"]["metric"]
            )  # fmt: skip
            than = "" if against == reference else ", against before"
            click.echo(f"Also ({name}{than}): {found['verdict']['sentence']}")
    actions = ", ".join(f"{counted(n, name)}" for name, n in edits["by_action"].items() if n) or "none"
    click.echo(f"Edits: {edits['count']} of at most {edits['budget']} ({actions})")
    for note in certificate["notes"]:
        click.echo(f"Note: {note}")
    if done.reused:
        click.echo("Everything was up to date.")
    click.echo(f"Report: {done.report}")
    click.echo(f"Check it: yori verify {done.proof}")
