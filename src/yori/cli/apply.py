"""``yori apply``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import counted, json_option, show_json


@click.command(
    name="apply",
    short_help="Make the next data version.",
    epilog="""Examples:

    \b
    yori apply bells bells/proofs/3f2a…
    yori apply bells bells/proofs/3f2a… --undo
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("edits", metavar="PROOF", type=click.Path(path_type=Path))
@click.option("--undo", is_flag=True, help="Take the edits back.")
@click.option("--who", metavar="NAME", help="Who signs. Default: the user.")
@json_option
def command(folder: Path, edits: Path, undo: bool, who: str | None, as_json: bool) -> None:
    """Apply the edits of PROOF (its folder, or an edits.parquet) to the project DIR as the next data version."""
    from yori.main_job import apply_edits

    done = apply_edits(folder, edits, undo=undo, who=who)
    if as_json:
        fields = {"project": str(folder), "version": done.version.number, "added": done.added, "skipped": done.skipped}
        show_json(fields)
        return
    click.echo(f"Version {done.version.number}: {counted(done.added, 'patch', 'patches')}, {done.skipped} skipped.")
    click.echo(f"See: yori log {folder}")
