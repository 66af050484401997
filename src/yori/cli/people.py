"""``yori people``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import json_option, show_json, show_rows


@click.command(
    name="people",
    short_help="Say who may answer.",
    epilog="""Examples:

    \b
    yori people list bells
    yori people add bells ann
    yori people token bells ann
    yori people remove bells ann
    """,
)
@click.argument("what", metavar="list|add|token|remove", type=click.Choice(["list", "add", "token", "remove"]))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("name", required=False)
@click.option("--owner", is_flag=True, help="With add: one who also sees what others hold.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
def command(folder: Path, what: str, name: str | None, owner: bool, database: str | None, as_json: bool) -> None:
    """List the people who may answer on the review page of DIR; add one, make a new token, or put one out.

    A token is shown once and kept nowhere; a new one ends the old one. Answers of people who were put out stay.
    """
    from yori.errors import ValuesError
    from yori.flywheel.database import open_database
    from yori.flywheel.queue import add_person, deactivate, list_people, new_token
    from yori.store import Project

    opened = open_database(Project.open(folder), database)
    try:
        if what == "list":
            people = list_people(opened)
            if as_json:
                show_json({"people": [{"name": one.name, "role": one.role, "active": one.active} for one in people]})
            else:
                show_rows([(one.name, one.role, "" if one.active else "cannot log in") for one in people])
            return
        if name is None:
            raise ValuesError("the name of a person", "none", where=f"people {what}")
        token = None
        if what == "add":
            token = add_person(opened, name, role="owner" if owner else "annotator")
        elif what == "token":
            token = new_token(opened, name)
        else:
            deactivate(opened, name)
    finally:
        opened.close()
    if as_json:
        show_json({"person": name, "token": token})
    elif token is None:
        click.echo(f"{name} cannot log in any more.")
    else:
        click.echo(f"{name}'s token, shown only now: {token}")
