"""``yori report``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command(
    name="report", short_help="Write the report of a proof again.",
    epilog="Example: yori report bells/proofs/3f2a… --project bells --lang ko --out report.ko.html",
)  # fmt: skip
@click.argument("proof", metavar="PROOF", type=click.Path(path_type=Path))
@click.option("--project", type=click.Path(path_type=Path), metavar="DIR", help="Where the sound files are.")
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Language.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="File.")
def command(proof: Path, project: Path | None, lang: Literal["en", "ko"], out: Path) -> None:
    """Write the report of PROOF as one HTML file."""
    from yori.report import write_report
    from yori.store import Project

    click.echo(write_report(proof, None if project is None else Project.open(project), out, lang=lang))
