"""``yori attribute``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows


@click.command(
    name="attribute",
    short_help="Score how much each training example helps or hurts.",
    epilog="""Examples:

    \b
    yori attribute bells --out scores.parquet
    yori attribute bells --method tracin --engine dask --workers 4
    yori attribute bells --damping auto --json
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--method", default="influence", show_default=True, metavar="NAME",
              help="influence, influence_leverage, tracin, trak, knn_shapley …")  # fmt: skip
@click.option("--objective", metavar="NAME", help="nll, brier, aurc, augrc_soft … Default: the task's.")
@click.option("--protocol", metavar="NAME", help="Such as id or lodo:near. Default: the first of the task.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Of the split.")
@click.option("--damping", metavar="NUMBER|auto", help="For influence; auto: chosen on validation.")
@click.option("--engine", type=click.Choice(["process", "dask", "ray"]), default="process", show_default=True,
              help="Where influence and tracin run.")  # fmt: skip
@click.option("--address", metavar="URL", help="Of a running Dask or Ray cluster.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A Parquet file to write.")
@progress_option
@json_option
def command(
    folder: Path,
    method: str,
    objective: str | None,
    protocol: str | None,
    seed: int,
    damping: str | None,
    engine: str,
    address: str | None,
    workers: int | None,
    out: Path | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Score the training examples of the project DIR by what its validation examples ask for. Positive = helps."""
    from yori.main_job.attribute import attribute

    with progress_bars(progress) as report:
        done = attribute(
            folder, method=method, objective=objective, protocol=protocol, seed=seed, damping=_damping(damping),
            engine=engine, address=address, workers=workers, out=out, progress=report,
        )  # fmt: skip
    fields = done.fields()
    if as_json:
        show_json(fields)
        return
    click.echo(f"{counted(fields['examples'], 'training example')} of {done.protocol}, seed {done.seed}, by {method}.")
    click.echo(f"{fields['harmful']} below zero: without them {done.objective} on validation would fall. The lowest:")
    show_rows([(row["example_id"], row["label"], f"{row['score']:.3g}") for row in fields["lowest"]], indent="  ")
    if "gains" in done.damping:
        click.echo(f"Damping chosen on validation: {done.damping['chosen']:.3g} (penalty {done.l2:.3g})")
    if out is not None:
        click.echo(f"All scores: {out}")


def _damping(text: str | None) -> float | str | None:
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a number nor auto", param_hint="--damping") from None
