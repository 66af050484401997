import importlib
import shutil

import numpy as np
import pyarrow as pa
import pytest

from yori.backbones import BACKBONES, EmbeddingJob, embed, embedding_key, load_backbone
from yori.errors import CorruptError, ShapeError, SourceError, ValuesError
from yori.signal.log_mel import log_mel
from yori.store import Project, read_audio

MODULE = importlib.import_module("yori.backbones.embed")
RATE = 8000
TRAIN = np.array([0, 1, 2, 4, 5, 7])
JOB = EmbeddingJob(TRAIN, 3)


@pytest.fixture(scope="module", autouse=True)
def small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "CHUNK", 4)
        patch.setattr(importlib.import_module("yori.backbones.spectrograms"), "CHUNK", 3)
        yield


def run(project, examples, jobs=(JOB,), *, name="patches", dimensions=5, **more):
    return embed(project, examples, jobs, name=name, dimensions=dimensions, sample_rate=RATE, workers=1, **more)


@pytest.fixture(scope="module")
def whole(make_project) -> dict[str, np.ndarray]:
    """What an undisturbed run makes of nine clips, for each backbone: two chunks of four and one of one."""
    return {name: vectors(run(*make_project(9), name=name)[0]) for name in BACKBONES}


def vectors(shards) -> np.ndarray:
    return np.concatenate([np.array(block) for block in shards])


@pytest.mark.parametrize("name", BACKBONES)
def test_shape_order_and_training_mean(make_project, name):
    project, examples = make_project(10)
    (shards,) = run(project, examples, name=name)
    x = vectors(shards)
    assert (shards.n, shards.d, x.dtype) == (10, 5, np.float32)
    assert shards.ids.to_pylist() == examples["example_id"].to_pylist()
    assert (shards.meta["backbone"], shards.meta["seed"]) == (name, 3)
    np.testing.assert_allclose(x[TRAIN].mean(axis=0), 0, atol=1e-3)
    assert 0.3 < x[TRAIN].var(axis=0).mean() < 1.01
    assert len(np.unique(x.round(4), axis=0)) == 10


def test_dimensions_are_at_most_one_less_than_training_examples(make_project):
    (shards,) = run(*make_project(10), [EmbeddingJob(np.array([1, 3, 8]), 0)], dimensions=1024)
    assert shards.d == 2


@pytest.mark.parametrize("name", BACKBONES)
def test_embeddings_are_those_of_the_stored_backbone(make_project, name):
    project, examples = make_project(5)
    (shards,) = run(project, examples, [EmbeddingJob(np.array([0, 1, 3]), 1)], name=name)
    backbone = load_backbone(project.path, shards.path.name, name)
    frames = [log_mel(*read_audio(project.locate("clips", uri.as_py()))) for uri in examples["uri"]]
    np.testing.assert_allclose(backbone.encode(frames), vectors(shards), atol=0.03)  # the cache keeps half precision


@pytest.mark.parametrize("name", BACKBONES)
def test_same_bytes_in_another_project(make_project, name):
    one, two = (run(*make_project(6), [EmbeddingJob(np.arange(4), 0)], name=name)[0] for _ in range(2))
    assert one.path.name == two.path.name
    assert [shard.sha256 for shard in one.shards] == [shard.sha256 for shard in two.shards]


def test_another_seed_is_another_dictionary(make_project):
    one, two = run(*make_project(6), [EmbeddingJob(np.arange(4), seed) for seed in (0, 1)])
    assert not np.allclose(np.abs(vectors(one)), np.abs(vectors(two)), atol=1e-3)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_test_clip_changes_no_embedding_but_its_own(make_project, name):
    """The backbone is fitted on training positions alone, whatever else lies in the project."""
    clips = [np.random.default_rng(seed).normal(0, 0.1, 2000) for seed in range(10)]
    before = vectors(run(*make_project(clips), name=name)[0])
    clips[9] = np.sin(np.arange(3000) / 3)
    after = vectors(run(*make_project(clips), name=name)[0])
    np.testing.assert_array_equal(before[:9], after[:9])
    assert np.abs(before[9] - after[9]).max() > 0.1
    clips[TRAIN[0]] = np.sin(np.arange(3000) / 5)
    assert not np.array_equal(vectors(run(*make_project(clips), name=name)[0])[1:9], before[1:9])


def test_jobs_keep_their_order_and_may_repeat(make_project):
    project, examples = make_project(8)
    jobs = [EmbeddingJob(np.arange(start, 8), 0) for start in (3, 0, 3)]
    one, two, three = run(project, examples, jobs)
    assert one.path == three.path != two.path
    for shards, job in ((one, jobs[0]), (two, jobs[1])):
        np.testing.assert_allclose(vectors(shards)[job.train].mean(axis=0), 0, atol=1e-3)
        (alone,) = run(*make_project(8), [job])
        np.testing.assert_array_equal(vectors(shards), vectors(alone))


