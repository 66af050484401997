"""Planted faults are found, clean data are left in peace, and the job keeps the rules of every stage."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.prove.mixture import CLASSES, TASK, make_project, mixture, poison

import yori.audit.audit_project as job
from yori.audit import audit, latest_audit, read_audit
from yori.errors import CorruptError, SourceError, ValuesError
from yori.main_job import DataSource, init
from yori.store import Project

CODES = {
    "constant": "constant", "near_silent": "near_silent", "clipped": "clipped", "dropout": "dropout", "hum": "hum",
    "upsampled": "upsampled", "truncated": "truncated", "offset": "offset", "padded": "padded",
    "wrong": "label_error", "copy": "duplicate_apart", "near": "duplicate_apart", "clash": "equal_but_different",
    "gone": "unreadable",
}  # fmt: skip


@pytest.mark.parametrize("fault", CODES)
def test_every_planted_fault_is_found_and_little_else(broken, fault):
    planted = broken.planted.faulty[fault]
    said = {each.example_id for each in broken.audited.findings if each.code == CODES[fault]}
    assert planted <= said
    # What is said of others must be true of them, too: a clash is a copy and one of its labels is wrong.
    also = {"wrong": {"clash"}, "copy": {"near", "clash"}, "near": {"copy", "clash"}}.get(fault, set())
    allowed = planted.union(*(broken.planted.faulty[each] for each in also))
    assert len(said - allowed) <= 1


def test_nothing_grave_is_said_of_clean_data(clean):
    total = clean.audited.summary["total"]
    assert (total["high"], total["medium"]) == (0, 0)
    assert total["low"] <= 3
    assert clean.audited.summary["verdict"] == "low"


def test_findings_are_sentences_with_an_action_and_an_effect(broken):
    table = pq.read_table(broken.audited.folder / "findings.parquet")
    for name in ("evidence", "suggested_action", "effect"):
        assert all(each and "{" not in each for each in table[name].to_pylist())
    order = [("high", "medium", "low").index(each) for each in table["severity"].to_pylist()]
    assert order == sorted(order)


def test_the_same_data_are_audited_once_and_kept(broken, monkeypatch):
    again = audit(broken.planted.project.path, workers=1)
    assert again.reused
    assert again.findings == broken.audited.findings
    assert latest_audit(broken.planted.project).folder == broken.audited.folder

    def never(*given: object, **named: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(job, "VERSION", 99)  # another audit of the same clips measures none of them again
    monkeypatch.setattr("yori.audit.clip_measures._one", never)
    monkeypatch.setattr("yori.audit.predictions._best_logits", never)
    third = audit(broken.planted.project.path, workers=1)
    assert not third.reused
    assert third.findings == broken.audited.findings


def test_the_project_is_as_it_was(broken):
    assert broken.planted.project.version().number == 1
    assert broken.planted.project.check() > 0


def test_a_damaged_audit_is_named(clean, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(clean.planted.project.path, copy)
    project = Project.open(copy)
    [key] = os.listdir(copy / "audits")
    (copy / "audits" / key / "findings.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptError, match="Remove the folder"):
        read_audit(project, key)
    (copy / "audits" / key / "summary.json").write_text("{")
    with pytest.raises(CorruptError, match="readable audit"):
        read_audit(project, key)


def test_embeddings_with_planted_label_errors(tmp_path):
    project = make_project(tmp_path / "p")
    found = audit(project.path, workers=1)
    rows = project.examples(columns=["example_id", "label", "verified"]).to_pylist()
    wrong = {row["example_id"] for row in rows if row["label"] != row["verified"]}
    flagged = [each.example_id for each in found.findings if each.code == "label_error"]
    assert sum(each in wrong for each in flagged[:40]) >= 36
    assert len(wrong & set(flagged)) >= 0.8 * len(wrong)
    assert len(flagged) <= 1.4 * len(wrong)
    assert {each["kind"] for each in found.summary["unchecked"]} >= {"audio_fault", "drift", "group_leak"}


def test_copies_groups_and_drift_across_a_fixed_split(tmp_path):
    data = mixture(240)
    groups = [f"g{each}" for each in data.groups]
    splits = [("train", "train", "train", "validation", "test")[int(each) % 5] for each in data.groups]
    vectors = data.embeddings.copy()
    test, train = splits.index("test"), splits.index("train")
    vectors[test] = vectors[train]
    other = next(k for k in range(240) if groups[k] == groups[train] and k != train)
    splits[other] = "test"
    late = np.arange(240) >= 160
    vectors[late] += 2.0
    time = [f"2026-0{1 + k // 80}-01" for k in range(240)]
    project = make_project(
        tmp_path / "p", n=240, embeddings=vectors, split=splits, group=groups, verified=None, time=time,
        task=TASK.replace("splits: {protocols: [id, lodo]}", "splits: {protocols: [id], by: table}"),
    )  # fmt: skip
    found = audit(project.path, workers=1)
    by_code = {}
    for each in found.findings:
        by_code.setdefault(each.code, []).append(each)
    assert {by_code["duplicate_across"][0].example_id, *by_code["duplicate_across"][0].related} == {
        f"e{test:04}", f"e{train:04}"}  # fmt: skip
    assert groups[train] in {each.values["group"] for each in by_code["group_across"]}
    assert any(each.values["batch"].startswith("2026-03") for each in by_code["drift_sound"])
    assert found.summary["verdict"] == "high"
    named = {each.example_id for each in found.findings if each.kind in ("label_error", "ambiguous")}
    assert not named & {f"e{k:04}" for k in range(240) if splits[k] == "test"}


def test_several_labels(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 12)).astype(np.float32)
    hot = (x[:, :4] > 0.4) & (np.abs(x[:, :4] - 0.4) > 0.25)
    hot[5] = ~hot[5]
    labels = [[CLASSES[k] for k in np.flatnonzero(row)] for row in hot]
    task = TASK.replace("modality: embeddings", "modality: embeddings\nlabels: multiple").replace(", lodo", "")
    project = Project.create(tmp_path / "p", task.replace("dimensions: 16", "dimensions: 12"))
    ids = [f"e{k}" for k in range(300)]
    table = pa.table({"example_id": ids, "label": pa.array(labels, pa.list_(pa.string()))})
    project.add_rows(table, sources={}, message="several", who="ann")
    project.write_embeddings("given", [x], ids)
    found = [each for each in audit(project.path, workers=1).findings if each.kind == "label_error"]
    assert {each.code for each in found} <= {"label_surplus", "label_lacking"}
    assert found[0].example_id == "e5"


@pytest.mark.parametrize("labels", [["a"] * 60, [None] * 60, ["zebra"] * 60, ["a"] * 59 + ["b"]])
def test_labels_that_teach_nothing_are_findings_not_errors(tmp_path, labels):
    column = pa.array(labels, pa.string())
    project = make_project(tmp_path / "p", n=60, label=column, verified=None)
    found = audit(project.path, workers=1)
    codes = {each.code for each in found.findings}
    assert codes & {"one_class", "label_unknown", "class_empty"}


def test_identical_rows_are_one_copy_each(tmp_path):
    project = make_project(tmp_path / "p", n=60, embeddings=np.ones((60, 16), dtype=np.float32))
    found = audit(project.path, workers=1)
    assert sum(each.kind == "duplicate" for each in found.findings) == 59


def test_one_example(tmp_path):
    project = Project.create(tmp_path / "p", TASK)
    project.add_rows(pa.table({"example_id": ["a"], "label": ["a"]}), sources={}, message="one", who="ann")
    project.write_embeddings("given", [np.ones((1, 16), dtype=np.float32)], ["a"])
    assert audit(project.path, workers=1).summary["examples"] == 1


def test_bad_input_is_said(tmp_path):
    project = Project.create(tmp_path / "p", TASK)
    with pytest.raises(SourceError, match="expected examples"):
        audit(project.path)
    project = make_project(tmp_path / "q", n=60)
    poison(project, [7])
    with pytest.raises(ValuesError, match="finite embeddings"):
        audit(project.path, workers=1)
    answers = tmp_path / "answers.csv"
    answers.write_text("example_id,who,label\na,ann,b\n")
    with pytest.raises(ValuesError, match="annotator"):
        audit(project.path, answers=answers)
    answers.write_text("example_id,annotator,label\na,,b\n")
    with pytest.raises(ValuesError, match="a value in every row of annotator"):
        audit(project.path, answers=answers)


@pytest.mark.slow
def test_spoken_digits_are_nearly_clean_and_flips_are_found(real_digits, tmp_path):
    project = real_digits
    found = audit(project.path, workers=1)
    labels = [each for each in found.findings if each.kind == "label_error"]
    assert len(labels) <= 6
    faults = [each for each in found.findings if each.kind == "audio_fault"]
    assert len(faults) <= 6
    rows = project.examples(columns=["example_id", "label"]).to_pylist()
    chosen = np.random.default_rng(0).permutation(len(rows))[:16]
    patch = pa.Table.from_pylist(
        [{"example_id": rows[k]["example_id"], "action": "relabel", "old": rows[k]["label"],
          "new": str((int(rows[k]["label"]) + 3) % 10), "who": "ann"} for k in chosen]
    )  # fmt: skip
    project.add_labels(patch, message="planted")
    flagged = {each.example_id for each in audit(project.path, workers=1).findings if each.kind == "label_error"}
    planted = {rows[k]["example_id"] for k in chosen}
    assert len(flagged & planted) >= 10
    assert len(flagged - planted) <= 8


@pytest.fixture
def real_digits(real_data, tmp_path):
    """Four clips of each digit and speaker."""
    import shutil

    for path in (real_data / "fsdd" / "recordings").glob("*_[0-3].wav"):
        (tmp_path / "clips").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "clips")
    source = DataSource(layout="pattern", path=tmp_path / "clips", pattern="{label}_{domain}_{index}.wav")
    init(tmp_path / "p", source, workers=1)
    project = Project.open(tmp_path / "p")
    task = project.path / "task.yaml"
    task.write_text(task.read_text().replace("dimensions: 512", "dimensions: 64"))
    return project
