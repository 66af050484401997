"""``yori plan``: what can be shown with this test set at all, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import json_option, show_json


@click.command(
    name="plan",
    short_help="Say what this test set can show, before training.",
    epilog="Example: yori plan bells --accuracy 0.9 --icc 0.2",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--accuracy", "accuracies", type=float, multiple=True, help="Assumed accuracy; may be repeated.")
@click.option(
    "--churn", type=float, default=0.25, show_default=True, help="Examples the models differ on, per wrong example."
)
@click.option("--icc", type=float, default=0.1, show_default=True, help="Correlation of changes within a group.")
@click.option(
    "--domain-spread", type=float, default=0.0, show_default=True, help="Standard deviation of the change over domains."
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level.")
@click.option("--power", type=float, default=0.8, show_default=True, help="Wanted chance to see a true change.")
@json_option
def command(
    folder: Path,
    accuracies: tuple[float, ...],
    churn: float,
    icc: float,
    domain_spread: float,
    level: float,
    power: float,
    as_json: bool,
) -> None:
    """Say what the test sets of a project can show, from task.yaml and the data alone."""
    import numpy as np

    from yori.prove.dataset import dataset_of
    from yori.prove.plan import ACCURACIES, Assumptions, plan
    from yori.store import Project
    from yori.task import parse_task

    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    assumed = Assumptions(tuple(accuracies) or ACCURACIES, churn, icc, domain_spread, level, power)
    found = plan(dataset_of(project, task), task, assumed, rng=np.random.default_rng(task.splits.seed))
    if as_json:
        show_json(found.to_dict())
    else:
        click.echo("\n".join(found.sentences()))