def test_a_second_run_computes_nothing(make_project, monkeypatch):
    project, examples = make_project(6)
    (first,) = run(project, examples, [EmbeddingJob(np.arange(4), 0)])

    def never(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr(MODULE, "cache_spectrograms", never)
    monkeypatch.setattr(MODULE, "map_in_processes", never)
    (again,) = run(project, examples, [EmbeddingJob(np.array([3, 1, 0, 2]), 0)])
    assert again.path == first.path


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("name", BACKBONES)
def test_both_ways_through_give_the_same_bytes(make_project, monkeypatch, whole, name, few):
    """Few clips are embedded while the backbone is fitted, many afterwards; chunks that are lost are made again."""
    monkeypatch.setattr(MODULE, "FEW_CLIPS", 9 if few else 8)
    project, examples = make_project(9)
    with monkeypatch.context() as patch:
        patch.setattr(Project, "write_embeddings", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(project, examples, name=name)
    key = embedding_key(examples, name=name, dimensions=5, sample_rate=RATE, job=JOB)
    assert not project.has_stage("data/embeddings", key)
    shutil.rmtree(project.stage_path("cache", f"{key}-8"))
    (shards,) = run(project, examples, name=name)
    np.testing.assert_array_equal(vectors(shards), whole[name])
    assert {path.name for path in (project.path / "cache").iterdir() if path.name.startswith(name)} == {f"{key}-model"}


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("stage", ["spectrograms", "fit backbones", "embed"])
def test_interrupted_and_run_again(make_project, monkeypatch, whole, stage):
    jobs = [EmbeddingJob(np.arange(5), 0), JOB]
    monkeypatch.setattr(MODULE, "FEW_CLIPS", 0)
    project, examples = make_project(9)

    def progress(what, finished, total):
        if (what, finished) == (stage, 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(project, examples, jobs, progress=progress)
    work = {}
    again = run(project, examples, jobs, progress=lambda what, _, total: work.update({what: total}))
    first, second, third = {
        "spectrograms": (2, 2, 6),  # of 3 chunks, 2 fits and 6 chunks
        "fit backbones": (0, 1, 6),
        "embed": (0, 0, 5),
    }[stage]
    assert work == {"spectrograms": first, "fit backbones": second, "embed": third}
    np.testing.assert_array_equal(vectors(again[1]), whole["patches"])


class TestKey:
    @pytest.fixture
    def examples(self) -> pa.Table:
        return pa.table({"example_id": ["a", "b", "c", "d"], "sha256": ["1", "2", None, "4"], "label": [*"xyxy"]})

    def key(self, examples, *, train=(0, 1, 2), seed=0, name="patches", dimensions=8, sample_rate=RATE) -> str:
        job = EmbeddingJob(np.array(train, dtype=np.int64), seed)
        return embedding_key(examples, name=name, dimensions=dimensions, sample_rate=sample_rate, job=job)

    def test_everything_that_matters_changes_it(self, examples):
        other = {
            "content": examples.set_column(1, "sha256", [["1", "2", None, "5"]]),
            "ids": examples.set_column(0, "example_id", [[*"abce"]]),
            "order": examples.take([1, 0, 2, 3]),
            "fewer": examples[:3],
        }
        keys = {
            self.key(examples),
            *(self.key(table) for table in other.values()),
            self.key(examples, train=(0, 1, 3)),
            self.key(examples, train=(0, 1)),
            self.key(examples, seed=1),
            self.key(examples, name="statistics"),
            self.key(examples, dimensions=9),
            self.key(examples, sample_rate=16_000),
        }
        assert len(keys) == 11

    def test_labels_and_the_order_of_training_examples_do_not(self, examples):
        relabelled = examples.set_column(2, "label", [[*"yyyy"]])
        assert self.key(relabelled, train=(2, 0, 1)) == self.key(examples)

    def test_another_version_of_the_code_does(self, examples, monkeypatch):
        before = self.key(examples)
        monkeypatch.setattr(BACKBONES["patches"], "VERSION", "patches-of-tomorrow")
        assert self.key(examples) != before


def test_an_unknown_backbone_is_refused_before_any_work(make_project):
    project, examples = make_project(3)
    with pytest.raises(
        ValuesError, match=r"backbone.name: expected a backbone out of patches, statistics.*, got 'resnet'"
    ):
        run(project, examples, name="resnet")
    assert not list((project.path / "cache").glob("*"))


@pytest.mark.parametrize("train", [[], [2]])
def test_too_few_training_examples_are_refused_before_any_work(make_project, train):
    project, examples = make_project(3)
    with pytest.raises(ShapeError, match="at least two training examples"):
        run(project, examples, [EmbeddingJob(np.array(train, dtype=np.int64), 0)])
    assert not list((project.path / "cache").glob("*"))


def test_a_file_that_is_gone_is_named(make_project):
    project, examples = make_project(4)
    project.locate("clips", "clip02.wav").unlink()
    with pytest.raises(SourceError, match=r"clip02\.wav"):
        run(project, examples, [EmbeddingJob(np.arange(4), 0)])


def test_silence_alone(make_project):
    (shards,) = run(*make_project([np.zeros(1600)] * 4), [EmbeddingJob(np.arange(3), 0)])
    np.testing.assert_array_equal(vectors(shards), np.zeros((4, 1)))


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"{}"), lambda path: path.unlink()])
@pytest.mark.parametrize(("part", "file"), [("model", "model.safetensors"), ("4", "vectors.npy")])
def test_damaged_intermediate_results_are_said_to_be(make_project, monkeypatch, damage, part, file):
    project, examples = make_project(10)
    with monkeypatch.context() as patch:
        patch.setattr(Project, "write_embeddings", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(project, examples)
    key = embedding_key(examples, name="patches", dimensions=5, sample_rate=RATE, job=JOB)
    shutil.rmtree(project.stage_path("cache", f"{key}-8"))  # so that the model is needed again
    folder = project.stage_path("cache", f"{key}-{part}")
    damage(folder / file)
    with pytest.raises(CorruptError, match=rf"{folder.name}: expected a readable .*Remove the folder; it is remade\."):
        run(project, examples)
    shutil.rmtree(folder)
    assert run(project, examples)[0].n == 10
