"""``yori labelstudio``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json

if TYPE_CHECKING:
    from yori.flywheel.label_studio_exchange import PullReport


@click.command(
    name="labelstudio",
    short_help="Send items to Label Studio and take answers back.",
    epilog="""Examples:

    \b
    yori labelstudio push bells --url http://localhost:8080
    yori labelstudio pull bells --url http://localhost:8080 --project 3
    yori labelstudio push bells --file tasks.json
    yori labelstudio pull bells --file export.json
    yori labelstudio pull bells --file export.csv

    The access token is read from the environment variable LABEL_STUDIO_API_KEY.
    """,
)
@click.argument("what", metavar="push|pull", type=click.Choice(["push", "pull"]))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--url", metavar="URL", help="Where Label Studio answers.")
@click.option(
    "--project", "studio_project", type=int, metavar="NUMBER", help="Its project. Default with push: a new one."
)
@click.option("--file", type=click.Path(path_type=Path), help="A file instead: tasks to import there, or an export.")
@click.option("--kind", default="audio", show_default=True, type=click.Choice(["audio", "image", "text", "row"]))
@click.option("--count", type=click.IntRange(1), help="With push: items at most. Default: all that are open.")
@click.option(
    "--days", default=7.0, show_default=True, type=click.FloatRange(0.01, 365), help="How long they are held."
)
@click.option("--no-suggestions", is_flag=True, help="Without predictions.")
@click.option("--media", type=click.Path(path_type=Path), help="Folder for the clips. Default: DIR/labelstudio/media.")
@click.option("--media-url", metavar="PREFIX", help="Where Label Studio finds that folder.")
@click.option(
    "--take-gone-back", is_flag=True, help="With pull: answers whose annotation was removed there count no more."
)
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
@progress_option
def command(
    folder: Path,
    what: str,
    url: str | None,
    studio_project: int | None,
    file: Path | None,
    kind: str,
    count: int | None,
    days: float,
    no_suggestions: bool,
    media: Path | None,
    media_url: str | None,
    take_gone_back: bool,
    database: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Push open items of the project DIR to Label Studio as tasks with predictions, or pull its annotations back.

    Clips are written to a folder that Label Studio must be able to serve: start it on the same machine with
    LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=DIR; with --url the folder becomes
    a local storage of the project there, with --file you add it in its settings. Or copy the folder to a web server and name
    it with --media-url. An export may be JSON, JSON-MIN, CSV or TSV; only JSON says who skipped.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.label_studio_api import LabelStudio
    from yori.flywheel.label_studio_exchange import MEDIA_URL, pull, push
    from yori.store import Project

    project = Project.open(folder)
    studio = None if url is None else LabelStudio(url)
    opened = open_database(project, database)
    try:
        if what == "pull":
            _show_pulled(
                pull(
                    project, opened, file=file, studio=studio, studio_project=studio_project,
                    take_gone_back=take_gone_back,
                ),
                as_json=as_json,
            )  # fmt: skip
            return
        with progress_bars(progress) as bars:
            sent = push(
                project, opened, kind=kind, count=count, days=days, suggestions=not no_suggestions, media_folder=media,
                media_url=media_url or MEDIA_URL, file=file, studio=studio, studio_project=studio_project,
                progress=lambda done, total: bars("push", done, total),
            )  # fmt: skip
    finally:
        opened.close()
    if as_json:
        fields = {"pushed": sent.pushed, "there": sent.there, "project": sent.project, "served": sent.served}
        show_json(
            {**fields, "file": str(sent.file) if sent.file else None, "media": str(sent.media) if sent.media else None}
        )
        return
    goal = f"project {sent.project}" if sent.file is None else f"{sent.file}"
    click.echo(f"{counted(sent.pushed, 'item')} to {goal}; {sent.there} there already.")
    if sent.media is not None:
        click.echo(f"Clips: {sent.media}")
    if sent.served is False:
        click.echo(
            "Label Studio does not hand them out yet: start it with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
            f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder.resolve()}, and add that folder in the settings of the project "
            "as a local storage.",
            err=True,
        )


def _show_pulled(taken: PullReport, *, as_json: bool) -> None:
    given, gone = taken.given, len(taken.gone)
    if as_json:
        fields = {"added": given.added, "replaced": given.replaced, "repeated": given.repeated, "late": given.late}
        show_json({**fields, "gone": gone, "taken_back": gone if taken.taken_back else 0})
        return
    click.echo(f"{counted(given.added, 'answer')} new, {given.replaced} changed, {given.repeated} known.")
    if given.late:
        click.echo(f"{counted(given.late, 'answer')} too late: the item was merged or withdrawn before.")
    if gone and taken.taken_back:
        click.echo(f"{counted(gone, 'answer')} taken back: the annotation was removed there.")
    elif gone:
        click.echo(
            f"{counted(gone, 'answer')} here without an annotation there any more; --take-gone-back lets them count no more."
        )
