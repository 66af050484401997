import numpy as np
import pyarrow as pa
import pytest
from tests.audit.planted import RATE, make_project
from tests.prove.mixture import TASK
from tests.prove.mixture import make_project as make_embeddings

from yori.audit.clip_measures import measure_clips
from yori.errors import CorruptError, SplitError, StoreError, ValuesError
from yori.main_job import run
from yori.preparation import Wishes, prepare, read_record, standing, undo
from yori.store import Project

COLUMNS = ["example_id", "label", "weight", "domain", "group"]


@pytest.fixture
def clips(tmp_path):
    return make_project(tmp_path, faults=False, n=18).project


def state(project):
    return project.examples(columns=COLUMNS).to_pylist()


def test_clips_are_copied_at_one_level_and_rate_and_come_back(clips):
    before = state(clips)
    done = prepare(clips.path, Wishes(level=-30.0, rate=4000, remove_offset=True), who="ann", workers=1)
    assert done.changed == 18
    table = clips.examples()
    assert len(table) == 18
    assert clips.check() > 18
    measures, _ = measure_clips(clips, table, workers=1)
    np.testing.assert_allclose(measures.level, -30, atol=0.05)
    assert (measures.rate == 4000).all()
    assert [(row["label"], row["domain"], row["group"]) for row in state(clips)] == [
        (row["label"], row["domain"], row["group"]) for row in before]  # fmt: skip
    undo(clips.path, who="ann")
    assert state(clips) == before
    assert standing(clips) is None


def test_labels_given_to_a_copy_are_kept_when_it_goes(clips):
    prepare(clips.path, Wishes(level=-30.0), who="ann", workers=1)
    copy = clips.examples()["example_id"][0].as_py()
    patch = {"example_id": [copy], "action": ["relabel"], "old": ["horn"], "new": ["bell"], "who": ["ben"]}
    clips.add_labels(pa.table(patch), message="a bell")
    undo(clips.path, who="ann")
    assert state(clips)[0] == {**state(clips)[0], "example_id": copy.split("~")[0], "label": "bell"}


def test_weights_and_back(tmp_path):
    label = ["a"] * 90 + ["b"] * 30
    project = make_embeddings(tmp_path / "p", n=120, label=label, verified=None)
    before = state(project)
    done = prepare(project.path, Wishes(balance=1.0), who="ann")
    weight = {row["label"]: row["weight"] for row in state(project)}
    assert weight["b"] == pytest.approx(3 * weight["a"])
    assert 90 * weight["a"] + 30 * weight["b"] == pytest.approx(120)
    assert read_record(project, standing(project)) == done.record
    undo(project.path, who="ann")
    assert state(project) == before


def test_standardised_on_training_examples_only_and_a_run_uses_them(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 5, size=(120, 16)).astype(np.float32)
    splits = [("train", "train", "train", "validation", "test")[k // 3 % 5] for k in range(120)]
    x[np.array(splits) == "test"] += 100  # must not be looked at
    groups = [f"g{k // 3}" for k in range(120)]
    label = [("a", "b")[k // 15 % 2] for k in range(120)]
    x[:, 0] += 8 * np.array([k // 15 % 2 for k in range(120)])
    task = TASK.replace("{protocols: [id, lodo]}", "{protocols: [id], by: table}").replace("seeds: 2", "seeds: 1")
    task = task.replace("classes: [a, b, c, d]", "classes: [a, b]")
    project = make_embeddings(tmp_path / "p", n=120, embeddings=x, split=splits, group=groups, label=label, verified=None,
                              task=task, domain=None)  # fmt: skip
    prepare(project.path, Wishes(standardise=True), who="ann")
    table = project.examples()
    [key] = [path.name for path in (project.path / "data" / "embeddings").glob("given-*")]
    vectors = project.open_embeddings(key).rows_of(table["example_id"])
    train = np.array([each == "train" for each in table["split"].to_pylist()])
    np.testing.assert_allclose(vectors[train].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(vectors[train].std(axis=0), 1, atol=1e-4)
    assert abs(vectors[~train].mean()) > 1
    assert run(project.path, workers=1).certificate["data"]["examples"] == 120


def test_gaps_are_filled_or_left_out(tmp_path):
    domain = [None if k % 10 == 0 else f"site{k % 3}" for k in range(60)]
    note = [float("nan") if k == 7 else float(k) for k in range(60)]
    project = make_embeddings(tmp_path / "p", n=60, domain=domain, note=note, verified=None)
    before = state(project)
    proposed = prepare(project.path, Wishes(), who="ann")
    assert any(each.startswith("--fill domain==unknown") for each in proposed.proposals)
    assert project.version().number == 1
    prepare(project.path, Wishes(fill=(("domain", "=unknown"),), drop_missing=("note",)), who="ann")
    rows = project.examples()
    assert len(rows) == 59
    assert rows["domain"].to_pylist().count("unknown") == 6
    undo(project.path, who="ann")
    assert state(project) == before


def test_an_interruption_between_the_two_commits_is_taken_back(clips, monkeypatch):
    before = state(clips)
    add = Project.add_labels
    monkeypatch.setattr(Project, "add_labels", lambda *given, **named: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare(clips.path, Wishes(level=-30.0), who="ann", workers=1)
    monkeypatch.setattr(Project, "add_labels", add)
    assert standing(clips) is not None
    undo(clips.path, who="ann")
    assert state(clips) == before


def test_bad_wishes(clips, tmp_path):
    with pytest.raises(ValuesError, match="level"):
        prepare(clips.path, Wishes(level=5.0), who="ann")
    with pytest.raises(ValuesError, match="given embeddings"):
        prepare(clips.path, Wishes(standardise=True), who="ann")
    with pytest.raises(ValuesError, match="--fill"):
        prepare(clips.path, Wishes(fill=(("label", "median"),)), who="ann")
    with pytest.raises(ValuesError, match="a column out of"):
        prepare(clips.path, Wishes(drop_missing=("nothing",)), who="ann")
    with pytest.raises(StoreError, match="nothing to undo"):
        undo(clips.path, who="ann")
    project = make_embeddings(tmp_path / "q", n=60)
    with pytest.raises(SplitError, match="split column"):
        prepare(project.path, Wishes(standardise=True), who="ann")
    with pytest.raises(ValuesError, match="expected sound"):
        prepare(project.path, Wishes(level=-20.0), who="ann")
    with pytest.raises(ValuesError, match="examples that stay"):
        prepare(make_embeddings(tmp_path / "r", n=60, domain=None).path, Wishes(drop_missing=("domain",)), who="ann")
    assert clips.version().number == 1


def test_twice_is_refused_and_a_damaged_record_is_named(clips):
    prepare(clips.path, Wishes(rate=RATE // 2), who="ann", workers=1)
    with pytest.raises(StoreError, match="Undo it first"):
        prepare(clips.path, Wishes(balance=0.5), who="ann")
    [path] = (clips.path / "data" / "preparation").iterdir()
    path.write_text(path.read_text().replace("4000", "4001"))
    with pytest.raises(CorruptError, match="agrees with its name"):
        undo(clips.path, who="ann")
    path.write_text("{")
    with pytest.raises(CorruptError, match="readable record"):
        undo(clips.path, who="ann")
