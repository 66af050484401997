"""``yori answers``."""

from __future__ import annotations

from pathlib import Path

import click

from yori.cli.show import counted, json_option, show_json


@click.command(
    name="answers",
    short_help="Questions and answers as CSV or JSON Lines.",
    epilog="""Examples:

    \b
    yori answers questions bells questions.csv
    yori answers import bells questions.csv --who ann
    yori answers export bells answers.jsonl
    """,
)
@click.argument("what", metavar="questions|import|export", type=click.Choice(["questions", "import", "export"]))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--who", metavar="NAME", help="With import: who answered, where the file does not say.")
@click.option("--no-suggestions", is_flag=True, help="With questions: without what the model proposes.")
@click.option("--database", metavar="URL", help="Database of the team. Default: the file in DIR.")
@json_option
def command(
    folder: Path, what: str, file: Path, who: str | None, no_suggestions: bool, database: str | None, as_json: bool
) -> None:
    """Write the open questions of DIR to FILE (.csv or .jsonl), import a file that was filled in, or export all answers."""
    from yori.flywheel.answer_files import read_answers, write_answers, write_questions
    from yori.flywheel.database import open_database
    from yori.store import Project
    from yori.task import read_task

    project = Project.open(folder)
    opened = open_database(project, database)
    try:
        if what == "import":
            classes = read_task(project.path / "task.yaml").class_names
            taken = read_answers(opened, file, classes=classes, person=who)
            fields = {"added": taken.added, "replaced": taken.replaced, "repeated": taken.repeated}
            said = f"{counted(taken.added, 'answer')} new, {taken.replaced} changed, {taken.repeated} known."
        else:
            suggestions = not no_suggestions
            count = (
                write_questions(opened, file, suggestions=suggestions)
                if what == "questions"
                else write_answers(opened, file)
            )
            fields = {"rows": count}
            said = f"{counted(count, 'row')} in {file}."
    finally:
        opened.close()
    if as_json:
        show_json(fields)
    else:
        click.echo(said)
