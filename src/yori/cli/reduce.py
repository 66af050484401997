"""``yori reduce``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option, show_json, show_rows


@click.command(
    name="reduce",
    short_help="Choose a smaller training set.",
    epilog="""Examples:

    \b
    yori reduce bells --keep 0.3
    yori reduce bells --keep 0.1 --method craig --compare grad_match,k_center --features
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--keep", "share", type=float, required=True, metavar="SHARE", help="Share of the examples to keep.")
@click.option("--method", metavar="NAME", help="Whose choice is written. Default: glister.")
@click.option("--compare", metavar="LIST", help="Others to judge beside it; random and stratified always are.")
@click.option("--seeds", type=int, default=3, show_default=True, metavar="N", help="Repetitions of every method.")
@click.option("--features", is_flag=True, help="Also compare steps that leave fewer dimensions.")
@click.option(
    "--map", "map_method", type=click.Choice(["pca", "umap", "none"]), default="pca", show_default=True,
    help="Map on the page, for looking only.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    share: float,
    method: str | None,
    compare: str | None,
    seeds: int,
    features: bool,
    map_method: str,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Choose a part of the training examples of the project DIR, judge it on validation beside random controls, and say
    whether choosing costs more than it saves.
    """
    from yori.choose import reduce
    from yori.choose.reduce import METHODS
    from yori.selection import DEFAULT

    names = METHODS if compare is None else tuple(one.strip() for one in compare.split(",") if one.strip())
    with progress_bars(progress) as report:
        made = reduce(
            folder, keep_share=share, method=method or DEFAULT, compare=names, seeds=seeds, features=features,
            map_method=map_method, workers=workers, progress=report,
        )  # fmt: skip
    if as_json:
        show_json(made.fields())
        return
    click.echo(f"Kept {made.kept} of {made.examples} examples with {made.method}.")
    click.echo(made.verdict)
    rows = [("method", "accuracy", "against random", "seconds")]
    for each in made.methods:
        gain = "" if each.method == "random" else f"{100 * each.difference:+.1f}"
        rows.append((each.method, f"{100 * each.accuracy:.1f} %", gain, f"{each.seconds:.2f}"))
    show_rows(rows, indent="  ")
    for step in made.steps:
        if step.chosen:
            size = f"{step.dimensions} dimensions"
            click.echo(
                f"Features: {step.method}, {size}, validation loss {step.nll:.3f} (within one error of the best)."
            )
    for note in made.notes:
        click.echo(f"Note: {note}")
    if made.map is not None and made.map.note:
        click.echo(f"Map: {made.map.note}")
    click.echo(f"Page: {made.folder / 'reduce.html'}")
    click.echo(f"Table: {made.folder / 'kept.parquet'}")
