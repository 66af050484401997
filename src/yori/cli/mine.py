"""``yori mine``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows


@click.command(
    name="mine",
    short_help="Pick what people should hear next.",
    epilog="Example: yori mine ships --budget 100",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--budget", type=int, metavar="ANSWERS", help="Answers to ask for. Default: budget.labels of task.yaml.")
@click.option("--turn", type=int, default=1, show_default=True, help="Round of the flywheel.")
@click.option("--rows", type=int, default=5000, show_default=True, help="Look at so many of the newest predictions.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random share.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
@progress_option
def command(
    folder: Path,
    budget: int | None,
    turn: int,
    rows: int,
    seed: int,
    database: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Fill the review queue of DIR from the log of the serving release and from the latest audit.

    Every item says why it is asked. Run again for the same turn, it adds only what the budget still allows.
    """
    import numpy as np

    from yori.flywheel.database import open_database
    from yori.flywheel.mine import mine
    from yori.store import Project

    project = Project.open(folder)
    opened = open_database(project, database)
    try:
        with progress_bars(progress) as bars:
            found = mine(
                project, opened, budget=budget, turn=turn, rows=rows, rng=np.random.default_rng([abs(seed), abs(turn)]),
                progress=bars,
            )  # fmt: skip
    finally:
        opened.close()
    if as_json:
        show_json(found.fields())
        return
    click.echo(
        f"{counted(found.added, 'item')} for {counted(found.answers, 'answer')}, out of "
        f"{counted(found.looked_at, 'prediction')}."
    )
    show_rows([(share, str(number)) for share, number in sorted(found.shares.items())], indent="  ")
    for why, number in sorted(found.passed.items()):
        click.echo(f"  passed over, {why}: {number}")
    for note in found.notes:
        click.echo(note)
    if found.added:
        click.echo(f"See: yori review {folder}")
