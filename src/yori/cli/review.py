"""``yori review``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yori.cli.show import json_option, show_json


@click.command(
    name="review",
    short_help="Open the page on which people answer.",
    epilog="""Examples:

    \b
    yori review bells
    yori review bells --suggestions half --port 8080
    yori review bells --host 0.0.0.0 --certificate cert.pem --key key.pem
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 = one that is free.")
@click.option(
    "--suggestions",
    type=click.Choice(["shown", "hidden", "half"]),
    default="shown",
    show_default=True,
    help="Whether people see what the model proposes; half = for a random half.",
)
@click.option("--hold", default=5, show_default=True, type=click.IntRange(1, 20), help="Items in one person's hands.")
@click.option(
    "--lease", default=300.0, show_default=True, type=click.FloatRange(10, 86_400), help="Seconds they are held."
)
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@click.option("--certificate", type=click.Path(path_type=Path, exists=True), help="PEM file, for HTTPS.")
@click.option("--key", type=click.Path(path_type=Path, exists=True), help="PEM file of its key.")
@json_option
def command(
    folder: Path,
    host: str,
    port: int,
    suggestions: str,
    hold: int,
    lease: float,
    database: str | None,
    certificate: Path | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Serve the review page of the project DIR until Ctrl-C.

    Everybody logs in with a token of their own (see `yori people`). While nobody has one, the first start makes the user an
    owner and shows the token, once.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.queue import count_items
    from yori.store import Project
    from yori.web.review_server import run_review
    from yori.web.review_view import SUGGESTIONS, ReviewSettings

    project = Project.open(folder)
    chosen = next(one for one in SUGGESTIONS if one == suggestions)
    opened = open_database(project, database)
    person, token = _first_person(opened)
    waiting = count_items(opened).get("open", 0)

    def ready(address: str) -> None:
        link = f"{address}/#token={token}" if token else address
        if as_json:
            show_json({"address": address, "link": link, "person": person, "token": token, "open": waiting})
        else:
            click.echo(f"{waiting} items wait. Page: {link}")
            if token:
                click.echo(f"This link logs in {person} and is shown only now. Others: yori people add {folder} NAME")
            elif not certificate and host not in ("127.0.0.1", "localhost", "::1"):
                click.echo("Tokens travel unencrypted: use --certificate and --key, or a proxy that does.", err=True)

    settings = ReviewSettings(suggestions=chosen, hold=hold, lease_seconds=lease)
    try:
        run_review(
            project, opened, host=host, port=port, settings=settings, certificate=certificate, key=key, ready=ready
        )
    finally:
        opened.close()


def _first_person(opened: Any) -> tuple[str | None, str | None]:
    import getpass
    import re

    from yori.flywheel.queue import add_person, list_people

    if any(one.active for one in list_people(opened)):
        return None, None
    try:
        name = re.sub(r"[^\w.@-]", "", getpass.getuser()) or "owner"
    except (KeyError, OSError):
        name = "owner"
    return name, add_person(opened, name, role="owner")
