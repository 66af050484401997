"""``yori release``."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Any

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import json_option, show_json, show_rows


@click.command(
    name="release",
    short_help="Make a model that can be served, or let one serve.",
    epilog="""Examples:

    \b
    yori release bells
    yori release bells --make --proof bells/proofs/3f2a… --promote
    yori release bells 3f2a --promote --why "gate passed"
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("prefix", metavar="[RELEASE]", required=False)
@click.option("--make", is_flag=True, help="Make a release out of --proof, or of a plain fit of the latest data.")
@click.option("--proof", metavar="PROOF", help="Folder or id of a proof; its edited head is released.")
@click.option("--promote", "promoted", is_flag=True, help="Let it serve.")
@click.option("--who", metavar="NAME", help="Who signs. Default: the user.")
@click.option("--why", metavar="TEXT", default="by hand", show_default=True, help="Kept in the history.")
@click.option("--database", metavar="URL", help="Default: YORI_DATABASE, or flywheel.db in the project.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    prefix: str | None,
    make: bool,
    proof: str | None,
    promoted: bool,
    who: str | None,
    why: str,
    database: str | None,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """List the releases of the project DIR, make one, or let RELEASE (its id, or how that begins) serve."""
    from yori.flywheel.database import open_database
    from yori.flywheel.release import find_release, make_release, open_release, promote, serving_release
    from yori.store import Project

    if make and prefix is not None:
        raise click.UsageError("--make makes a new release: leave out RELEASE.")
    if proof is not None and not make:
        raise click.UsageError("--proof goes with --make.")
    if promoted and not make and prefix is None:
        raise click.UsageError("--promote needs a RELEASE, or --make.")
    project = Project.open(folder)
    opened = open_database(project, database)
    if not make and prefix is None:
        _list(project, serving_release(opened), as_json)
        return
    if make:
        with progress_bars(progress) as report:
            release = make_release(project, proof=proof, workers=workers, progress=report)
    else:
        release = open_release(project, find_release(project, prefix or ""))
    if promoted:
        promote(opened, project, release.release_id, who=who or _user(), why=why)
    serves = serving_release(opened) == release.release_id
    if as_json:
        show_json({"release_id": release.release_id, "serves": serves, "manifest": release.manifest})
        return
    click.echo(f"Release {release.release_id}" + (", which serves" if serves else ""))
    click.echo(threshold_sentence(release.manifest["threshold"]))
    if not serves:
        click.echo(f"Let it serve: yori release {folder} {release.release_id[:12]} --promote")


def threshold_sentence(threshold: dict[str, Any]) -> str:
    """What the threshold of a release promises.

    Examples
    --------
    >>> threshold_sentence({"promise": "none", "risk": 0.05, "bound": 0.2, "validation_examples": 30})
    'It always abstains: 30 validation examples cannot show a risk of 5 % (only 20 %).'
    """
    risk, n = f"{100 * threshold['risk']:g} %", threshold["validation_examples"]
    bound = f"{100 * threshold['bound']:.2g} %"
    if threshold["promise"] == "none":
        return f"It always abstains: {n} validation examples cannot show a risk of {risk} (only {bound})."
    answered = f"It answers {100 * threshold['coverage']:.3g} % of {n} validation examples; "
    if threshold["promise"] == "guaranteed":
        level = f"{100 * (1 - threshold['delta']):g} %"
        return answered + f"of new answers at most {bound} are wrong, with probability {level} (asked: {risk})."
    return (
        answered + f"the chance that a new example is answered wrongly is at most {bound} on average (asked: {risk})."
    )


def _list(project: Any, serving: str | None, as_json: bool) -> None:
    from yori.flywheel.release import list_releases, open_release

    names = list_releases(project)
    manifests = {name: open_release(project, name).manifest for name in names}
    if as_json:
        show_json({"serves": serving, "releases": manifests})
        return
    if not names:
        click.echo(f"No release yet. Make one: yori release {project.path} --make --promote")
        return
    rows = [("release", "turn", "data", "from", "")]
    for name in sorted(names, key=lambda each: (manifests[each]["turn"], each)):
        one = manifests[name]
        origin = f"proof {one['certificate'][:12]}" if one["certificate"] else "plain fit"
        rows.append(
            (name[:12], str(one["turn"]), f"version {one['data']['version']}", origin, "serves" * (name == serving))
        )
    show_rows(rows)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        return f"somebody at {time.strftime('%Y-%m-%d')}"
