import json
from pathlib import Path

import numpy as np
import pytest

from yori.flywheel.database import open_database
from yori.flywheel.queue import Item, add_items, open_answers
from yori.store import Project, write_wav


@pytest.fixture
def bells(tmp_path: Path) -> Path:
    project = Project.create(tmp_path / "bells", "format: 1\nname: bells\nclasses: [bell, horn]\n")
    write_wav(project.path / "a.wav", np.zeros(800), 8000)
    database = open_database(project)
    add_items(database, [Item(item_id="i", turn=1, kind="audio", share="x", priority=1.0, media="a.wav")])
    database.close()
    return project.path


def test_a_file_goes_out_and_an_export_comes_back(yori, bells, tmp_path):
    tasks = tmp_path / "tasks.json"
    pushed = json.loads(yori("labelstudio", "push", bells, "--file", tasks, "--json").stdout)
    assert pushed == {
        **{"pushed": 1, "there": 0, "project": None, "served": None},
        **{"file": str(tasks), "media": str(bells / "labelstudio" / "media")},
    }
    exported = json.loads(tasks.read_text(encoding="utf-8"))
    choice = {"from_name": "label", "to_name": "media", "type": "choices", "value": {"choices": ["horn"]}}
    exported[0] |= {"id": 1, "annotations": [{"id": 1, "completed_by": 2, "result": [choice]}]}
    tasks.write_text(json.dumps(exported), encoding="utf-8")
    assert yori("labelstudio", "pull", bells, "--file", tasks).stdout == "1 answer new, 0 changed, 0 known.\n"
    database = open_database(Project.open(bells))
    assert open_answers(database)["label"].to_pylist() == ["horn"]
    database.close()
    # the same as a table, and then without the annotation
    table = tmp_path / "export.csv"
    key = exported[0]["data"]["yori_project"]
    table.write_text(f"annotation_id,annotator,label,yori_item,yori_project\n1,2,horn,i,{key}\n", encoding="utf-8")
    assert yori("labelstudio", "pull", bells, "--file", table).stdout == "0 answers new, 0 changed, 1 known.\n"
    exported[0]["annotations"] = []
    tasks.write_text(json.dumps(exported), encoding="utf-8")
    assert "1 answer here without an annotation there" in yori("labelstudio", "pull", bells, "--file", tasks).stdout
    taken = yori("labelstudio", "pull", bells, "--file", tasks, "--take-gone-back", "--json").stdout
    assert json.loads(taken) == {"added": 0, "replaced": 0, "repeated": 0, "late": 0, "gone": 1, "taken_back": 1}
    database = open_database(Project.open(bells))
    assert len(open_answers(database)) == 0
    database.close()


def test_what_cannot_be_done_is_said(yori, bells, tmp_path, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    (tmp_path / "other.json").write_text('[{"data": {"yori_item": "i", "yori_project": "other"}, "annotations": []}]')
    for arguments, code, said in (
        (("push", bells), 2, "a file or a Label Studio"),
        (("pull", bells), 2, "a file, or a Label Studio"),
        (("push", bells, "--url", "http://127.0.0.1:9"), 2, "LABEL_STUDIO_API_KEY"),
        (("push", bells, "--file", tmp_path / "x.json", "--kind", "text"), 2, "open items of kind text"),
        (("pull", bells, "--file", tmp_path / "other.json"), 2, "tasks of another yori project"),
        (("push", tmp_path, "--file", tmp_path / "x.json"), 5, "a project folder"),
    ):
        done = yori("labelstudio", *arguments)
        assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
