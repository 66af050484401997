"""``yori demo-flywheel``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option, show_json

if TYPE_CHECKING:
    from yori.flywheel.simulated_world import Outcome

ARM_NAMES = {"yori": "what yori asks", "random": "random labels"}
_PAGES: tuple[tuple[str, Literal["en", "ko"]], ...] = (("turns.html", "en"), ("turns.ko.html", "ko"))


@click.command(
    name="demo-flywheel",
    short_help="Three turns in a simulated world.",
    epilog="Example: yori demo-flywheel demo-flywheel",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="Of the world and its people.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Share of the passages and labels.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(folder: Path, seed: int, scale: float, workers: int | None, progress: bool | None, as_json: bool) -> None:
    """Release a model, let ships drift away and a rare vessel come, and turn the flywheel three times.

    Beside it the same labels are spent at random. Uses no network. Everything stays in DIR.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.history_page import write_history
    from yori.flywheel.serving import history
    from yori.flywheel.simulated_world import Size, simulate_world, smaller
    from yori.store import Project

    size = Size() if scale == 1 else smaller(Size(), scale)
    with progress_bars(progress) as bars:
        found = simulate_world(folder, seed=seed, size=size, workers=workers, progress=bars)
    project = Project.open(folder / "yori")
    database = open_database(project)
    try:
        served = history(database)
    finally:
        database.close()
    fields = found.to_dict()
    pages = [
        write_history("ships", found.turns["yori"], served, folder / name, world=fields, lang=lang)
        for name, lang in _PAGES
    ]
    if as_json:
        show_json({**fields, "page": str(pages[0]), "project": str(project.path)})
        return
    _show(found, fields["coverage"])
    click.echo(f"See: {pages[0]}")


def _show(found: Outcome, coverage: float) -> None:
    """One line for each turn of each arm: the newest head, whether its gate promoted it, and what served."""
    click.echo(f"Risk at {coverage:.0%} coverage on passages nobody was trained on:")
    for arm, risks in found.risk.items():
        click.echo(f"  {ARM_NAMES[arm]}:")
        gates = ["first release", *("kept out" if each.promoted is None else "promoted" for each in found.turns[arm])]
        for labels, risk, gate, served in zip(found.labels, risks, gates, found.served[arm], strict=True):
            click.echo(f"  {labels:6} labels: newest head {risk:6.1%}, {gate:13} → serves {served:6.1%}")
    for arm, done in found.turns.items():
        passed = [str(each.number) for each in done if each.promoted]
        told = f"turn {', '.join(passed)}" if passed else "none"
        click.echo(f"Promoted by the gate, {ARM_NAMES[arm]}: {told}.")
