"""``yori prepare``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows


@click.command(
    name="prepare",
    short_help="Check the columns; balance, fill, resample, normalise.",
    epilog="""Examples:

    \b
    yori prepare bells
    yori prepare bells --balance 0.5 --level -20
    yori prepare bells --fill domain==unknown
    yori prepare bells --undo
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--balance", type=float, metavar="POWER", help="Weigh classes: 0 = not at all, 1 = all the same.")
@click.option("--level", type=float, metavar="DBFS", help="Bring every clip to this level.")
@click.option("--remove-offset", is_flag=True, help="Take constant offsets out of clips.")
@click.option("--rate", type=int, metavar="HZ", help="Bring every clip to this rate.")
@click.option("--standardise", is_flag=True, help="Standardise given embeddings on training examples (split column).")
@click.option("--fill", multiple=True, metavar="COLUMN=HOW", help="Fill gaps: median, most_frequent, or =VALUE.")
@click.option("--drop-missing", multiple=True, metavar="COLUMN", help="Leave examples without a value out.")
@click.option("--undo", "take_back", is_flag=True, help="Take the last preparation back.")
@click.option("--who", metavar="NAME", help="Who signs. Default: the user.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    balance: float | None,
    level: float | None,
    remove_offset: bool,
    rate: int | None,
    standardise: bool,
    fill: tuple[str, ...],
    drop_missing: tuple[str, ...],
    take_back: bool,
    who: str | None,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Check the columns of the project DIR and say what is worth preparing; with options, make it the next data version.

    What is learnt is learnt from training examples only. Every step is recorded, and --undo takes all of them back.
    """
    from yori.errors import ValuesError
    from yori.main_job.initialise import user_name
    from yori.preparation import Wishes, prepare, undo

    pairs = []
    for each in fill:
        column, equals, how = each.partition("=")
        if not column or not equals or not how:
            raise ValuesError("COLUMN=median, COLUMN=most_frequent or COLUMN==VALUE", repr(each), where="--fill")
        pairs.append((column, how))
    wishes = Wishes(balance, level, remove_offset, rate, standardise, tuple(pairs), drop_missing)
    if take_back and wishes:
        raise click.UsageError("--undo goes without other steps.")
    signed = who or user_name()
    if take_back:
        done = undo(folder, who=signed)
    else:
        with progress_bars(progress) as report:
            done = prepare(folder, wishes, who=signed, workers=workers, progress=report)
    record = done.record
    if as_json:
        show_json({
            "project": str(folder), "version": done.version, "undone": take_back, "changed": done.changed,
            "record": None if record is None else record.key,
            "steps": [] if record is None else [dict(each) for each in record.steps],
            "columns": [vars(each) for each in done.checks], "proposals": list(done.proposals),
        })  # fmt: skip
        return
    if take_back:
        click.echo(f"Version {done.version}: the preparation is taken back.")
        return
    rows = [
        (each.name, each.kind, f"{each.missing} missing", counted(each.different, "value"), each.note)
        for each in done.checks if each.kind != "empty"
    ]  # fmt: skip
    show_rows(rows, indent="  ")
    for proposal in done.proposals:
        click.echo(f"Worth doing: {proposal}")
    if record is not None:
        click.echo(f"Version {done.version}: {record.sentence()}; {counted(done.changed, 'example')} changed.")
        click.echo(f"Take it back: yori prepare {folder} --undo")
