"""``yori guide``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from yori.cli.progress import progress_bars, progress_option
from yori.cli.show import counted, json_option, show_json, show_rows


@click.command(
    name="guide",
    short_help="Write or update the annotation guide.",
    epilog="""Examples:

    \b
    yori guide bells
    yori guide bells --before first.csv --after second.csv
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Language.")
@click.option("--before", type=click.Path(path_type=Path), metavar="TABLE", help="Answers with the old guide.")
@click.option("--after", type=click.Path(path_type=Path), metavar="TABLE", help="Answers with the new guide.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes. Default: one for each processor.")
@progress_option
@json_option
def command(
    folder: Path,
    lang: Literal["en", "ko"],
    before: Path | None,
    after: Path | None,
    seed: int,
    workers: int | None,
    progress: bool | None,
    as_json: bool,
) -> None:
    """Write guide.md and guide.html of the project DIR from task.yaml and the audit; what people wrote in it stays.

    With tables of answers (example_id, annotator, label) it also says how alike people label each class, and, with two
    tables, whether the guide has helped.
    """
    import numpy as np

    from yori.audit.audit_project import read_answers
    from yori.audit.consistency import class_consistency, consistency_change
    from yori.audit.guide import write_guide

    given = [read_answers(path) for path in (before, after) if path is not None]
    with progress_bars(progress) as report:
        done = write_guide(folder, lang=lang, workers=workers, progress=report)
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    if len(given) == 2:
        rows = [
            {"class": each.label, "before": each.before.agreement, "after": each.after.agreement,
             "change": each.change, "low": each.low, "high": each.high, "verdict": each.verdict}
            for each in consistency_change(given[0], given[1], rng=rng)
        ]  # fmt: skip
    elif given:
        rows = [
            {"class": each.label, "agreement": each.agreement, "low": each.low, "high": each.high,
             "chance": each.chance, "examples": each.examples}
            for each in class_consistency(given[0], rng=rng)
        ]  # fmt: skip
    update = done.update
    if as_json:
        show_json({"guide": str(done.markdown), "page": str(done.page), "written": list(update.written),
                   "kept": list(update.kept), "removed": list(update.removed), "consistency": rows})  # fmt: skip
        return
    click.echo(f"Guide: {done.markdown}, page: {done.page}")
    click.echo(
        f"{counted(len(update.written), 'block')} written, {len(update.kept)} kept because a person changed them."
    )
    if rows:
        shown = [[f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
        show_rows([list(rows[0]), *shown], indent="  ")
