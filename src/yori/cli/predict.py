"""``yori predict``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json


@click.command(
    name="predict",
    short_help="Answer for files with a release.",
    epilog="""Examples:

    \b
    yori predict bells new/ --out new.parquet
    yori predict bells harbour.wav --hop 0.5 --out harbour.parquet --log
    yori predict bells passages/ --out week.parquet --log --group-by folder
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("files", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", metavar="PARQUET", required=True, type=click.Path(path_type=Path), help="The table to write.")
@click.option("--release", "prefix", metavar="ID", help="Or how it begins. Default: the release that serves.")
@click.option("--hop", type=float, metavar="SECONDS", help="From window to window of a long recording.")
@click.option("--embeddings", is_flag=True, help="Keep the embeddings as a column.")
@click.option("--log", "to_log", is_flag=True, help="Add the answers to the prediction log, as serving does.")
@click.option("--private", is_flag=True, help="With --log: keep embeddings only, neither names nor copies.")
@click.option("--domain", metavar="NAME", help="With --log: where the files come from, such as a site.")
@click.option("--group", metavar="NAME", help="With --log: what all files belong to, such as a passage.")
@click.option("--group-by", type=click.Choice(["file", "folder"]), default="file", show_default=True,
              help="With --log: each file is a group, or the files in folders of one name are.")  # fmt: skip
@click.option("--database", metavar="URL", help="Default: YORI_DATABASE, or flywheel.db in the project.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    files: tuple[Path, ...],
    out: Path,
    prefix: str | None,
    hop: float | None,
    embeddings: bool,
    to_log: bool,
    private: bool,
    domain: str | None,
    group: str | None,
    group_by: str,
    database: str | None,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Answer for sound files, folders of them, or .npy files of embeddings, and write a table.

    What is of one group is never trained on and tested.

    After Ctrl-C the same command goes on with what is finished. Exit code 1: some files could not be read; their rows say why.
    """
    from yori.flywheel.database import open_database
    from yori.flywheel.group_names import check_group, folder_group
    from yori.flywheel.log_predictions import log_predictions
    from yori.flywheel.log_rules import LogRules
    from yori.flywheel.predict import predict
    from yori.flywheel.release import find_release, serving_release
    from yori.store import Project

    if group is not None and group_by == "folder":
        raise click.UsageError("--group names one group, --group-by folder many: give one of them.")
    check_group(group, where="--group")
    project = Project.open(folder)
    opened = open_database(project, database)
    release_id = serving_release(opened) if prefix is None else find_release(project, prefix)
    if release_id is None:
        raise click.UsageError(f"No release serves. Make one: yori release {folder} --make --promote")
    with progress_bars(progress) as report:
        done = predict(
            project, release_id, files, out, hop=hop, embeddings=embeddings or to_log, workers=workers, progress=report
        )
    logged = None
    if to_log:
        logged = log_predictions(opened, project, out, LogRules(private=private), domain=domain,
                                 group=folder_group if group_by == "folder" else group)  # fmt: skip
    if as_json:
        show_json({"out": str(done.out), "release_id": done.release_id, "files": done.files, "failed": done.failed,
                   "rows": done.rows, "abstained": done.abstained, "logged": logged})  # fmt: skip
    else:
        answers = counted(done.rows, "answer")
        click.echo(f"{answers} for {counted(done.files, 'file')}, {done.abstained} of them abstained: {done.out}")
        if logged is not None:
            click.echo(f"Log: {counted(logged, 'row')} added.")
        if done.failed:
            click.echo(f"{counted(done.failed, 'file')} could not be read: see the column error.")
    if done.failed:
        click.get_current_context().exit(1)
