import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import PathEscapeError
from yori.importers.inspection import (
    InspectionTask,
    Stretch,
    _cut,
    content_hash,
    inspect_recording,
    inspect_recordings,
)
from yori.store.audio import AudioInfo

WHOLE = (Stretch(None, None),)


def test_a_whole_file(write, data):
    write("a.wav", 1, seconds=0.5)
    (clip,) = inspect_recording(data, "a.wav", WHOLE, None, None).clips
    assert (clip.start, clip.seconds, clip.stretch) == (None, 0.5, 0)
    assert np.isfinite(clip.fingerprint).all()
    samples, rate = soundfile.read(data / "a.wav", dtype="float32", always_2d=True)
    assert clip.sha256 == content_hash(samples, rate)


def test_the_same_sound_in_other_containers(write, data):
    path = write("a.wav", 1)
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(data / "a.flac", samples, rate)
    soundfile.write(data / "a.w64", samples, rate)
    hashes = {inspect_recording(data, uri, WHOLE, None, None).clips[0].sha256 for uri in ("a.wav", "a.flac", "a.w64")}
    assert len(hashes) == 1


def test_a_window_is_heard_like_a_file_of_its_own(write, data):
    path = write("a.wav", 1, seconds=1.0)
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(data / "b.wav", samples[2000:4000], rate)
    windows = inspect_recording(data, "a.wav", WHOLE, 0.25, None).clips
    assert [clip.start for clip in windows] == [0, 0.25, 0.5, 0.75]
    (alone,) = inspect_recording(data, "b.wav", WHOLE, None, None).clips
    assert windows[1].sha256 == alone.sha256
    assert np.allclose(windows[1].fingerprint, alone.fingerprint)


def test_hashes_tell_channels_and_rates_apart():
    x = np.arange(4, dtype=np.float32)
    hashes = [
        content_hash(x.reshape(4, 1), 8000),
        content_hash(x.reshape(2, 2), 8000),
        content_hash(x[:, None], 16_000),
    ]
    assert len(set(hashes)) == 3
    assert content_hash(-np.zeros((3, 1), np.float32), 1) == content_hash(np.zeros((3, 1), np.float32), 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"no sound at all", "unreadable"), (None, "missing")],
)
def test_files_that_do_not_open(data, content, reason):
    if content is not None:
        (data / "a.wav").write_bytes(content)
    ((start, said, detail),) = inspect_recording(data, "a.wav", WHOLE, None, None).problems
    assert (start, said) == (None, reason)
    assert detail
    assert inspect_recording(data, "a.wav", WHOLE, None, None).clips == ()


def test_files_without_samples_and_cut_short(write, data):
    write("none.wav", samples=np.zeros(0))
    assert inspect_recording(data, "none.wav", WHOLE, None, None).problems[0][1] == "empty"
    path = write("cut.wav", 1)
    path.write_bytes(path.read_bytes()[:-10])
    (problem,) = inspect_recording(data, "cut.wav", WHOLE, None, None).problems
    assert problem[1] == "unreadable"
    assert "truncated" in problem[2]


def test_a_bad_stretch_does_not_spoil_the_others(write, data):
    path = write("a.wav", samples=np.r_[np.full(4000, 0.5), np.full(4000, np.nan)], subtype="FLOAT")
    found = inspect_recording(data, path.name, (Stretch(0.0, 0.4), Stretch(0.6, 0.2), Stretch(2.0, 1.0)), None, None)
    assert [clip.stretch for clip in found.clips] == [0]
    assert [(start, reason) for start, reason, _ in found.problems] == [(0.6, "unreadable"), (2.0, "outside the file")]


def test_several_recordings_and_a_path_that_leads_out(write, data):
    write("a.wav", 1)
    task = InspectionTask(str(data), ("a.wav", "b.wav"), (WHOLE, WHOLE), None, None)
    assert [len(one.clips) for one in inspect_recordings(task)] == [1, 0]
    with pytest.raises(PathEscapeError):
        inspect_recording(data, "../a.wav", WHOLE, None, None)


@settings(max_examples=200, deadline=None)
@given(
    frames=st.integers(1, 5000),
    rate=st.sampled_from([8, 100, 441]),
    window=st.floats(0.02, 5).map(lambda x: round(x, 3)),
    hop=st.none() | st.floats(0.01, 3).map(lambda x: round(x, 3)),
    start=st.none() | st.floats(0, 3).map(lambda x: round(x, 3)),
)
def test_windows_cover_what_they_say_and_the_rest_is_listed(frames, rate, window, hop, start):
    problems = []
    info = AudioInfo(frames, rate, 1, "PCM_16")
    size = round(window * rate)
    if size == 0:
        return
    found = _cut(Stretch(start, None), info, window, hop, problems)
    first = round((start or 0) * rate)
    begins = [round((at - (start or 0)) * rate) + first for at, _ in found]
    assert all(first <= begin and begin + size <= frames + 1 for begin in begins)
    assert all(length == window for _, length in found)
    if found:
        gaps = np.diff([at for at, _ in found])
        assert np.allclose(gaps, hop or window, atol=1e-5)
        assert frames - (begins[-1] + size) < round((hop or window) * rate) + 1
    assert bool(problems) == (not found or begins[-1] + size < frames)


def test_stretches_that_cannot_be_cut():
    info = AudioInfo(1000, 1000, 1, "PCM_16")
    for stretch, window, reason in (
        (Stretch(0.99, 0.01), None, "shorter than a window"),
        (Stretch(None, None), 2.0, "shorter than a window"),
        (Stretch(1.0, None), None, "outside the file"),
        (Stretch(0.5, 0.6), None, "outside the file"),
    ):
        problems = []
        assert _cut(stretch, info, window, None, problems) == []
        assert [problem[1] for problem in problems] == [reason]
    assert _cut(Stretch(0.5, 0.54), info, None, None, []) == [(0.5, 0.5)]
