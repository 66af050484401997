import dataclasses

import numpy as np
import pytest
from tests.prove.mixture import make_small, mixture

from yori.prove.leakage import MOST, grouped_accuracy, leakage_inputs


@pytest.fixture
def base(one_cell):
    data = one_cell.data
    return {
        "project": one_cell.project.path, "embeddings": "given", "rows": np.arange(len(data)), "targets": data.targets,
        "truth": data.truth, "classes": 4, "l2": 0.1,
    }  # fmt: skip


def test_clips_that_betray_their_recording_are_flattered_by_a_split_by_clip(tmp_path, base):
    """The class of a recording is random and its clips all but coincide: by group there is nothing to learn."""
    groups = np.repeat(np.arange(60), 4)
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat(np.arange(4), 15))[groups]
    vectors = (rng.normal(size=(60, 16))[groups] * 3 + rng.normal(size=(240, 16)) * 0.01).astype(np.float32)
    project = make_small(tmp_path / "p", n=240, embeddings=vectors)
    fields = {**base, "project": project.path, "targets": labels, "truth": labels, "l2": 1e-3}
    by_clip, by_group = (grouped_accuracy(each) for each in leakage_inputs(fields, groups))
    assert by_clip > 0.6
    assert by_group < 0.45


def test_groups_of_one_leave_nothing_to_compare(base):
    assert leakage_inputs(base, np.arange(240)) == []
    assert leakage_inputs(base, np.zeros(240, dtype=np.int64)) == []
    assert leakage_inputs(base, np.arange(240) % 4) == []
    clip, group = leakage_inputs(base, np.arange(240) % 5)
    assert len(np.unique(clip.groups)) == 240
    assert len(np.unique(group.groups)) == 5


def test_large_data_are_sampled_by_whole_groups(base):
    n = 3 * MOST
    groups = np.arange(n) // 3
    fields = {**base, "rows": np.arange(n), "targets": np.zeros(n, int), "truth": np.zeros(n, int)}
    _, group = leakage_inputs(fields, groups)
    assert len(group.rows) == MOST
    _, counts = np.unique(group.groups, return_counts=True)
    assert (counts < 3).sum() <= 1


def test_the_number_is_kept(base, one_cell, monkeypatch):
    import importlib

    _, task = leakage_inputs(base, one_cell.data.groups)
    first = grouped_accuracy(task)
    assert 0.5 < first <= 1
    monkeypatch.setattr(importlib.import_module("yori.prove.leakage"), "out_of_fold_logits", None)
    assert grouped_accuracy(task) == first
    assert dataclasses.replace(task, l2=0.2).key() != task.key()


def test_the_gap_of_a_proof(proved):
    gap = proved.certificate["leakage_gap"]
    assert gap["metric"] == "accuracy"
    assert 0 <= gap["by_group"] <= 1
    assert 0 <= gap["by_clip"] <= 1
    best = (mixture().probs.argmax(axis=1) == mixture().true_labels).mean()
    assert gap["by_group"] < best + 0.05
