"""``yori monitor``."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Literal

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows
from yori.errors import ValuesError

_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


@click.command(
    name="monitor",
    short_help="Look whether the world has moved.",
    epilog="""Examples:

    \b
    yori monitor ships --page monitor.html
    yori monitor ships --since 7d --json
    0 6 * * *  yori monitor /srv/ships --quiet --alerts /srv/ships/alerts.json || mail -s "yori" ann@example.org
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--since", metavar="TIME", help="Look at the last hours, days or weeks: 12h, 7d, 2w.")
@click.option("--rows", type=int, default=1000, show_default=True, help="Without --since: the newest predictions.")
@click.option("--against", type=click.Choice(["validation", "log"]), default="validation", show_default=True,
              help="Compare with the validation examples, or with the first predictions of the release.")  # fmt: skip
@click.option("--block", type=float, default=0.0, metavar="SECONDS",
              help="Predictions of one domain within so many seconds are one unit.")  # fmt: skip
@click.option("--false-alarms", type=float, default=0.05, show_default=True, metavar="SHARE",
              help="Chance of a false alarm in a month.")  # fmt: skip
@click.option("--every", type=float, default=1.0, show_default=True, metavar="DAYS", help="How often this is run.")
@click.option("--page", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with plots.")
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Language of the page.")
@click.option("--alerts", type=click.Path(path_type=Path), metavar="FILE", help="Write the object of --json there.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the permutation tests.")
@click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
@progress_option
def command(
    folder: Path,
    since: str | None,
    rows: int,
    against: Literal["validation", "log"],
    block: float,
    false_alarms: float,
    every: float,
    page: Path | None,
    lang: Literal["en", "ko"],
    alerts: Path | None,
    seed: int,
    quiet: bool,
    database: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Compare what the serving release of DIR meets with what it was released on.

    Exit code 0: nothing to do. 1: an alarm. Looks share a budget of false alarms, so run it as often as you say with --every.
    """
    import numpy as np

    from yori.flywheel.database import open_database
    from yori.flywheel.json_file import write_json
    from yori.flywheel.monitor import monitor
    from yori.flywheel.monitor_page import write_page
    from yori.store import Project

    start = None if since is None else time.time() - seconds_of(since)
    project = Project.open(folder)
    opened = open_database(project, database)
    try:
        with progress_bars(progress) as bars:
            report = monitor(
                project, opened, since=start, rows=rows, against=against, block_seconds=block, budget=false_alarms,
                cadence_days=every, rng=np.random.default_rng(seed), progress=bars,
            )  # fmt: skip
        if page is not None:
            write_page(project, opened, report, page, lang=lang)
    finally:
        opened.close()
    fields = report.fields()
    if alerts is not None:
        write_json(fields, alerts)
    if as_json:
        show_json(fields)
    elif not quiet or report.alerts:
        _show(fields, page)
    if report.alarm:
        raise SystemExit(1)


def seconds_of(text: str) -> float:
    """Seconds of a span such as ``7d``.

    Examples
    --------
    >>> seconds_of("12h"), seconds_of("7d")
    (43200.0, 604800.0)
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([hdw])", text.strip())
    if match is None or float(match[1]) == 0:
        raise ValuesError("a time such as 12h, 7d or 2w", repr(text), where="--since")
    return float(match[1]) * _UNITS[match[2]]


def _show(fields: dict[str, Any], page: Path | None) -> None:
    window = fields["window"]
    click.echo(
        f"Look {fields['look']} at release {fields['release'][:12]}: {counted(window['rows'], 'prediction')}, "
        f"{window['embedded']} with embeddings."
    )
    for each in fields["alerts"]:
        click.echo(f"{each['severity'].upper():8} {each['text']}")
    if not fields["alerts"]:
        click.echo("Nothing to report.")
    table = [("test", "value", "p", "p of all tests together")]
    for name, each in fields["tests"].items():
        value = f"{each['statistic']:.4g}" if "statistic" in each else ""
        table.append((name, value, f"{each['p_value']:.4f}", f"{each['adjusted']:.4f}"))
    if len(table) > 1:
        show_rows(table, indent="  ")
        click.echo(f"  An alarm needs p ≤ {fields['level']:.5f} in this look.")
    for name, methods in fields["estimated_risk"].items():
        found = methods.get("average_confidence")
        if found:
            risk = f"{found['risk']:.1%}, {found['low']:.1%} to {found['high']:.1%}"
            words = "cannot be known" if found["basis"] == "cannot know" else risk
            click.echo(f"Estimated errors, {name}: {words} ({found['reason']}).")
    for note in fields["notes"]:
        click.echo(note)
    if page is not None:
        click.echo(f"See: {page}")
