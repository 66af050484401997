"""``yori history``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from yori.cli.show import json_option, show_json


@click.command(
    name="history", short_help="Show all turns of the flywheel.", epilog="Example: yori history ships --page turns.html"
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--page", type=click.Path(path_type=Path), metavar="FILE", help="Write a page.")
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Language of the page.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
def command(folder: Path, page: Path | None, lang: Literal["en", "ko"], database: str | None, as_json: bool) -> None:
    """Show what each turn of DIR asked, changed, cost and bought, and what served when."""
    from yori.flywheel.database import open_database
    from yori.flywheel.history_page import write_history
    from yori.flywheel.serving import history
    from yori.flywheel.turn import turns
    from yori.store import Project
    from yori.task import read_task

    project = Project.open(folder)
    opened = open_database(project, database)
    try:
        done, served = turns(opened), history(opened)
        if page is not None:
            write_history(read_task(project.path / "task.yaml").name, done, served, page, lang=lang)
    finally:
        opened.close()
    if as_json:
        show_json({
            "project": str(project.path),
            "turns": [{"turn": each.number, "promoted": each.promoted, "steps": each.steps} for each in done],
            "serving": [vars(each) for each in served],
        })  # fmt: skip
        return
    for each in done:
        merged = each.steps.get("merge", {})
        outcome = (
            f"promoted {each.promoted[:12]}" if each.promoted else "old release kept" if each.done else "under way"
        )
        click.echo(
            f"Turn {each.number}: {each.steps.get('mine', {}).get('asked', 0)} asked, {merged.get('added', 0)} new examples, "
            f"{outcome}."
        )
        for why in each.steps.get("end", {}).get("why", ()):
            click.echo(f"  {why}")
    if not done:
        click.echo(f"No turn yet. Begin one: yori turn {folder}")
    if page is not None:
        click.echo(f"See: {page}")
