import dataclasses
import importlib
import json

import pytest
from tests.prove.mixture import SMALL_TASK, make_small

from yori.errors import AlignmentError, StoreError, ValuesError
from yori.prove import Overrides, prove
from yori.prove.proof import FILES, group_names, seal
from yori.store import Project, sha256_file
from yori.task import parse_task

module = importlib.import_module("yori.prove.proof")


def test_overrides():
    task = parse_task(SMALL_TASK, name="task.yaml")
    assert Overrides().apply(task) == task
    assert Overrides(budget=0.02).apply(task).budget.edits == 0.02
    assert Overrides(seeds=4).apply(task).seeds == 4
    assert Overrides(budget=0.02, seeds=4).apply(task).budget.allow_large is False


def test_overrides_are_kept_in_the_certificate(tmp_path):
    made = prove(make_small(tmp_path / "p"), overrides=Overrides(budget=0.03, seeds=2), workers=1)
    assert made.certificate["task"]["overrides"] == {"budget": 0.03, "seeds": 2}
    assert made.certificate["task"]["text"] == SMALL_TASK
    assert len(made.certificate["splits"]["cells"]) == 2
    assert made.certificate["edits"]["cells"][0]["budget"] == 2


def test_the_second_time_nothing_is_done(tmp_path, monkeypatch):
    project = make_small(tmp_path / "p")
    first = prove(project, workers=1)
    before = {path: path.stat().st_mtime_ns for path in project.path.rglob("*") if path.is_file()}
    monkeypatch.setattr(module, "evaluate", None)
    second = prove(project, workers=1, finish=lambda folder: pytest.fail("a second report"))
    assert (first.reused, second.reused) == (False, True)
    assert (second.path, second.certificate) == (first.path, first.certificate)
    assert {path: path.stat().st_mtime_ns for path in project.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("what", ["task", "labels", "code"])
def test_whatever_changes_makes_another_proof(what, tmp_path, monkeypatch):
    import pyarrow as pa

    project = make_small(tmp_path / "p")
    first = prove(project, workers=1)
    if what == "task":
        (project.path / "task.yaml").write_text(SMALL_TASK + "# note\n")
    elif what == "labels":
        patch = pa.table({"example_id": ["e0000"], "action": ["drop"], "who": ["ann"]})
        project.add_labels(patch, message="bad clip")
    else:
        monkeypatch.setattr(module, "code_sha256", lambda: "another")
    second = prove(project, workers=1)
    assert not second.reused
    assert second.path != first.path
    assert second.certificate["looks"] == (1 if what == "labels" else 2)


def test_files_and_seal(proved):
    assert {name: sha256_file(proved.proof / name) for name in FILES} == proved.certificate["files"]
    assert seal(proved.certificate) == proved.certificate["seal"]
    assert seal({**proved.certificate, "created": "another time"}) == proved.certificate["seal"]
    assert seal({**proved.certificate, "looks": 99}) != proved.certificate["seal"]
    assert json.loads((proved.proof / "certificate.json").read_text()) == proved.certificate


def test_a_report_that_fails_publishes_nothing(tmp_path):
    def finish(folder):
        assert (folder / "certificate.json").is_file()
        raise ValuesError("a report", "none")

    project = make_small(tmp_path / "p")
    with pytest.raises(ValuesError):
        prove(project, workers=1, finish=finish)
    assert not list((project.path / "proofs").glob("*"))
    assert not list((project.path / ".yori" / "work").glob("*"))
    assert not prove(project, workers=1).reused


def test_progress_of_every_stage_ends(tmp_path):
    said = {}
    prove(make_small(tmp_path / "p"), workers=1, progress=lambda what, done, total: said.update({what: (done, total)}))
    assert {"before", "curate and train", "prove"} <= set(said)
    assert all(done == total for done, total in said.values())


def test_truth_counts(proved):
    truth = proved.certificate["truth"]
    assert truth["wrong_labels"] == 60
    assert truth["chance"] == pytest.approx(0.1)
    assert truth["rate"] == pytest.approx(truth["hits"] / truth["edits"])
    assert truth["relabels_right"] <= proved.certificate["edits"]["by_action"]["relabel"]
    assert truth["cell_edits"] == sum(cell["count"] for cell in proved.certificate["edits"]["cells"])


def test_nothing_is_known_to_be_wrong(tmp_path):
    made = prove(make_small(tmp_path / "p", verified=None), workers=1)
    assert made.certificate["truth"] is None
    assert "oracle" not in made.certificate["protocols"]["id"]["values"]


def test_a_split_by_clip_is_noted(tmp_path):
    made = prove(make_small(tmp_path / "p", task=SMALL_TASK.replace("[id]", "[id], by: clip")), workers=1)
    assert any("split is by random clip" in note for note in made.certificate["notes"])


def test_group_names_are_the_smallest_ids(one_cell):
    names = group_names(one_cell.data)
    for number, name in enumerate(names):
        assert name == min(one_cell.data.ids[one_cell.data.groups == number])
    mixed = dataclasses.replace(one_cell.data, groups=one_cell.data.groups)
    assert group_names(mixed) == names


def test_refusals(tmp_path):
    with pytest.raises(AlignmentError, match="'e0000'"):
        prove(make_small(tmp_path / "a", ids=["other", *[f"e{row:04}" for row in range(1, 120)]]), workers=1)
    with pytest.raises(ValuesError, match="at least one edit"):
        prove(make_small(tmp_path / "b"), overrides=Overrides(budget=0.001), workers=1)
    with pytest.raises(ValuesError, match=r"backbone\.name: given"):
        prove(make_small(tmp_path / "c", task=SMALL_TASK.replace("name: given", "name: patches")), workers=1)
    import pyarrow as pa

    project = Project.create(tmp_path / "d", SMALL_TASK)
    rows = {"example_id": ["a", "b"] * 10, "label": ["a", "b"] * 10}
    rows["example_id"] = [f"e{number}" for number in range(20)]
    project.add_rows(pa.table(rows), sources={}, message="rows", who="ann")
    with pytest.raises(StoreError, match="embeddings in the project"):
        prove(project, workers=1)
