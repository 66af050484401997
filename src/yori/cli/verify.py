"""``yori verify``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import json_option, show_json
from yori.errors import VerificationError


@click.command(
    name="verify", short_help="Check a certificate.", epilog="Example: yori verify bells/proofs/3f2a… --project bells"
)
@click.argument("proof", metavar="PROOF", type=click.Path(path_type=Path))
@click.option(
    "--project", type=click.Path(path_type=Path), metavar="DIR", help="Also compare with this project's data."
)
@json_option
def command(proof: Path, project: Path | None, as_json: bool) -> None:
    """Compute every number of the proof again from its files and say what differs.

    Needs the folder of the proof alone; it may come from another machine. Exit code 7 if it does not hold.
    """
    from yori.prove import verify
    from yori.store import Project

    found = verify(proof, None if project is None else Project.open(project))
    if as_json:
        checks = [{"name": each.name, "holds": each.holds, "findings": list(each.findings)} for each in found.checks]
        show_json({"holds": found.holds, "verdict": found.verdict, "proof": str(proof), "checks": checks})
    else:
        for check in found.checks:
            click.echo(f"{'holds ' if check.holds else 'FAILS '} {check.name}")
            for finding in check.findings[:20]:
                click.echo(f"         {finding}")
            if len(check.findings) > 20:
                click.echo(f"         and {len(check.findings) - 20} more")
        if found.holds:
            click.echo(f"The certificate holds: {found.verdict}.")
    if not found.holds:
        failed = sum(not check.holds for check in found.checks)
        raise VerificationError("a certificate that holds", f"{failed} checks that fail", where=str(proof))
