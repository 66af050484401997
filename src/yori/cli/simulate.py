"""``yori simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option, show_json, show_rows


@click.command(
    name="simulate",
    short_help="Draw learning curves of selection strategies.",
    epilog="""Examples:

    \b
    yori simulate bells
    yori simulate bells --strategies automatic,badge,k_center --seeds 5 --budgets 20,50,100
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--strategies", metavar="LIST", help="Comma-separated names. The random control is always drawn.")
@click.option("--seeds", type=int, default=3, show_default=True, metavar="N", help="Repetitions on every split.")
@click.option("--budgets", metavar="LIST", help="Numbers of labels, such as 20,50,100.")
@click.option("--protocol", type=click.Choice(["id", "lodo"]), help="Default: that of the endpoint in task.yaml.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    strategies: str | None,
    seeds: int,
    budgets: str | None,
    protocol: str | None,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Simulate on the labelled part of the project DIR what each strategy's labels would have bought, with intervals.

    Curves that are finished are kept: the same command goes on after Ctrl-C.
    """
    from yori.choose import simulate
    from yori.choose.simulate import STRATEGIES
    from yori.errors import ValuesError

    names = STRATEGIES if strategies is None else tuple(one.strip() for one in strategies.split(",") if one.strip())
    try:
        steps = None if budgets is None else [int(one) for one in budgets.split(",") if one.strip()]
    except ValueError:
        raise ValuesError("whole numbers, comma-separated", repr(budgets), where="--budgets") from None
    with progress_bars(progress) as report:
        found = simulate(
            folder, strategies=names, seeds=seeds, budgets=steps, protocol=protocol, workers=workers, progress=report
        )
    if as_json:
        show_json(found.to_dict())
        return
    click.echo(f"Trust: {found.trust.strategy}. {found.trust.reason}")
    rows = [("strategy", "area", "against random", f"at {found.budgets[-1]} labels")]
    for each in found.curves:
        against = ""
        if each.name != "random":
            against = f"{100 * each.difference:+.1f}"
            if each.low == each.low:
                against += f" ({100 * each.low:+.1f} to {100 * each.high:+.1f})"
        rows.append((each.name, f"{100 * each.area:.1f} %", against, f"{100 * each.accuracy[-1]:.1f} %"))
    show_rows(rows, indent="  ")
    for note in found.notes:
        click.echo(f"Note: {note}")
    if found.folder is not None:
        click.echo(f"Page: {found.folder / 'simulation.html'}")
