import json
from pathlib import Path

import pytest

from yori.flywheel.database import open_database
from yori.flywheel.queue import Item, add_items
from yori.store import Project


@pytest.fixture
def bells(tmp_path: Path) -> Path:
    project = Project.create(tmp_path / "bells", "format: 1\nname: bells\nclasses: [bell, horn]\n")
    database = open_database(project)
    items = [Item(item_id=name, turn=1, kind="text", share="x", priority=1.0, suggested="bell") for name in ("a", "b")]
    add_items(database, items)
    database.close()
    return project.path


def test_questions_go_out_answers_come_in_and_out(yori, bells, tmp_path):
    file = tmp_path / "q.jsonl"
    assert yori("answers", "questions", bells, file).stdout == f"2 rows in {file}.\n"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    file.write_text("\n".join(json.dumps({**row, "label": "horn"}) for row in rows), encoding="utf-8")
    missing = yori("answers", "import", bells, file)
    assert (missing.exit_code, "--who" in missing.stderr) == (2, True)
    taken = json.loads(yori("answers", "import", bells, file, "--who", "ann", "--json").stdout)
    assert taken == {"added": 2, "replaced": 0, "repeated": 0}
    assert json.loads(yori("answers", "export", bells, tmp_path / "a.csv", "--json").stdout) == {"rows": 2}
    assert "horn" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_a_file_of_another_kind_is_refused(yori, bells, tmp_path):
    done = yori("answers", "export", bells, tmp_path / "a.xlsx")
    assert (done.exit_code, ".csv or .jsonl" in done.stderr) == (2, True)
