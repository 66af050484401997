"""``yori merge``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import counted, json_option, show_json


@click.command(
    name="merge", short_help="Make answers the next data version.", epilog="Example: yori merge ships --who ann"
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--who", metavar="NAME", help="Who signs new examples. Default: the user.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
def command(folder: Path, who: str | None, database: str | None, as_json: bool) -> None:
    """Turn the answers in the queue of DIR into labels and the next data version.

    Items whose answers are in conflict go back to the queue. Nothing is overwritten.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.merge import merge
    from yori.main_job.initialise import user_name
    from yori.store import Project
    from yori.task import read_task

    project = Project.open(folder)
    opened = open_database(project, database)
    try:
        done = merge(project, opened, read_task(project.path / "task.yaml"), who=who or user_name())
    finally:
        opened.close()
    if as_json:
        show_json({"project": str(project.path), **done.to_dict()})
        return
    if done.after == done.before:
        click.echo(f"Nothing changed: version {done.after}.")
    else:
        click.echo(
            f"Version {done.after}: {counted(done.added, 'new example')}, {done.labelled - done.added} relabelled, "
            f"{done.dropped} dropped, {done.confirmed} confirmed."
        )
    if done.conflicts:
        click.echo(f"{counted(done.conflicts, 'item')} in conflict, asked again: yori review {folder}")
    if done.given_up:
        click.echo(f"{counted(done.given_up, 'item')} that people cannot agree on were left out.")
    if done.lost:
        click.echo(f"{counted(done.lost, 'item')} whose input the log no longer holds.")
    for name, skill in sorted(done.people.get("skill", {}).items()):
        click.echo(f"  {name}: {counted(done.people['answers'][name], 'answer')}, about {skill:.0%} right")
