"""What only shows in a whole project: columns that predict the label, and columns that should have been groups."""

import numpy as np
import pyarrow as pa
import pytest
from tests.prove.mixture import CLASSES, TASK, make_project

from yori.audit import audit
from yori.report.audit_words import audit_catalogue
from yori.store import Project

PLAIN = TASK.replace("protocols: [id, lodo]", "protocols: [id]")


def test_a_device_that_knows_the_label_and_a_session_nobody_declared(tmp_path):
    rng = np.random.default_rng(0)
    n = 400
    session = rng.permutation(n) % 40
    true = rng.integers(0, 2, 40)[session]
    device = np.where(rng.random(40) < 0.95, rng.integers(0, 2, 40), 0)[session]
    device = np.where(rng.random(n) < 0.9, true, device)
    # Every session sounds like itself, and hardly like its class.
    x = (3 * rng.normal(size=(40, 16))[session] + 0.3 * rng.normal(size=(n, 16))).astype(np.float32)
    project = make_project(
        tmp_path / "p", n=n, task=PLAIN, embeddings=x, label=[CLASSES[k] for k in true], verified=None, domain=None,
        group=[f"clip{k}" for k in range(n)], device=[f"d{k}" for k in device], session=[f"s{k}" for k in session],
        example_id=[f"e{k:04}" for k in range(n)], ids=[f"e{k:04}" for k in range(n)],
    )  # fmt: skip
    found = audit(project.path, workers=1).findings
    grave = {each.values["what"] for each in found if each.kind == "shortcut" and each.severity == "high"}
    assert grave == {"device", "session"}  # a session of one class knows the label, too
    [hidden] = [each for each in found if each.code == "hidden_group"]
    assert (hidden.values["column"], hidden.severity) == ("session", "high")


def test_columns_that_say_nothing_are_left_in_peace(tmp_path):
    rng = np.random.default_rng(1)
    project = make_project(
        tmp_path / "p", n=300, task=PLAIN, device=[f"d{k}" for k in rng.integers(0, 3, 300)],
        level=rng.normal(size=300).tolist(), session=[f"s{k}" for k in rng.integers(0, 30, 300)],
    )  # fmt: skip
    found = audit(project.path, workers=1).findings
    assert not [each for each in found if each.kind in ("shortcut", "group_leak", "drift")]


def several(folder, n=400):
    """Two labels each, ``rain`` and ``wind`` hard to tell, and recorded in sessions that know them by heart."""
    rng = np.random.default_rng(2)
    session = np.arange(n) % 40
    has = np.stack([rng.integers(0, 2, 40)[session], rng.integers(0, 2, 40)[session], rng.integers(0, 2, n)], axis=1)
    x = np.concatenate([2.5 * rng.normal(size=(40, 15))[session] + 0.3 * rng.normal(size=(n, 15)),
                        2.0 * has[:, 2:] - 1 + 0.6 * rng.normal(size=(n, 1))], axis=1)  # fmt: skip
    task = PLAIN.replace("modality: embeddings", "modality: embeddings\nlabels: multiple")
    return make_project(
        folder, n=n, task=task, embeddings=x.astype(np.float32), verified=None, domain=None,
        label=pa.array([[CLASSES[k] for k in np.flatnonzero(row)] for row in has], pa.list_(pa.string())),
        group=[f"clip{k}" for k in range(n)], session=[f"s{k}" for k in session],
        example_id=[f"e{k:04}" for k in range(n)], ids=[f"e{k:04}" for k in range(n)],
    )  # fmt: skip


def test_several_labels_have_borders_and_hidden_groups_too(tmp_path):
    found = audit(several(tmp_path / "p").path, workers=1)
    codes = {each.code for each in found.findings}
    [hidden] = [each for each in found.findings if each.code == "hidden_group"]
    assert hidden.values["column"] == "session"
    assert "border_of_class" in codes
    assert "ambiguous" not in {each["kind"] for each in found.summary["unchecked"]}


def test_imports_are_batches_where_nobody_wrote_down_the_time(tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(240, 16)).astype(np.float32)
    x[120:] += 1.5
    ids = [f"e{k:04}" for k in range(240)]
    project = Project.create(tmp_path / "p", PLAIN)
    for half in (slice(0, 120), slice(120, 240)):
        table = pa.table({"example_id": ids[half], "label": [CLASSES[k % 4] for k in range(240)][half],
                          "group": ids[half]})  # fmt: skip
        project.add_rows(table, sources={}, message="import", who="ann")
    project.write_embeddings("given", [x], ids)
    drift = [each for each in audit(project.path, workers=1).findings if each.code == "drift_sound"]
    assert [each.values["column"] for each in drift] == ["import"]
    assert drift[0].values["batch"].startswith("version ")


def test_embeddings_of_zeros_are_said(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    x[[3, 7]] = 0
    found = audit(make_project(tmp_path / "p", n=60, task=PLAIN, embeddings=x).path, workers=1).findings
    [empty] = [each for each in found if each.code == "zero_embedding"]
    assert (empty.values, empty.severity) == ({"n": 2, "examples": "e0003, e0007"}, "high")


@pytest.mark.parametrize("name", ["no_sound", "no_embeddings", "no_classes", "no_answers", "no_batches", "no_domains",
                                  "no_split", "no_candidates"])  # fmt: skip
def test_every_reason_has_words(name):
    assert f"why.{name}" in audit_catalogue()
