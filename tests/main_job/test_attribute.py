"""Bad input through the whole job: finite scores where the question has an answer, a sentence where it has none."""

import os
from dataclasses import replace

import numpy as np
import pytest
from tests.prove.mixture import SMALL_TASK, columns, make_small, mixture, poison, split_column

from yori.attribution import UnconvergedWarning
from yori.errors import InputError, SplitError, StoreError, ValuesError, YoriError
from yori.main_job import attribute as job
from yori.main_job.attribute import attribute

N = 120


def given_embeddings(project):
    return project.stage_path("data/embeddings", "given") / "00000.npy"


def scores(project, **options):
    found = attribute(project.path, workers=1, **options).table
    by_id = dict(zip(found["example_id"].to_pylist(), found["score"].to_pylist(), strict=True))
    assert np.isfinite(list(by_id.values())).all()
    return by_id


def without_class_d(folder, parts):
    """A project whose table splits it, with class ``a`` in the place of ``d`` in some parts."""
    split = split_column(N)
    labels = ["a" if part in parts and label == "d" else label
              for part, label in zip(split, columns(mixture(N))["label"], strict=True)]  # fmt: skip
    task = SMALL_TASK.replace("[id]", "[id], by: table")
    return make_small(folder / "p", task=task, label=labels, verified=None, split=split), split


@pytest.mark.parametrize("method", ["influence", "tracin"])
def test_embeddings_that_say_nothing(tmp_path, method):
    """All rows alike: examples of a class are worth the same, whatever they are."""
    project = make_small(tmp_path / "p", embeddings=np.full((N, 16), 3.0, dtype=np.float32))
    found = scores(project, method=method)
    label = dict(zip(columns(mixture(N))["example_id"], columns(mixture(N))["label"], strict=True))
    for each in "abcd":
        own = [score for name, score in found.items() if label[name] == each]
        np.testing.assert_allclose(own, own[0], rtol=1e-3, atol=1e-7)


def test_a_constant_feature_and_duplicated_rows(tmp_path):
    """Twins with one label have one score."""
    vectors = mixture(N).embeddings.copy()
    vectors[:, 3] = 7.0
    vectors[N // 2 :] = vectors[: N // 2]
    labels = columns(mixture(N))["label"]
    labels = labels[: N // 2] * 2
    project = make_small(tmp_path / "p", embeddings=vectors, label=labels, verified=None)
    found = scores(project)
    twins = [(f"e{row:04}", f"e{row + N // 2:04}") for row in range(N // 2)]
    both = [(found[one], found[two]) for one, two in twins if one in found and two in found]
    assert len(both) > 10
    np.testing.assert_allclose([one for one, _ in both], [two for _, two in both], rtol=1e-6)


@pytest.mark.parametrize("lacking", [("validation",), ("train", "test")])
@pytest.mark.parametrize("method", ["influence", "influence_leverage", "tracin"])
def test_a_class_that_is_not_there(tmp_path, lacking, method):
    project, split = without_class_d(tmp_path, lacking)
    assert len(scores(project, method=method)) == split.count("train")


def test_a_class_that_is_tested_but_not_there_to_train_on(tmp_path):
    project, _ = without_class_d(tmp_path, ("train",))
    with pytest.raises(SplitError, match="expected every tested class in train, got none of: d"):
        attribute(project.path, workers=1)


@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_half_precision_and_integers(tmp_path, dtype):
    """The same as the same numbers in single precision."""
    vectors = np.round(mixture(N).embeddings * 8).clip(-100, 100)
    one = scores(make_small(tmp_path / "one", embeddings=vectors.astype(dtype)))
    two = scores(make_small(tmp_path / "two", embeddings=vectors.astype(np.float32)))
    largest = max(map(abs, two.values()))
    assert max(abs(one[name] - two[name]) for name in two) < 1e-4 * largest


def test_nan_behind_the_back_of_the_store_is_named(tmp_path):
    project = make_small(tmp_path / "p")
    poison(project, list(range(5, 40)))  # some of them train
    with pytest.raises(YoriError, match=r"NaN|nan"):
        attribute(project.path, workers=1)


@pytest.mark.parametrize("how", ["missing", "truncated", "not an array"])
def test_a_shard_that_is_not_what_it_was(tmp_path, how):
    project = make_small(tmp_path / "p")
    path = given_embeddings(project)
    path.chmod(0o644)
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.write_bytes(b"something else")
    with pytest.raises((StoreError, InputError), match=r"00000\.npy"):
        attribute(project.path, workers=1)


@pytest.mark.parametrize("how", ["removed", "truncated"])
def test_a_shard_that_goes_bad_while_it_runs_and_what_is_done_is_kept(tmp_path, how, monkeypatch):
    project = make_small(tmp_path / "p")
    path = given_embeddings(project)
    content, times = path.read_bytes(), path.stat()

    def spoil(what, done, total):
        if (what, done) == ("score shards", 0):
            path.chmod(0o644)
            path.unlink() if how == "removed" else os.truncate(path, len(content) - 30)

    with pytest.raises((StoreError, InputError), match=r"00000\.npy: expected"):
        attribute(project.path, workers=1, progress=spoil)
    if how == "removed":
        path.write_bytes(content)
    else:
        with path.open("r+b") as file:
            file.write(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    kept = list((project.path / ".yori" / "work").glob("**/solution.npy"))
    assert len(kept) == 1
    monkeypatch.setattr("yori.main_job.shard_scores.ShardCurvature", None)  # nothing is solved again
    scores(project)


@pytest.mark.parametrize("damping", [0, 0.0, -1.0, float("nan"), float("inf")])
def test_dampings_that_make_the_problem_singular(tmp_path, damping):
    project = make_small(tmp_path / "p")
    with pytest.raises(ValuesError, match="expected"):
        attribute(project.path, damping=damping, workers=1)


def test_a_head_that_is_not_at_its_optimum_is_said(tmp_path, monkeypatch):
    """The job moves the head there first; if that were left out, it would be heard."""
    project = make_small(tmp_path / "p")
    assert attribute(project.path, workers=1).gradient_norm < 1e-4
    whole = job._optimum

    def half(*given):
        head = whole(*given)
        return replace(head, weight=head.weight / 2)

    monkeypatch.setattr(job, "_optimum", half)
    with pytest.warns(UnconvergedWarning, match="score_shards: expected a head at its optimum"):
        attribute(project.path, workers=1)
