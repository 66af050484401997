import importlib

import numpy as np
import pytest

from yori.backbones import SpectrogramCache, cache_spectrograms
from yori.errors import CorruptError, SourceError
from yori.signal.log_mel import log_mel
from yori.store import read_audio

RATE = 8000


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(importlib.import_module("yori.backbones.spectrograms"), "CHUNK", 3)


def cached(project, examples, sample_rate=RATE) -> SpectrogramCache:
    return cache_spectrograms(project, examples, sample_rate=sample_rate, workers=1)


def expected(project, examples, position: int, sample_rate: int = RATE, **window: float) -> np.ndarray:
    path = project.locate(examples["source"][position].as_py(), examples["uri"][position].as_py())
    return log_mel(*read_audio(path, sample_rate=sample_rate, **window))


def test_every_position_on_both_sides_of_chunk_borders(make_project):
    project, examples = make_project(8)
    cache = cached(project, examples)
    assert (len(cache), len(cache.folders)) == (8, 3)
    for position in (7, 0, 2, 3, 5, 6, 1, 4):
        frames = cache[position]
        assert frames.dtype == np.float32
        np.testing.assert_allclose(frames, expected(project, examples, position), atol=0.01)
    assert [len(frames) for frames in cache] == [len(cache[position]) for position in range(8)]
    assert len({len(frames) for frames in cache}) == 3


def test_a_position_outside_is_refused(make_project):
    cache = cached(*make_project(4))
    for position in (4, 100):
        with pytest.raises(IndexError):
            cache[position]


def test_subset_in_its_own_order(make_project):
    cache = cached(*make_project(7))
    subset = cache.subset(np.array([6, 0, 3, 3]))
    assert len(subset) == 4
    for frames, position in zip(subset, (6, 0, 3, 3), strict=True):
        np.testing.assert_array_equal(frames, cache[position])


def test_windows_and_resampling(make_project):
    project, examples = make_project(4, start=[0.0, 0.05, None, 0.1], duration=[0.1, 0.1, None, None])
    cache = cached(project, examples, sample_rate=4000)
    windows = [{"start": 0.0, "duration": 0.1}, {"start": 0.05, "duration": 0.1}, {}, {"start": 0.1}]
    for position, window in enumerate(windows):
        frames = expected(project, examples, position, 4000, **window)
        np.testing.assert_allclose(cache[position], frames, atol=0.01)
    assert len(cache[0]) < len(cache[2])


def test_a_clip_shorter_than_a_window_has_one_frame(make_project):
    cache = cached(*make_project([np.array([0.1]), np.zeros(50), np.ones(4000) / 2]))
    assert [len(frames) for frames in cache][:2] == [1, 1]


def test_only_what_is_missing_is_computed(make_project):
    project, examples = make_project(8)
    first = cached(project, examples)
    before = {folder: folder.stat().st_mtime_ns for folder in first.folders}
    gone = first.folders[1]
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    work = []
    again = cache_spectrograms(
        project, examples, sample_rate=RATE, workers=1, progress=lambda *report: work.append(report)
    )
    assert work == [("spectrograms", 0, 1), ("spectrograms", 1, 1)]
    assert again.folders == first.folders
    for folder in (first.folders[0], first.folders[2]):
        assert folder.stat().st_mtime_ns == before[folder]
    np.testing.assert_allclose(again[4], expected(project, examples, 4), atol=0.01)


def test_chunks_are_named_by_content_and_rate(make_project):
    project, examples = make_project(6)
    other = examples.set_column(
        examples.column_names.index("sha256"), "sha256", [[*examples["sha256"].to_pylist()[:-1], "0" * 64]]
    )
    one, two = cached(project, examples), cached(project, other)
    assert one.folders[0] == two.folders[0]
    assert one.folders[1] != two.folders[1]
    assert not set(one.folders) & set(cached(project, examples, 4000).folders)


def test_a_missing_file_is_named_and_nothing_half_done_stays(make_project):
    project, examples = make_project(6)
    lost = project.locate("clips", "clip04.wav")
    lost.unlink()
    with pytest.raises(SourceError, match=r"clip04\.wav.*Restore the file, or drop the example\."):
        cached(project, examples)
    done = sorted((project.path / "cache").iterdir())
    assert len(done) == 1  # the first chunk was good
    assert {path.name for path in done[0].iterdir()} == {"frames.npy", "ends.npy"}


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def empty(path):
    path.write_bytes(b"")


def garbage(path):
    path.write_bytes(b"not an array")


def objects(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.usefixtures("unchecked")  # which reads elements at random
@pytest.mark.parametrize("name", ["frames.npy", "ends.npy"])
@pytest.mark.parametrize("damage", [truncate, empty, garbage, objects, lambda path: path.unlink()])
def test_a_damaged_chunk_is_said_to_be(make_project, name, damage):
    project, examples = make_project(4)
    folder = cached(project, examples).folders[1]
    damage(folder / name)
    cache = cached(project, examples)
    assert len(cache[0]) > 0
    with pytest.raises(CorruptError, match=rf"{folder.name}.*readable spectrogram chunk.*Remove the folder"):
        cache[3]


def test_no_examples(make_project):
    project, examples = make_project(2)
    assert len(cached(project, examples[:0])) == 0
