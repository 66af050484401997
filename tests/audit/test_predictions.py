"""Heads out of fold and neighbours of a project, and what is kept of them."""

import numpy as np
import pyarrow as pa
import pytest
from tests.prove.mixture import CLASSES, TASK, make_project

from yori.audit import predictions
from yori.audit.material import read_material
from yori.audit.predictions import audit_embeddings, correct_by_columns, hear_witnesses
from yori.errors import CorruptError
from yori.store import Project
from yori.task import parse_task

PLAIN = TASK.replace(", lodo", "")
N = 240


def opened(project):
    material = read_material(project, parse_task(project.task_text(), name="task.yaml"))
    x, key = audit_embeddings(material, np.ones(len(material), dtype=bool), workers=1)
    return material, x, np.arange(len(material)), key


def heard(project, seed=0):
    material, x, place, key = opened(project)
    return hear_witnesses(material, x, place, key, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("predictions") / "p", n=N, task=PLAIN)


def test_witnesses_are_nearer_to_the_truth_than_to_the_labels_they_learnt_from(project):
    found = heard(project)
    rows = project.examples(columns=["label", "verified"]).to_pylist()
    truth = np.array([CLASSES.index(row["verified"]) for row in rows])
    label = np.array([CLASSES.index(row["label"]) for row in rows])
    guess = found.probs.argmax(axis=1)
    assert (guess == truth).mean() > (guess == label).mean() + 0.03
    np.testing.assert_allclose(found.probs.sum(axis=1), 1)
    np.testing.assert_allclose(found.votes.sum(axis=1), 1)
    assert np.median(found.margin[label != truth]) < np.quantile(found.margin[label == truth], 0.1)


def test_what_was_heard_is_kept_and_damage_is_named(project, monkeypatch):
    first = heard(project)
    monkeypatch.setattr(predictions, "_best_logits", None)  # would fail if it were fitted again
    again = heard(project, seed=9)
    np.testing.assert_array_equal(first.probs, again.probs)
    np.testing.assert_array_equal(first.margin, again.margin)
    [folder] = (project.path / "cache").glob("audit-witnesses-*")
    content = (folder / "votes.npy").read_bytes()
    (folder / "votes.npy").write_bytes(content[:20])
    with pytest.raises(CorruptError, match="Remove the folder"):
        heard(project)
    (folder / "votes.npy").write_bytes(content)


def test_of_very_many_one_draw_and_the_votes_on_the_doubtful_are_all(tmp_path, monkeypatch):
    monkeypatch.setattr(predictions, "FOLLOWED", 100)
    monkeypatch.setattr(predictions, "ALL_VOTES", 50)
    project = make_project(tmp_path / "p", n=N, task=PLAIN)
    found = heard(project)
    assert found.margin is None
    asked = found.votes.any(axis=1)
    assert asked.sum() == 50
    label = np.array([CLASSES.index(each) for each in project.examples()["label"].to_pylist()])
    own = found.probs[np.arange(N), label]
    assert own[asked].max() <= own[~asked].min()


def test_one_class_or_one_group_has_no_witnesses(tmp_path):
    assert heard(make_project(tmp_path / "a", n=60, task=PLAIN, label=["a"] * 60)) is None
    assert heard(make_project(tmp_path / "b", n=60, task=PLAIN, group=["g"] * 60)) is None


def test_nothing_to_embed_is_none(tmp_path):
    project = Project.create(tmp_path / "p", PLAIN)
    project.add_rows(pa.table({"example_id": ["a"], "label": ["a"]}), sources={}, message="m", who="ann")
    material = read_material(project, parse_task(PLAIN, name="task.yaml"))
    assert audit_embeddings(material, np.ones(1, dtype=bool), workers=1) is None


def test_a_column_with_few_values_cannot_be_held_out(project):
    material, x, place, _ = opened(project)
    witnesses = heard(project)
    two = np.array(["x", "y"] * (N // 2), dtype=object)
    assert correct_by_columns(material, x, place, witnesses, two, rng=np.random.default_rng(0)) is None
    many = np.array([f"v{k % 20}" for k in range(N)], dtype=object)
    together, apart, count = correct_by_columns(material, x, place, witnesses, many, rng=np.random.default_rng(0))
    assert count == 20
    assert abs(together.mean() - apart.mean()) < 0.1  # such values say nothing
