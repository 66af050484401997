"""``yori audit``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows

FOUND = 9
"""Exit code where ``--fail-on`` finds what it asks for."""

SHOWN = 8


@click.command(
    name="audit",
    short_help="Say what is wrong with the data, with evidence.",
    epilog="""Examples:

    \b
    yori audit bells
    yori audit bells --answers answers.csv --json
    yori audit bells --fail-on high
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--answers", metavar="TABLE", type=click.Path(path_type=Path),
    help="Answers of annotators: example_id, annotator, label.",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["high", "medium", "low"]),
    help=f"End with exit code {FOUND} if there is a finding of this severity or above.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of folds, permutations and samples.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path,
    answers: Path | None,
    fail_on: str | None,
    seed: int,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Audit the data of the project DIR: labels, copies, leaks, balance, shortcuts, recordings, drift.

    Nothing is changed, and no run is needed before. What was measured is kept: after Ctrl-C only what is missing is done.
    """
    from yori.audit import SEVERITIES, audit
    from yori.report.audit_words import AuditWords

    with progress_bars(progress) as report:
        done = audit(folder, answers=answers, seed=seed, workers=workers, progress=report)
    total = done.summary["total"]
    if as_json:
        show_json(done.fields())
    else:
        words = AuditWords("en")
        numbers = ", ".join(f"{total[name]} {name}" for name in SEVERITIES)
        click.echo(
            f"{counted(sum(total.values()), 'finding')} in {counted(done.summary['examples'], 'example')}: {numbers}"
        )
        show_rows(
            [(words(f"kind.{kind}"), *(f"{count[name]} {name}" for name in SEVERITIES))
             for kind, count in done.summary["kinds"].items()], indent="  ",
        )  # fmt: skip
        for each in done.findings[:SHOWN]:
            click.echo(f"{each.severity}: {each.example_id or 'all'}: {each.sentence('evidence', words)}")
        click.echo(f"Findings: {done.folder / 'findings.parquet'}")
        click.echo(f"Page: {done.folder / 'audit.html'}")
        if done.reused:
            click.echo("Everything was up to date.")
    if fail_on is not None and any(total[name] for name in SEVERITIES[: SEVERITIES.index(fail_on) + 1]):
        ctx.exit(FOUND)
