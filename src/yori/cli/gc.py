"""``yori gc``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import counted, json_option, show_json, show_rows


@click.command(name="gc", short_help="Remove orphans.", epilog="Example: yori gc bells --delete")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be removed; the default.")
@click.option("--delete", is_flag=True, help="Remove it.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="S",
    help="Leave alone what was written in the last S seconds.",
)
@json_option
def command(folder: Path, dry_run: bool, delete: bool, grace: float, as_json: bool) -> None:
    """Remove from the project DIR what no data version names and no running job needs.

    Nothing is removed without --delete. Data versions, runs, proofs and embeddings are never removed.
    """
    from yori.store import Project

    if dry_run and delete:
        raise click.UsageError("Give --dry-run or --delete, not both.")
    orphans = Project.open(folder).gc(dry_run=not delete, grace=grace)
    size = sum(one.bytes for one in orphans)
    if as_json:
        show_json({"deleted": delete, "bytes": size, "orphans": [vars(one) for one in orphans]})
        return
    show_rows([(one.path, f"{one.bytes} B") for one in orphans])
    verb = "Removed" if delete else "Would remove"
    hint = "" if delete or not orphans else " Repeat with --delete to do it."
    click.echo(f"{verb} {counted(len(orphans), 'orphan')}, {size / 1e6:.1f} MB.{hint}")
