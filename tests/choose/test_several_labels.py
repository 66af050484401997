"""Several labels per example, from selection to the smaller training set, on a made-up and on a mixed real set."""

import importlib
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.prove.mixture import SMALL_TASK

from yori.choose import reduce, select_next, simulate
from yori.choose.learning_curve import learning_curve
from yori.selection import STRATEGIES, SUBSETS, keep, make_labelled

DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FAST = {"workers": 1, "simulated": False}


def test_select_names_the_classes_it_expects(several):
    found = select_next(several.path, budget=12, strategy="margin", **FAST)
    assert len(set(found.table["example_id"].to_pylist())) == 12
    assert {name for each in found.table["predicted"].to_pylist() for name in each.split(";") if name} <= set("abcd")
    assert {each.name for each in found.stops} >= {"overall_uncertainty"}
    assert found.rounds == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_selects(several, strategy):
    assert len(select_next(several.path, budget=5, strategy=strategy, **FAST).table) == 5


def test_a_simulation_counts_whole_label_sets(several, monkeypatch):
    monkeypatch.setattr(importlib.import_module("yori.choose.simulate"), "FOLDS", 3)
    found = simulate(several.path, strategies=("margin",), seeds=1, budgets=(10, 40), protocol="id", workers=1)
    assert [each.name for each in found.curves] == ["random", "margin"]
    # 16 label sets: guessing the commonest is right for fewer than a fifth.
    assert 0.3 < found.curves[1].accuracy[1] <= 1
    assert found.curves[1].accuracy[1] > found.curves[1].accuracy[0]
    assert "all of its labels" in " ".join(found.notes)


@pytest.mark.parametrize("method", SUBSETS)
def test_every_subset_method_keeps(several, method):
    made = reduce(several.path, keep_share=0.4, method=method, compare=(), seeds=1, features=method == "glister")
    assert made.kept == len(made.table)
    assert made.full_accuracy > 0.4
    assert all(0 <= each.accuracy <= 1 for each in made.methods)
    if method == "glister":
        assert {each.method for each in made.steps} >= {"all", "mutual_information", "l1", "influence"}


def test_one_label_for_everything_is_no_head(make):
    label = pa.array([["a"] if k % 2 else None for k in range(180)], pa.list_(pa.string()))
    project = make(task=SMALL_TASK + "labels: multiple\n", label=label)
    found = select_next(project.path, budget=5, **FAST)
    assert "fewer than two classes" in " ".join(found.notes)


@pytest.fixture(scope="module")
def mixed_digits():
    """Two spoken digits of one speaker in one clip: clips cut to the shorter and added. ``(x, labels, speakers)``."""
    folder = DATA / "fsdd" / "recordings"
    if not folder.is_dir():
        pytest.skip("spoken digits are not here: set YORI_TEST_DATA")
    import soundfile

    from yori.backbones import patches
    from yori.backbones.whitening import fit_whitening
    from yori.signal.log_mel import log_mel

    rng = np.random.default_rng(0)
    by_speaker: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*.wav")):
        by_speaker.setdefault(file.stem.split("_")[1], []).append(file)
    frames, labels, speakers = [], [], []
    for speaker, files in by_speaker.items():
        for _ in range(60):
            one, two = (files[k] for k in rng.choice(len(files), 2, replace=False))
            first, second = (soundfile.read(each, dtype="float32")[0] for each in (one, two))
            shorter = min(len(first), len(second))
            frames.append(log_mel(first[:shorter] + second[:shorter], 8000))
            hot = np.zeros(10, dtype=np.float32)
            hot[[int(one.stem[0]), int(two.stem[0])]] = 1
            labels.append(hot)
            speakers.append(speaker)
    features = patches.learn(frames[::2], rng=np.random.default_rng(0))
    pooled = patches.pool(features, frames)
    x = fit_whitening(pooled[::2], 64).apply(pooled).astype(np.float32)
    return x, np.array(labels), np.array(speakers)


def test_mixed_digits_doubt_finds_what_the_head_does_not_know(mixed_digits):
    """With the same number of labels, a head on asked-for labels loses less than one on random labels, mean of seeds."""
    x, labels, speakers = mixed_digits
    pool, test = np.arange(0, len(x), 2), np.arange(1, len(x), 2)
    loss = {
        name: np.mean([
            learning_curve(
                x[pool], labels[pool], x[test], labels[test], strategy=name, budgets=(30, 60, 120), classes=10,
                domains=speakers[pool], rng=np.random.default_rng(seed),
            ).nll
            for seed in range(4)
        ])
        for name in ("random", "automatic")
    }  # fmt: skip
    assert loss["automatic"] < loss["random"]


@pytest.mark.parametrize("method", SUBSETS)
def test_mixed_digits_reduce(mixed_digits, method):
    x, labels, _ = mixed_digits
    data = make_labelled(x, labels, classes=10, l2=0.03, link="sigmoid")
    kept = keep(data, 40, method=method, rng=np.random.default_rng(0))
    assert len(set(kept.rows.tolist())) == 40
    if method not in ("random",):  # the rarest label of each example is kept in proportion
        want = 40 * np.bincount(data.strata, minlength=11) / len(x)
        np.testing.assert_allclose(np.bincount(data.strata[kept.rows], minlength=11), want, atol=1)
