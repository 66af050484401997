"""``yori log``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import json_option, show_json, show_rows


@click.command(name="log", short_help="List data versions.", epilog="Example: yori log bells")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """List the data versions of the project DIR, the latest last."""
    from yori.store import Project

    versions = Project.open(folder).log()
    if as_json:
        plain = [
            {
                "version": one.number,
                "parents": list(one.parents),
                "when": one.when,
                "who": one.who,
                "message": one.message,
                "content_sha256": one.content_hash,
                "counts": dict(one.counts),
            }
            for one in versions
        ]
        show_json({"project": str(folder), "versions": plain})
        return
    heads = ("version", "when", "examples", "dropped", "relabelled", "who", "message")
    rows = [
        (
            str(one.number),
            one.when[:16].replace("T", " "),
            *(str(one.counts[name]) for name in ("examples", "dropped", "relabelled")),
            one.who,
            one.message,
        )
        for one in versions
    ]
    show_rows([heads, *rows])
