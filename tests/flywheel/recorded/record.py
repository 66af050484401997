"""Record the exports beside this file anew from a real Label Studio.

Run it in the root of the repository, with ``YORI_LABEL_STUDIO`` set: ``python -m tests.flywheel.recorded.record``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.flywheel.real_label_studio import Account, choice, label_studio
from tests.flywheel.round_trip import ask, foreign, play, tasks_of

from yori.flywheel.database import open_database
from yori.flywheel.label_studio_api import LabelStudio
from yori.flywheel.label_studio_exchange import project_key, push
from yori.store import Project

KINDS = {"JSON": "json", "JSON_MIN": "min.json", "CSV": "csv", "TSV": "tsv"}
HERE = Path(__file__).parent


def save(account: Account, number: int, name: str, key: str) -> None:
    """Every format of one project; where a project's key stood, PROJECT stands."""
    for kind, extension in KINDS.items():
        content = account.exported(number, kind).decode("utf-8")
        (HERE / f"{name}.{extension}").write_text(content.replace(key, "PROJECT"), encoding="utf-8", newline="")


def main() -> None:
    """Play the round trip, and keep what is exported."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = Project.create(folder / "one", "format: 1\nname: bells\nclasses: [bell, horn, whistle]\n")
        several = Project.create(
            folder / "several", "format: 1\nname: bells\nclasses: [bell, horn, whistle]\nlabels: multiple\n"
        )
        with label_studio(folder / "studio", document_root=folder) as (url, (ann, eun)):
            studio = LabelStudio(url, ann.personal_token())
            for project, title in ((one, "bells"), (several, "several")):
                database = open_database(project)
                ask(project, database)
                number = push(project, database, studio=studio).project
                database.close()
                assert number is not None
                if project is one:
                    play(ann, eun, number)
                else:
                    tasks = tasks_of(ann, number)
                    ann.annotate(tasks["item0"]["id"], [choice("label", "bell", "whistle")])
                    eun.annotate(tasks["item0"]["id"], [choice("label", "horn")])
                save(ann, number, title, project_key(project))
            save(ann, foreign(ann), "another", "no key at all")


if __name__ == "__main__":
    main()
