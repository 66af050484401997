"""``yori diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yori.cli.show import counted, json_option, show_json, show_rows

SHOWN = 20


@click.command(name="diff", short_help="Compare data versions.", epilog="Example: yori diff bells 1 2")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("before", metavar="A", type=click.IntRange(min=0))
@click.argument("after", metavar="B", type=click.IntRange(min=0))
@json_option
def command(folder: Path, before: int, after: int, as_json: bool) -> None:
    """Show what changed from data version A to B of the project DIR; version 0 is the empty one."""
    from yori.store import Project

    changes = Project.open(folder).diff(before, after)
    relabelled, reweighted = changes.relabelled.to_pylist(), changes.reweighted.to_pylist()
    if as_json:
        show_json(
            {
                "before": before,
                "after": after,
                "added": list(changes.added),
                "removed": list(changes.removed),
                "relabelled": relabelled,
                "reweighted": reweighted,
                "classes": {name: list(counts) for name, counts in changes.classes.items()},
            }
        )
        return
    if changes.is_empty:
        click.echo(f"Versions {before} and {after} hold the same examples.")
        return
    _show("added", list(changes.added), lambda one: (f"+ {one}",))
    _show("removed", list(changes.removed), lambda one: (f"- {one}",))
    for title, found in (("relabelled", relabelled), ("reweighted", reweighted)):
        _show(title, found, lambda one: (one["example_id"], f"{_cell(one['old'])} → {_cell(one['new'])}"))
    changed = [(name, f"{a} → {b}") for name, (a, b) in changes.classes.items() if a != b]
    if changed:
        click.echo("examples per class")
        show_rows(changed, indent="  ")


def _show(title: str, found: list[Any], line: Any) -> None:
    if found:
        click.echo(f"{counted(len(found), 'example')} {title}")
        show_rows([line(one) for one in found[:SHOWN]], indent="  ")
        if len(found) > SHOWN:
            click.echo(f"  and {len(found) - SHOWN} more (--json lists all)")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none of the classes"
    return "no label" if value is None else str(value)
