"""``yori select``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows

SHOWN = 10


@click.command(
    name="select",
    short_help="Say which examples to label next.",
    epilog="""Examples:

    \b
    yori select bells --budget 100
    yori select bells --budget 100 --strategy badge --quotas equal
    yori select bells --budget 100 --cost-column duration --spend 600
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--budget", type=int, required=True, metavar="N", help="How many examples.")
@click.option("--strategy", metavar="NAME", help="Default: the one that the simulation speaks for.")
@click.option("--quotas", type=click.Choice(["proportional", "equal"]), help="Share the budget among domains.")
@click.option("--cost-column", metavar="COLUMN", help="What the label of each example costs.")
@click.option("--spend", type=float, metavar="SUM", help="How much may be spent, in units of the cost column.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the strategy.")
@click.option("--no-simulation", is_flag=True, help="Take the default strategy on faith, without its random control.")
@click.option(
    "--map", "map_method", type=click.Choice(["pca", "umap", "none"]), default="pca", show_default=True,
    help="Map on the page, for looking only.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    budget: int,
    strategy: str | None,
    quotas: str | None,
    cost_column: str | None,
    spend: float | None,
    seed: int,
    no_simulation: bool,
    map_method: str,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Choose unlabelled examples of the project DIR to label next: a table of ids with rank, score and reason.

    On the labelled part strategies are simulated beside a random control; the result says which one to trust here and why,
    and what the stop criteria say about more labels.
    """
    from yori.choose import select_next

    with progress_bars(progress) as report:
        made = select_next(
            folder, budget=budget, strategy=strategy, quotas=quotas, cost_column=cost_column, spend=spend, seed=seed,
            simulated=not no_simulation, map_method=map_method, workers=workers, progress=report,
        )  # fmt: skip
    if as_json:
        show_json(made.fields())
        return
    click.echo(f"Trust: {made.trust.strategy}. {made.trust.reason}")
    if strategy is not None and strategy != made.trust.strategy:
        click.echo(f"Used, as asked for: {strategy}.")
    copies = f", {counted(made.copies, 'near-copy', 'near-copies')} left out" if made.copies else ""
    click.echo(f"{counted(len(made.table), 'example')} of {counted(made.pool, 'candidate')}{copies}:")
    first = made.table.slice(0, SHOWN).to_pylist()
    show_rows([(str(row["rank"]), row["example_id"], row["why"]) for row in first], indent="  ")
    if len(made.table) > SHOWN:
        click.echo(f"  … and {len(made.table) - SHOWN} more in the table.")
    for stop in made.stops:
        if stop.stop:
            click.echo(f"Stop? {stop.name} says so: {stop.words} {stop.value:.3g}, bar {stop.bar:g}.")
    if not any(stop.stop for stop in made.stops):
        click.echo(f"Stop? No criterion says so after {counted(made.rounds, 'round')} of labels.")
    for note in made.notes:
        click.echo(f"Note: {note}")
    if made.map is not None and made.map.note:
        click.echo(f"Map: {made.map.note}")
    click.echo(f"Page: {made.folder / 'selection.html'}")
    click.echo(f"Table: {made.folder / 'selection.csv'}")
