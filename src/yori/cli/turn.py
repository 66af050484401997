"""``yori turn``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json

if TYPE_CHECKING:
    from yori.flywheel.turn import Turn

WAITS = 3
"""Exit code: people have to answer first."""
KEPT = 1
"""Exit code: the gate kept the old release."""


@click.command(
    name="turn",
    short_help="Turn the flywheel once.",
    epilog="""Examples:

    \b
    yori turn ships --budget 100      asks, and stops while people answer
    yori turn ships                   goes on: merge, curate, retrain, prove, gate, release
    yori turn ships --no-wait         goes on with the answers there are
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--budget", type=int, metavar="N", help="Answers to ask for. Default: budget.labels of task.yaml.")
@click.option("--no-wait", is_flag=True, help="Do not wait for missing answers.")
@click.option("--who", metavar="NAME", help="Who signs. Default: the user.")
@click.option("--page", type=click.Path(path_type=Path), metavar="FILE", help="Write the history of all turns.")
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Language of the page.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
@progress_option
def command(
    folder: Path,
    budget: int | None,
    no_wait: bool,
    who: str | None,
    page: Path | None,
    lang: Literal["en", "ko"],
    workers: int | None,
    database: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Begin a turn of DIR, or go on with the one under way: ask, merge, curate, retrain, prove, gate, release.

    Exit code 0: promoted. 1: the gate kept the old release, and says why. 3: people have to answer first.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.history_page import write_history
    from yori.flywheel.serving import history
    from yori.flywheel.turn import turn, turns
    from yori.main_job.initialise import user_name
    from yori.report import write_report
    from yori.store import Project
    from yori.task import read_task

    project = Project.open(folder)
    task = read_task(project.path / "task.yaml")
    opened = open_database(project, database)

    def finish(proof: Path) -> None:
        write_report(proof, project, proof / "report.html", lang="en")
        write_report(proof, project, proof / "report.ko.html", lang="ko")

    try:
        with progress_bars(progress) as bars:
            done = turn(
                project, opened, task, budget=budget, wait=not no_wait, who=who or user_name(), workers=workers,
                progress=bars, finish=finish,
            )  # fmt: skip
        if page is not None:
            write_history(task.name, turns(opened), history(opened), page, lang=lang)
    finally:
        opened.close()
    if as_json:
        show_json({"project": str(project.path), "turn": done.number, "waiting": done.waiting, "steps": done.steps})
    else:
        _show(done, folder, page)
    if not done.done:
        raise SystemExit(WAITS)
    if done.promoted is None:
        raise SystemExit(KEPT)


def _show(done: Turn, folder: Path, page: Path | None) -> None:
    asked = done.steps["mine"]
    click.echo(f"Turn {done.number}: {counted(asked['asked'], 'item')} asked.")
    if not done.done:
        click.echo(f"{counted(done.waiting, 'item')} wait for answers: yori review {folder}, then yori turn {folder}")
        return
    merged, trained, gate = (done.steps[step] for step in ("merge", "train", "gate"))
    click.echo(
        f"Merged: {counted(merged['added'], 'new example')}, {merged['dropped']} dropped, version {merged['after']}. "
        f"Curated: {counted(trained['edits'], 'edit')}."
    )
    deciding = f", {gate['deciding']} of them from the stream decide" if gate["deciding"] < gate["examples"] else ""
    click.echo(f"Gate, look {gate['look']} at {gate['examples']} test examples{deciding}:")
    for each in gate["questions"]:
        click.echo(f"  {'yes' if each['passed'] else 'NO ':3} {each['name']}: {each['sentence']}")
    if done.promoted:
        click.echo(f"Release {done.promoted[:12]} serves now.")
    else:
        click.echo(f"The old release serves on: {done.steps['end']['serving'][:12]}.")
    if page is not None:
        click.echo(f"See: {page}")
