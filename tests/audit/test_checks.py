"""What only shows in a whole project: columns that predict the label, and columns that should have been groups."""

import numpy as np
import pytest
from tests.prove.mixture import CLASSES, TASK, make_project

from yori.audit import audit, checks
from yori.report.audit_words import audit_catalogue

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


def test_what_was_too_much_to_check_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "MOST_OUTLIER_ROWS", 10)
    found = audit(make_project(tmp_path / "p", n=60).path, workers=1)
    assert {"kind": "outlier", "why": "too_many"} in found.summary["unchecked"]


@pytest.mark.parametrize("name", ["no_sound", "no_embeddings", "no_classes", "no_answers", "no_batches", "no_domains",
                                  "no_split", "no_candidates", "several_labels", "too_many"])  # fmt: skip
def test_every_reason_has_words(name):
    assert f"why.{name}" in audit_catalogue()
