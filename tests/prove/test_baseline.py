import dataclasses

import numpy as np
import pytest
from tests.prove.mixture import SMALL_TASK, inputs_of, make_small, poison, split_column

from yori.errors import CorruptError, ValuesError
from yori.heads import fit_softmax
from yori.prove.arm_names import TRAIN_AND_VALIDATION
from yori.prove.arms import ArmsInput, make_arms
from yori.prove.baseline import make_baseline, read_stage
from yori.prove.cell_inputs import places_of
from yori.prove.predictions import CellResult, prediction_tables
from yori.prove.proof import group_names, prove
from yori.store import EmbeddingShards
from yori.task import HeadRecipe


def table_project(folder, **how):
    return make_small(folder, task=SMALL_TASK.replace("[id]", "[id], by: table"), split=split_column(120), **how)


def test_a_worker_is_given_training_and_validation_examples_only(proved):
    _, data, cells, inputs = inputs_of(proved.project)
    for cell, given in zip(cells, inputs, strict=True):
        wanted = np.concatenate([cell.train, cell.validation])
        assert given.ids.tolist() == data.ids[wanted].tolist()
        assert not set(given.ids.tolist()) & set(data.ids[cell.test].tolist())
        assert not set(given.groups.tolist()) & set(data.groups[cell.test].tolist())
        assert given.n_train == len(cell.train)
        sizes = {len(given.rows), len(given.targets), len(given.groups), len(given.weight), len(given.domains)}
        assert sizes == {len(wanted)}
        assert len(given.truth) == given.n_train
        assert (given.targets[: given.n_train] == data.targets[cell.train]).all()
        assert (given.targets[given.n_train :] == data.truth[cell.validation]).all()  # asks with verified labels
        assert (given.validation_given == data.targets[cell.validation]).all()  # would train with the given ones


def test_workers_read_no_row_of_a_test_example(tmp_path, monkeypatch):
    project = table_project(tmp_path / "project")
    task, data, (cell,), (given,) = inputs_of(project)
    asked: set[int] = set()
    rows = EmbeddingShards.rows

    def spied(self, indices):
        asked.update(np.asarray(indices).tolist())
        return rows(self, indices)

    monkeypatch.setattr(EmbeddingShards, "rows", spied)
    before = make_baseline(given)
    make_arms(ArmsInput(given, before, task.budget.edits, task.objective))
    place = places_of(data, project.open_embeddings("given"))
    assert asked == set(place[np.concatenate([cell.train, cell.validation])].tolist())


def test_poisoned_test_rows_do_not_disturb_training_but_prediction_fails(tmp_path):
    """Were any test embedding read before the end, every number after it would be NaN."""
    clean, poisoned = table_project(tmp_path / "clean"), table_project(tmp_path / "poisoned")
    poison(poisoned, [row for row, word in enumerate(split_column(120)) if word == "test"])
    keys = []
    for project in (clean, poisoned):
        task, data, (cell,), (given,) = inputs_of(project)
        before = make_baseline(given)
        keys.append((before, make_arms(ArmsInput(given, before, task.budget.edits, task.objective))))
    assert keys[0] == keys[1]
    for key in keys[0]:
        name = f"runs/{key}/head.safetensors"
        assert (clean.path / name).read_bytes() == (poisoned.path / name).read_bytes()
    shards = poisoned.open_embeddings("given")
    stages = [read_stage(poisoned, key) for key in keys[1]]
    result = CellResult(cell, *stages, shards, places_of(data, shards))
    with pytest.raises(ValuesError, match="finite"):
        prediction_tables([result], data, group_names(data))
    with pytest.raises(ValuesError, match="finite"):
        prove(poisoned, workers=1)
    assert not list((poisoned.path / "proofs").glob("*"))


def test_before_is_near_the_exact_fit(one_cell):
    n, given = one_cell.given.n_train, one_cell.given
    pool = given.vectors()
    exact = fit_softmax(pool[:n], given.targets[:n], classes=4, l2=0.1)
    weight = one_cell.baseline.arrays["before"]
    assert np.linalg.norm(weight - exact.weight) < 0.05 * np.linalg.norm(exact.weight)
    assert one_cell.baseline.facts["l2"] == 0.1
    logits = pool[n:] @ weight[:, :-1].T + weight[:, -1]
    np.testing.assert_allclose(one_cell.baseline.arrays["validation:before"], logits, rtol=1e-4, atol=1e-4)


def test_out_of_fold_logits_say_less_about_wrong_labels_than_training_ones(one_cell):
    given, arrays = one_cell.given, one_cell.baseline.arrays
    train = given.targets[: given.n_train]
    wrong = train != given.truth
    seen = (arrays["training:before"].argmax(axis=1) == train)[wrong].mean()
    unseen = (arrays["out_of_fold"].argmax(axis=1) == train)[wrong].mean()
    assert unseen <= seen
    assert (arrays["out_of_fold"].argmax(axis=1) == given.truth).mean() > 0.7


def test_the_control_trains_on_validation_with_its_given_labels(one_cell):
    given = one_cell.given
    pool, everything = given.vectors(), given.targets.copy()
    everything[given.n_train :] = given.validation_given
    exact = fit_softmax(pool, everything, classes=4, l2=0.1)
    weight = one_cell.baseline.arrays[TRAIN_AND_VALIDATION]
    assert np.linalg.norm(weight - exact.weight) < 0.05 * np.linalg.norm(exact.weight)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": HeadRecipe(l2=0.2, epochs=2, batch_size=32)},
        {"recipe": HeadRecipe(l2=0.1, epochs=3, batch_size=32)},
        {"seed": 1},
        {"protocol": "lodo:site0"},
        {"embeddings": "other"},
        {"classes": 5},
    ],
)
def test_the_key_depends_on_everything_that_is_read(change, one_cell):
    given = one_cell.given
    assert dataclasses.replace(given, **change).baseline_key() != given.baseline_key()
    assert dataclasses.replace(given).baseline_key() == given.baseline_key()


@pytest.mark.parametrize("name", ["targets", "groups", "weight", "validation_given", "ids"])
def test_the_key_depends_on_every_array(name, one_cell):
    given = one_cell.given
    array = getattr(given, name).copy()
    array[0] = "another" if name == "ids" else array[0] + 1
    assert dataclasses.replace(given, **{name: array}).baseline_key() != given.baseline_key()


def test_streams_of_random_numbers_are_apart_and_repeatable(one_cell):
    given = one_cell.given
    first, again, other = (given.generator(word).random() for word in ("a", "a", "b"))
    assert first == again != other
    assert dataclasses.replace(given, seed=1).generator("a").random() != first


def test_a_damaged_stage_is_named(one_cell, tmp_path):
    project = make_small(tmp_path / "project", n=30)
    with project.stage_folder("runs", "bad") as folder:
        (folder / "run.json").write_text("{}")
        (folder / "head.safetensors").write_bytes(b"no")
    with pytest.raises(CorruptError, match="bad"):
        read_stage(project, "bad")
